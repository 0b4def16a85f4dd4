"""Settings that several commands have, and how settings are written: frozen dataclasses, each default once.

A command's own lie in the `settings` beside it.

`stmt_tf.flags` turns each field into a command-line flag of the same name, with its help.
"""

from __future__ import annotations

import dataclasses
import math

FUSIONS = ("avg", "max", "rb6", "sa3d_rb6", "rb6_sa2d")  # of whole features; `parts` is a generator of its own
TAKE_ANY_NUMBER = ("avg", "max", "parts")  # of source frames; the others that which they were built with


def setting(default, help: str, choices: tuple[str, ...] | None = None, *, group: str = "", required: bool = False):
    """A field that becomes a flag.

    Args:
        default: its value where the flag is not given.
        help: what --help says of it.
        choices: the values that it may have; None: any of its type.
        group: heading of it, and of the fields after it, in --help; empty: of the field before it.
        required: whether a command needs it, as --help tells; `require_given` checks it.
    """
    return dataclasses.field(
        default=default, metadata={"help": help, "choices": choices, "group": group, "required": required}
    )


def model_to_take():
    """The field of a trained model, which `stmt_tf.zoo.find_model` reads."""
    return setting(
        "",
        "Model: a directory, the name of a shipped one, an archive or its URL, or a TensorFlow Hub handle; empty: the "
        "shipped model.",
    )


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The generator's shape."""

    size: int = setting(256, "Side of the square frames in pixels, a multiple of 32.", group="Model")
    width: float = setting(1.0, "Multiplier of every layer's channels; 1 is the paper's size.")
    fusion: str = setting(
        "avg",
        "How the source frames' features are fused: their mean; their maximum; attention over the source frames "
        "from six residual blocks (rb6), after self-attention over all frames (sa3d_rb6) or before one over the "
        "fused features (rb6_sa2d). Beyond the paper: attention over frames and parts, of many frames the nearest for "
        "each part (parts).",
        (*FUSIONS, "parts"),
    )
    nearest_frames: int = setting(2, "K of --fusion=parts: source frames that each part is taken from, the nearest.")
    attention_stride: int = setting(
        4, "Self-attention is computed at 1 / this of the frames' side, a power of two up to 32, and upsampled."
    )
    map_stride: int = setting(
        4, "RB6's maps are computed at 1 / this of the frames' side, a power of two up to 32, and upsampled."
    )
    attention_pool: int = setting(
        1, "Self-attention's keys and values are max-pooled by this first; 1: not at all, 2: as SAGAN's code."
    )
    residual_heads: bool = setting(
        False,
        "Heads add to the warped parts and to the visible background instead of painting anew "
        "(the paper's heads are plain).",
    )

    def __post_init__(self):
        require_positive(self, "size", "width", "nearest_frames")
        if self.size % 32:
            raise ValueError(f"--size must be a multiple of 32, got {self.size}")
        for name in ("attention_stride", "map_stride"):
            if getattr(self, name) not in (1, 2, 4, 8, 16, 32):
                raise ValueError(f"--{name} must be 1, 2, 4, 8, 16 or 32, got {getattr(self, name)}")
        side = self.size // self.attention_stride
        if self.attention_pool < 1 or side % self.attention_pool:
            raise ValueError(
                f"--attention_pool must divide the attention maps' side, {side} (--size / --attention_stride), "
                f"got {self.attention_pool}"
            )


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What is read and how examples are drawn."""

    train_records: str = setting(
        "", "Glob of the TFRecord files to train on; required, except for a --dry_run.", group="Data"
    )
    val_records: str = setting("", "Glob of the TFRecord files to validate on; required, except for a --dry_run.")
    num_source_frames: int = setting(4, "K: source frames of an example in stage 2; stage 1 takes one.")
    num_target_frames: int = setting(8, "L: consecutive target frames of an example; clips need K + L frames.")
    batch_size: int = setting(2, "Examples of a training step, over all devices and workers.")
    samples_per_clip: int = setting(
        1, "Examples drawn of a clip whenever it is read; more where reading is slow, as on a disk far away."
    )
    shuffle_buffer: int = setting(
        256, "Drawn examples, still encoded, to shuffle among; twice as many are held in memory."
    )
    augment: bool = setting(
        False, "Scale, turn, shift and dim each example of the training at random; half of them are mirrored anyway."
    )
    seed: int = setting(0, "Seed of shuffling, drawing and initial weights.")

    def __post_init__(self):
        require_positive(
            self, "num_source_frames", "num_target_frames", "batch_size", "samples_per_clip", "shuffle_buffer"
        )
        require_seed(self.seed)


def require_choices(config) -> None:
    """Raises ValueError for a field whose value is none of its choices; flags do so by themselves."""
    for field in dataclasses.fields(config):
        choices, value = field.metadata["choices"], getattr(config, field.name)
        if choices and value not in choices:
            raise ValueError(f"--{field.name} must be one of {', '.join(choices)}, got {value!r}")


def require_given(config) -> None:
    """Raises ValueError if a required setting has no value."""
    for field in dataclasses.fields(config):
        if field.metadata["required"] and not getattr(config, field.name):
            raise ValueError(f"--{field.name} is required")


def require_at_least(config, **least: float) -> None:
    """Raises ValueError if a setting is smaller than the number given under its name."""
    for name, smallest in least.items():
        value = getattr(config, name)
        if not value >= smallest:  # refuses NaN too
            raise ValueError(f"--{name} must be at least {smallest:g}, got {value}")


def require_positive(config, *names: str) -> None:
    """Raises ValueError unless these settings are greater than 0."""
    for name in names:
        value = getattr(config, name)
        if not value > 0:  # refuses NaN too
            least = "at least 1" if isinstance(value, int) else "greater than 0"
            raise ValueError(f"--{name} must be {least}, got {value}")


def require_minutes(config, name: str) -> None:
    """Raises ValueError unless this setting is a finite time, 0 or more."""
    value = getattr(config, name)
    if not 0 <= value < math.inf:
        raise ValueError(f"--{name} must be a number of minutes, got {value}")


def require_seed(seed: int) -> None:
    """Raises ValueError for a negative seed."""
    if seed < 0:
        raise ValueError(f"--seed must not be negative, got {seed}")
