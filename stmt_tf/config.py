"""Every setting and its default, written once. Frozen dataclasses; standard library alone.

`stmt_tf.flags` turns each field into a command-line flag of the same name, with its help.
"""

from __future__ import annotations

import dataclasses
import math


def setting(default, help: str, choices: tuple[str, ...] | None = None):
    """A field with its default, its flag's help, and the values that it may have (None: any)."""
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices})


def _pose_tool():
    return setting(
        "mediapipe",
        "Pose estimator; openpose and alphapose read those tools' JSON results.",
        ("mediapipe", "movenet", "openpose", "alphapose"),
    )


def _pose_model():
    return setting("", "The estimator's model: a .task file (mediapipe), a handle or directory (movenet).")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The generator's shape."""

    size: int = setting(256, "Side of the square frames in pixels, a multiple of 32.")
    width: float = setting(1.0, "Multiplier of every layer's channels; 1 is the paper's size.")
    fusion: str = setting(
        "avg",
        "How the source frames' features are fused: their mean; their maximum; attention over the source frames "
        "from six residual blocks (rb6), after self-attention over all frames (sa3d_rb6) or before one over the "
        "fused features (rb6_sa2d). Beyond the paper: attention over frames and parts, of many frames the nearest for "
        "each part (parts).",
        ("avg", "max", "rb6", "sa3d_rb6", "rb6_sa2d", "parts"),
    )
    nearest_frames: int = setting(2, "K of --fusion=parts: source frames that each part is taken from, the nearest.")
    attention_stride: int = setting(
        4, "Attention is computed at 1 / this of the frames' side, a power of two up to 32, and upsampled."
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
        _require_positive(self, "size", "width", "nearest_frames")
        if self.size % 32:
            raise ValueError(f"--size must be a multiple of 32, got {self.size}")
        if self.attention_stride not in (1, 2, 4, 8, 16, 32):
            raise ValueError(f"--attention_stride must be 1, 2, 4, 8, 16 or 32, got {self.attention_stride}")
        side = self.size // self.attention_stride
        if self.attention_pool < 1 or side % self.attention_pool:
            raise ValueError(
                f"--attention_pool must divide the attention maps' side, {side} (--size / --attention_stride), "
                f"got {self.attention_pool}"
            )


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What is read and how examples are drawn."""

    train_records: str = setting("", "Glob of the TFRecord files to train on.")
    val_records: str = setting("", "Glob of the TFRecord files to validate on.")
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
        _require_positive(
            self, "num_source_frames", "num_target_frames", "batch_size", "samples_per_clip", "shuffle_buffer"
        )
        _require_seed(self.seed)


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Weights of the losses. A loss of weight 0 is not computed at all."""

    mse_weight: float = setting(1.0, "Weight of the mean squared error.")
    vgg_weight: float = setting(0.2, "Weight of the perceptual loss.")
    vgg_network: str = setting("vgg19", "Network of the perceptual loss.", ("vgg16", "vgg19"))
    vgg_weights: str = setting("", "File of that network's weights; empty: fetched and cached.")
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
        _require_positive(self, "discriminator_width")
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

    stage: int = setting(1, "1: the single-frame model; 2: the generator.")
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
        _require_positive(self, "iterations", "learning_rate", "checkpoint_every", "val_examples", "micro_batches")
        _require_minutes(self, "minutes")
        if self.iterations > self.checkpoint_every and self.iterations % self.checkpoint_every:
            raise ValueError(
                f"--iterations={self.iterations} must be a multiple of --checkpoint_every={self.checkpoint_every}: "
                "a training ends with a checkpoint"
            )

    @property
    def perceptual_dtype(self) -> str:
        """What the perceptual loss's network computes in: its activations and gradients may pass float16's range."""
        return "bfloat16" if self.precision == "mixed_bfloat16" else "float32"


@dataclasses.dataclass(frozen=True)
class TransferConfig:
    """One transfer."""

    source: str = setting("", "Video of the person, and the place, to show.")
    target: str = setting("", "Video of the motion to do.")
    live: str = setting(
        "",
        "In place of a target: a camera's number, a stream's URL or a file, followed as it comes and shown in a "
        "window, or written to --output, or both; see stmt_tf.transfer.live.",
    )
    output: str = setting("", "Video to write: .mp4, .m4v or .mov.")
    model: str = setting("", "Model directory; empty: the shipped model.")
    personalize: float = setting(
        0.0, "Minutes to fine-tune the model on the source first, see stmt_tf.personalize; 0: not at all."
    )
    num_source_frames: int = setting(
        0,
        "Source frames that the model looks at; 0: as many as its attention was built for, 24 if it takes any.",
    )
    source_selection: str = setting(
        "coverage",
        "How they are chosen: spread over the source's poses and facings, or at random as in the paper.",
        ("coverage", "random"),
    )
    retarget: str = setting(
        "global",
        "How the motion is fitted to the source's body: as it is; by one scale and one shift; bone by bone.",
        ("none", "global", "bone"),
    )
    layout: str = setting(
        "result",
        "What the video shows: the result, or source, target and result side by side.",
        ("result", "side_by_side"),
    )
    background: str = setting(
        "",
        "Another place to show: a picture, or a video, whose person is taken out of it. Scaled and cut to cover the "
        "source's frame.",
    )
    max_size: int = setting(
        768,
        "Side in pixels of the square around the person that is made at most, where the model makes any size; enlarged "
        "where the source shows the person larger.",
    )
    held_objects: bool = setting(
        False, "Show what the source person holds, too, instead of leaving out what only some source frames show."
    )
    crop_only: bool = setting(
        False, "Write the model's square view instead of pasting it into the source's whole frame."
    )
    preview: str = setting("", "PNG of the retargeted skeletons over the source, written first of all.")
    sheet: str = setting("", "PNG of source frames, target frames and result.")
    attention: str = setting(
        "", "PNG of which source frame each part of the result was taken from, for a few frames; white: all of it."
    )
    pose: str = _pose_tool()
    pose_model: str = _pose_model()
    source_poses: str = setting("", "JSON results for the source video (openpose, alphapose).")
    source_mattes: str = setting(
        "",
        "Directory of pictures, one for each frame of the source in the order of their names, white where the person "
        "is; empty: the pose estimator's own mattes, if it has any. --personalize trains with the estimator's.",
    )
    target_poses: str = setting("", "JSON results for the target video (openpose, alphapose).")
    background_poses: str = setting("", "JSON results for the video of another place (openpose, alphapose).")
    seed: int = setting(0, "Seed of the choice of source frames.")

    def __post_init__(self):
        if self.live and self.target:
            raise ValueError(f"--live={self.live} takes the place of --target={self.target}: give one of them")
        for name in ("source",) if self.live else ("source", "target", "output"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is required")
        _require_positive(self, "max_size")
        if self.num_source_frames < 0:
            raise ValueError(f"--num_source_frames must not be negative, got {self.num_source_frames}")
        _require_seed(self.seed)
        _require_minutes(self, "personalize")


@dataclasses.dataclass(frozen=True)
class PersonalizeConfig:
    """One fine-tuning of a model on a video."""

    source: str = setting("", "Video of the person.")
    output: str = setting("", "Directory of versions to write the model into: OUTPUT/1, then OUTPUT/2, ...")
    minutes: float = setting(3.0, "How long to train.")
    model: str = setting("", "Model directory to start from; empty: the shipped model.")
    mix_records: str = setting(
        "", "Glob of TFRecord files of other people to mix in, square and no smaller than the model's frames; empty: "
        "dancers are rendered."
    )
    sheet: str = setting("", "PNG of frames that were held out, and of what the model made of them before and after.")
    pose: str = _pose_tool()
    pose_model: str = _pose_model()
    source_poses: str = setting("", "JSON results for the video (openpose, alphapose).")

    def __post_init__(self):
        for name in ("source", "output"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is required")
        _require_positive(self, "minutes")
        _require_minutes(self, "minutes")


@dataclasses.dataclass(frozen=True)
class AppConfig:
    """The page: where it is served, and what it takes."""

    host: str = setting(
        "127.0.0.1",
        "Address to serve the page at, this computer's own; with 0.0.0.0 everybody who reaches it can use it.",
    )
    port: int = setting(7860, "Port to serve the page at.")
    model: str = setting("", "Model directory; empty: the shipped model.")
    max_megabytes: int = setting(200, "Largest file that is taken.")
    max_seconds: float = setting(60.0, "Longest video that is taken.")

    def __post_init__(self):
        _require_positive(self, "max_megabytes", "max_seconds")
        if not 0 < self.port < 65536:
            raise ValueError(f"--port must be between 1 and 65535, got {self.port}")


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """One evaluation."""

    model: str = setting("", "Model directory.")
    compare: tuple[str, ...] = setting(
        (),
        "Further models to measure on the same frames, NAME=DIR with commas between; NAME@1=DIR for one that is to see "
        "a single source frame, as single-frame models do. One of another size, or with attention over fewer frames, "
        "sees what it can of them.",
    )
    size: int = setting(0, "Side of the frames in pixels, for a model of any size; 0: its network's.")
    records: str = setting("", "Glob of the TFRecord files to draw clips from.")
    output: str = setting("", "Directory to write the results into; results in it are replaced.")
    set: str = setting(
        "same",
        "Source and target from one clip (same), from two (cross), or both sets, each in a directory of its own.",
        ("same", "cross", "both"),
    )
    pairs: str = setting(
        "", "A pairs.json of an earlier evaluation, to measure on its pairs; empty: drawn as the next flags say."
    )
    num_pairs: int = setting(50, "Pairs to draw.")
    num_source_frames: int = setting(4, "K: source frames of a pair.")
    source_selection: str = setting(
        "random",
        "How they are chosen: at random as in the paper, or spread over the source's poses and facings.",
        ("random", "coverage"),
    )
    num_target_frames: int = setting(16, "L: consecutive target frames of a pair; 0: as many as there are.")
    sides: str = setting(
        "any",
        "Which clips and frames: any; or opposite, sources that all show one side of the person, front or back, and "
        "targets that show the other.",
        ("any", "opposite"),
    )
    seed: int = setting(0, "Seed of the choice of pairs.")
    skip_corrupt: bool = setting(False, "Go on behind damaged records, which else end the evaluation.")
    i3d: str = setting(
        "",
        "I3D for VFID and FVD: a TensorFlow Hub handle, a SavedModel directory or a weights file; empty: the asset "
        "i3d as cached, and neither where it is not.",
    )
    vgg_weights: str = setting(
        "",
        "The asset vgg16 as a file, for LPIPS and the similarity of persons; empty: as cached, and neither where it "
        "is not.",
    )
    pose_model: str = setting(
        "",
        "The asset pose_landmarker as a file, for the poses of the set cross; empty: as cached, and no poses measured "
        "where it is not.",
    )

    def __post_init__(self):
        for name in ("model", "records", "output"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is required")
        for name, least in (("num_pairs", 1), ("num_source_frames", 1), ("num_target_frames", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} must be at least {least}, got {getattr(self, name)}")
        _require_seed(self.seed)
        if self.sides != "any" and self.set != "same":
            raise ValueError(f"--sides={self.sides} is of one clip's frames: give --set=same, got {self.set}")
        if self.pairs and self.set == "both":
            raise ValueError(f"--pairs={self.pairs} holds one set: give --set=same or --set=cross, got both")

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets to measure on."""
        return ("same", "cross") if self.set == "both" else (self.set,)


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """One export."""

    workdir: str = setting("", "Working directory of a training, or a model directory.")
    output: str = setting("", "Directory of versions to write the next version into: OUTPUT/1, then OUTPUT/2, ...")
    weights: str = setting(
        "float32",
        "How weights are stored; float16 and int8 take half and a quarter of the bytes, and computing stays float32.",
        ("float32", "float16", "int8"),
    )
    tflite: bool = setting(False, "Write generate.tflite too, of such weights: a target frame at a time.")
    verify: bool = setting(
        False, "Compare the export's frames with the model's own before it appears, in a process without this package."
    )

    def __post_init__(self):
        for name in ("workdir", "output"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is required")


def _require_positive(config, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not value > 0:  # refuses NaN too
            least = "at least 1" if isinstance(value, int) else "greater than 0"
            raise ValueError(f"--{name} must be {least}, got {value}")


def _require_minutes(config, name: str) -> None:
    value = getattr(config, name)
    if not 0 <= value < math.inf:
        raise ValueError(f"--{name} must be a number of minutes, got {value}")


def _require_seed(seed: int) -> None:
    if seed < 0:
        raise ValueError(f"--seed must not be negative, got {seed}")
