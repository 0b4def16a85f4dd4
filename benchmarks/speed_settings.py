"""Settings of the benchmarks of speed."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import FUSIONS, require_given, require_positive, setting


def _fusion(help: str = "The fusion."):
    return setting("rb6_sa2d", help, FUSIONS)


def _width(default: float):
    return setting(default, "Multiplier of every layer's channels.")


def _widths():
    return setting((0.25, 0.5, 1.0), "Multipliers of every layer's channels.")


def _repeats(default: int = 10):
    return setting(default, "Times that each call is timed; the median counts.", group="Timing")


@dataclasses.dataclass(frozen=True)
class OnednnConfig:
    """Which processes to measure in."""

    onednn: tuple[str, ...] = setting(
        ("0", "1"), "Settings of TF_ENABLE_ONEDNN_OPTS to measure.", ("0", "1"), group="Timing"
    )
    here: bool = setting(False, "Measure in this process, as it is, and print JSON alone.")


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """What generators to time."""

    sizes: tuple[int, ...] = setting((128, 64, 256), "Sides of the frames in pixels.", group="Models")
    widths: tuple[float, ...] = _widths()
    fusion: str = _fusion("The fusion; at 256 pixels rb6 takes less memory.")
    sources: tuple[int, ...] = setting((1, 4), "Numbers of source frames, K.")
    targets: tuple[int, ...] = setting((1, 2, 4, 8), "Numbers of target frames made at once.")
    repeats: int = _repeats()


@dataclasses.dataclass(frozen=True)
class OperationsConfig:
    """What generator to look into."""

    size: int = setting(256, "Side of the frames in pixels.", group="Model")
    width: float = _width(0.5)
    num_source_frames: int = setting(4, "K: source frames.")
    steps: int = setting(5, "Calls that are added up.", group="Timing")


@dataclasses.dataclass(frozen=True)
class UnetConfig:
    """What U-Nets to time."""

    sizes: tuple[int, ...] = setting((64, 128, 256), "Sides of the frames in pixels.", group="Models")
    widths: tuple[float, ...] = _widths()
    batch: int = setting(4, "Images at once: the source frames of one target frame.")
    repeats: int = _repeats()


@dataclasses.dataclass(frozen=True)
class TrainingStepConfig:
    """What steps of stage 1 to time."""

    sizes: tuple[int, ...] = setting((64, 128), "Sides of the frames in pixels.", group="Steps")
    targets: tuple[int, ...] = setting((1, 2), "Numbers of target frames of an example.")
    width: float = _width(0.25)
    batch: int = setting(4, "Examples of a step.")
    repeats: int = _repeats()


@dataclasses.dataclass(frozen=True)
class Stage2StepConfig:
    """What step of stage 2 to time."""

    size: int = setting(128, "Side of the frames in pixels.", group="Step")
    width: float = _width(0.25)
    fusion: str = _fusion()
    sources: int = setting(4, "K: source frames of an example.")
    targets: int = setting(8, "L: target frames of an example.")
    batch: int = setting(1, "Examples of a step.")
    repeats: int = _repeats(5)


@dataclasses.dataclass(frozen=True)
class PipelineConfig:
    """What to feed, and from where."""

    records: str = setting("", "Glob of the TFRecord files to read.", group="Examples", required=True)
    sizes: tuple[int, ...] = setting((256,), "Sides of the training's frames in pixels.")
    sources: int = setting(4, "K: source frames of an example.")
    targets: int = setting(8, "L: target frames of an example.")
    flows: bool = setting(True, "Whether examples hold flows, as with temporal discriminators.")
    samples_per_clip: int = setting(1, "Examples drawn of a clip whenever it is read.")
    batch: int = setting(8, "Examples of a batch.")
    step: bool = setting(
        False, "Set the pipeline against a training step of stage 1, which takes --sources=1.", group="Training step"
    )
    width: float = _width(0.25)
    repeats: int = _repeats()

    def __post_init__(self):
        require_given(self)
        if self.step and self.sources != 1:
            raise ValueError(f"--step is of stage 1, which takes one source frame; got --sources={self.sources}")


@dataclasses.dataclass(frozen=True)
class ExportsConfig:
    """What to export, and what to make with it."""

    records: str = setting("", "Glob of the record files to take frames from.", group="Inputs", required=True)
    workdir: str = setting("saved_models/dancers_128px", "Training or model directory.")
    clips: int = setting(10, "Clips, each with K source frames.", group="Frames")
    targets: int = setting(4, "Target frames of a clip.")
    repeats: int = _repeats()

    def __post_init__(self):
        require_given(self)
        require_positive(self, "clips", "targets", "repeats")


@dataclasses.dataclass(frozen=True)
class TransferProfileConfig:
    """What to transfer."""

    source: str = setting("samples/source.mp4", "Video of the person.", group="Videos")
    target: str = setting("samples/target.mp4", "Video of the motion.")
    repeats: int = setting(1, "Runs of the whole command; the median counts.", group="Timing")

    def __post_init__(self):
        require_positive(self, "repeats")


@dataclasses.dataclass(frozen=True)
class SelfAttentionConfig:
    """What attention to time."""

    positions: tuple[int, ...] = setting((4096, 16384), "Positions that attend to each other.", group="Attention")
    blocks: tuple[int, ...] = setting((64, 512), "Queries of a tile.")
    densest: int = setting(8192, "Most positions whose scores are also held at once.")
    repeats: int = _repeats(5)

    def __post_init__(self):
        require_positive(self, "densest", "repeats")


@dataclasses.dataclass(frozen=True)
class ServingConfig:
    """What to ask of which model."""

    model: str = setting("saved_models/dancers_64px", "Model directory.", group="Requests")
    sources: int = setting(4, "Source frames of a request.")
    clients: tuple[int, ...] = setting((1, 2, 4, 8), "Numbers of clients at a time.")
    requests: int = setting(10, "Requests of each client.")
    largest_batch: int = setting(8, "Requests of a batch at most.")
    repeats: int = _repeats(3)

    def __post_init__(self):
        require_positive(self, "sources", "requests", "largest_batch", "repeats")


@dataclasses.dataclass(frozen=True)
class PeerConfig:
    """What frames to set beside another network's."""

    sizes: tuple[int, ...] = setting((256, 768), "Sides of our frames in pixels; the peer's have 256.", group="Frames")
    repeats: int = _repeats()

    def __post_init__(self):
        require_positive(self, "repeats")


