"""Settings of a training: its losses, and how long, how fast and where to."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import require_minutes, require_positive, setting


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Where a training lies, or that there is to be none."""

    workdir: str = setting(
        "",
        "Directory to write checkpoints, weights and events into; required, except for a --dry_run.",
        group="Output",
    )
    dry_run: bool = setting(
        False,
        "Only try a few steps on made-up data at the size asked for, and print parameters, operations, memory and "
        "time. Needs no records, no --init and no --workdir, writes nothing.",
    )

    def __post_init__(self):
        if not (self.workdir or self.dry_run):
            raise ValueError("--workdir is required, except for a --dry_run")


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Weights of the losses. A loss of weight 0 is not computed at all."""

    mse_weight: float = setting(1.0, "Weight of the mean squared error.", group="Losses")
    vgg_weight: float = setting(0.2, "Weight of the perceptual loss.")
    vgg_network: str = setting("vgg19", "Network of the perceptual loss.", ("vgg16", "vgg19"))
    vgg_weights: str = setting("", "File of the weights of --vgg_network; empty: fetched and cached.")
    vgg_window: int = setting(
        0,
        "Side in pixels of the random window that the perceptual loss looks at, the same for a frame and "
        "its truth; 0: the whole frame.",
    )
    vgg_start: int = setting(0, "Iteration at which the perceptual loss sets in.")
    gan_weight: float = setting(0.2, "Weight of the spatial adversarial loss (D_I).")
    temporal_ranges: tuple[int, ...] = setting(
        (), "n of each temporal discriminator D_V^n, which sees n consecutive frames; 3,5,7 in the paper."
    )
    temporal_weight: float = setting(0.1, "Weight of the sum of the temporal adversarial losses.")
    gan_start: int = setting(0, "Iteration at which the adversarial losses set in.")
    discriminator_width: float = setting(1.0, "Multiplier of the discriminators' channels.")
    spectral_norm: bool = setting(False, "Normalise the discriminators' convolutions by their spectral norm.")
    mask_weight: float = setting(
        0.0,
        "Weight of the cross-entropy of the source and foreground masks against the records' person "
        "masks, where they have them.",
    )
    person_weight: float = setting(
        0.0, "Pixels of the person count 1 + this in the mean squared error, where records have masks."
    )

    def __post_init__(self):
        require_positive(self, "discriminator_width")
        for name in (
            "mse_weight", "vgg_weight", "gan_weight", "temporal_weight", "mask_weight", "person_weight",
            "vgg_window", "vgg_start", "gan_start",
        ):
            value = getattr(self, name)
            if not value >= 0:  # refuses NaN too
                raise ValueError(f"--{name} must not be negative, got {value}")
        if any(n < 2 for n in self.temporal_ranges) or len(set(self.temporal_ranges)) < len(self.temporal_ranges):
            raise ValueError(
                "--temporal_ranges must be different numbers of at least 2, such as 3,5,7; got "
                + ",".join(map(str, self.temporal_ranges))
            )

    @property
    def discriminates_frames(self) -> bool:
        """Whether there is a D_I."""
        return self.gan_weight > 0

    @property
    def discriminated_ranges(self) -> tuple[int, ...]:
        """The n of every D_V^n that there is."""
        return self.temporal_ranges if self.temporal_weight > 0 else ()


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How long, how fast, and where to."""

    stage: int = setting(1, "1: the single-frame model; 2: the generator.", group="Training")
    freeze_stage1: bool = setting(
        True, "In stage 2, keep the single-frame model as stage 1 made it (as the paper does)."
    )
    iterations: int = setting(200_000, "Training steps in all.")
    minutes: float = setting(
        0.0, "End at the first checkpoint after so many minutes, counted anew at each start; 0: at no time."
    )
    learning_rate: float = setting(1e-4, "Adam's step size.")
    learning_rate_decay: bool = setting(
        False, "Lower the step size to 0 along a half cosine, over the minutes if they are given, else the iterations."
    )
    checkpoint_every: int = setting(1000, "Steps between checkpoints, validations and pictures.")
    val_examples: int = setting(
        64, "Validation examples, the same every time; rounded up to whole batches."
    )
    micro_batches: int = setting(
        1, "Parts that each device's share of a batch is worked through in, one after the other, to save memory."
    )
    precision: str = setting(
        "float32",
        "What layers compute in, and under mixed_bfloat16 the perceptual loss's network; variables, images and losses "
        "stay float32. Mixed precision is for GPUs (float16) and for GPUs, TPUs and CPUs with bfloat16 units.",
        ("float32", "mixed_float16", "mixed_bfloat16"),
    )
    init: str = setting(
        "", "Working directory of another training, or model directory, whose best weights to start from."
    )

    def __post_init__(self):
        if self.stage not in (1, 2):
            raise ValueError(f"--stage must be 1 or 2, got {self.stage}")
        require_positive(self, "iterations", "learning_rate", "checkpoint_every", "val_examples", "micro_batches")
        require_minutes(self, "minutes")
        if self.iterations > self.checkpoint_every and self.iterations % self.checkpoint_every:
            raise ValueError(
                f"--iterations={self.iterations} must be a multiple of --checkpoint_every={self.checkpoint_every}: "
                "a training ends with a checkpoint"
            )

    @property
    def perceptual_dtype(self) -> str:
        """What the perceptual loss's network computes in: its activations and gradients may pass float16's range."""
        return "bfloat16" if self.precision == "mixed_bfloat16" else "float32"
