"""Settings of the tools."""

from __future__ import annotations

import dataclasses
import os

from stmt_tf.config import require_at_least, require_given, require_positive, setting

SPLITS = ("train", "val", "test")


@dataclasses.dataclass(frozen=True)
class VideosConfig:
    """Where videos and records lie."""

    videos: str = setting(
        "", "Directory of the videos; those in directories below it count too.", group="Inputs", required=True
    )
    output: str = setting(
        "", "Directory of the records, made if it does not exist.", group="Output", required=True
    )
    shard_megabytes: float = setting(200.0, "Largest record file; a single clip may be larger.")

    def __post_init__(self):
        require_given(self)
        require_positive(self, "shard_megabytes")


@dataclasses.dataclass(frozen=True)
class CreateConfig(VideosConfig):
    """Where videos and records lie, and how to work."""

    processes: int = setting(os.cpu_count() or 1, "Videos worked on at once.", group="Work")

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "processes")


@dataclasses.dataclass(frozen=True)
class InspectConfig:
    """What to look at."""

    records: str = setting("", "Glob of the record files.", group="Inputs", required=True)
    sheet: str = setting("", "PNG to write; empty: the table alone.", group="Output")
    num_clips: int = setting(6, "Clips on the sheet, spread evenly over the records.")

    def __post_init__(self):
        require_given(self)
        require_positive(self, "num_clips")


@dataclasses.dataclass(frozen=True)
class ValidateConfig:
    """What to check."""

    records: str = setting("", "Glob of the record files.", group="Inputs", required=True)

    def __post_init__(self):
        require_given(self)


@dataclasses.dataclass(frozen=True)
class DancersConfig:
    """One set of rendered dancers."""

    output: str = setting("", "Directory to write, made if it does not exist.", group="Output", required=True)
    splits: tuple[str, ...] = setting(SPLITS, "Splits to write; others are left out.", SPLITS)
    videos_per_shard: int = setting(50, "Videos in one file.")
    num_videos: int = setting(1000, "Videos in all three splits together.", group="Videos")
    seed: int = setting(1, "Number of the endless series of videos.")
    size: int = setting(128, "Height and width of the frames in pixels.")
    frames_per_video: int = setting(48, "Frames of every video.")
    fps: float = setting(25.0, "Frames per second; a low rate spreads few frames over many poses.")
    processes: int = setting(os.cpu_count() or 1, "Processes that render.", group="Work")

    def __post_init__(self):
        require_given(self)
        require_positive(self, "num_videos", "videos_per_shard", "processes")
        require_at_least(self, seed=0, size=16, frames_per_video=2, fps=0.1)


@dataclasses.dataclass(frozen=True)
class SamplesConfig:
    """The two sample videos."""

    output: str = setting("samples", "Directory to write, made if it does not exist.", group="Output")
    size: int = setting(384, "Height and width of the videos in pixels.")
    num_frames: int = setting(110, "Frames of each video.")

    def __post_init__(self):
        require_at_least(self, size=16, num_frames=1)