@dataclasses.dataclass(frozen=True)
class WorkersConfig:
    """What to train, by how many."""

    records: str = setting("", "Glob of the record files to train on.", group="Training", required=True)
    workers: tuple[int, ...] = setting((1, 2, 4), "Numbers of workers, each of which divides the batch.")
    size: int = setting(64, "Side of the frames in pixels.")
    width: float = _width(0.25)
    batch: int = setting(8, "Examples of a step, of all workers together.")
    steps: int = setting(30, "Steps of an epoch, of three.", group="Timing")

    def __post_init__(self):
        require_given(self)
        require_positive(self, "batch", "steps")
        for count in self.workers:
            if count < 1 or self.batch % count:
                raise ValueError(f"--workers={count} does not divide --batch={self.batch}")


@dataclasses.dataclass(frozen=True)
class ClipRateConfig:
    """What to make clips of, by how many."""

    workers: tuple[int, ...] = setting((1, 2), "Numbers of Beam's workers, and of processes of create_clips.")
    videos: int = setting(4, "Videos of the short run; the long one has three times as many.", group="Videos")
    seconds: float = setting(6.0, "Length of a video.")
    size: int = setting(256, "Side of the videos, and of the clips, in pixels.")

    def __post_init__(self):
        require_positive(self, "videos", "seconds", "size")
