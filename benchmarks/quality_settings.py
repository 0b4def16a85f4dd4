"""Settings of the benchmarks of quality."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from stmt_tf.config import require_at_least, require_given, require_positive, require_seed, setting

INGREDIENTS = ("mattes", "plate", "frame_size")  # of a transfer


def _records():
    return setting("", "Glob of the TFRecord files to draw clips from.", group="Inputs", required=True)


def _results():
    return setting(
        "", "Directory to write the results into; results in it are replaced.", group="Output", required=True
    )


@dataclasses.dataclass(frozen=True)
class Table1Config:
    """One repetition of the table."""

    out: str = setting("", "Directory of all that is made.", group="Output", required=True)
    configs: str = setting("configs/small", "Directory of the rows' flagfiles.", group="Inputs")
    stage1: str = setting("configs/small/stage1.flags", "Flagfile of the stage 1 of all rows.")
    records: str = setting("", "Directory of records {train,val,test}-*; empty: rendered dancers, into DIR/records.")
    num_videos: int = setting(600, "Dancers rendered, of which 18 of 20 are trained on.", group="Size")
    num_pairs: int = setting(50, "Same-video pairs to measure on, at least 2.")
    seeds: int = setting(2, "Seeds; each trains its own stage 1 and all rows from it.")

    def __post_init__(self):
        require_given(self)
        require_at_least(self, num_videos=20, num_pairs=2, seeds=1)

    def place(self, seed: int, row: str = "") -> Path:
        """The directory of a row of a seed; of the seed, without a row."""
        return Path(self.out) / f"seed{seed}" / row

    @property
    def training_records(self) -> Path:
        """The directory of the splits train and val."""
        return Path(self.records or Path(self.out) / "records" / "train")

    @property
    def test_records(self) -> Path:
        """The directory of the split test."""
        return Path(self.records or Path(self.out) / "records" / "test")


@dataclasses.dataclass(frozen=True)
class SensitivityConfig:
    """What to distort."""

    records: str = _records()
    output: str = _results()
    num_pairs: int = setting(50, "Pairs to draw.", group="Pairs")
    num_target_frames: int = setting(16, "Consecutive target frames of a pair.")
    size: int = setting(128, "Side of the frames in pixels.")
    seed: int = setting(0, "Seed of the choice of pairs and of the distortions.")

    def __post_init__(self):
        require_given(self)
        require_positive(self, "num_pairs", "num_target_frames", "size")
        require_seed(self.seed)


@dataclasses.dataclass(frozen=True)
class SelectionConfig:
    """One comparison."""

    models: tuple[str, ...] = setting(
        (), "Models of one size, NAME=DIR with commas between.", group="Inputs", required=True
    )
    records: str = _records()
    output: str = _results()
    counts: tuple[int, ...] = setting((1, 2, 4, 8), "K: how many source frames.", group="Pairs")
    num_pairs: int = setting(50, "Pairs to draw.")
    num_target_frames: int = setting(16, "Consecutive target frames of a pair.")
    seed: int = setting(0, "Seed of the choice of pairs.")

    def __post_init__(self):
        require_given(self)
        if min(self.counts, default=0) < 1:
            raise ValueError(f"--counts must be at least 1, got {','.join(map(str, self.counts)) or 'none'}")


@dataclasses.dataclass(frozen=True)
class SameVideoConfig:
    """What to make again, and by which models."""

    clips: str = setting("", "Glob of videos of one person each.", group="Inputs", required=True)
    models: tuple[str, ...] = setting((), "NAME=DIR of each model, with commas between.", required=True)
    output: str = setting("", "Directory to write the table and the sheets into.", group="Output", required=True)
    size: int = setting(256, "Side in pixels of the squares that are judged.", group="Measuring")
    without: tuple[str, ...] = setting((), "What to leave out of the first model, a row each.", INGREDIENTS)
    source_frames: tuple[int, ...] = setting((), "Numbers of source frames for the first model, a row each.")
    max_sizes: tuple[int, ...] = setting((), "Largest sides of its square in pixels, a row each.")

    def __post_init__(self):
        require_given(self)
        require_at_least(self, size=32)


@dataclasses.dataclass(frozen=True)
class LossGradientsConfig:
    """Whose frames, and which examples."""

    records: str = setting("", "Glob of the record files to draw examples from.", group="Inputs", required=True)
    model: str = setting("saved_models/dancers_128px", "Training or model directory whose frames are judged.")
    vgg19_weights: str = setting(
        "", "File of VGG19's weights; empty: those that Keras downloads, and a line less where it cannot."
    )
    targets: int = setting(
        8, "L: target frames of an example; of D_V^3, D_V^5 and D_V^7 those judge that see no more.", group="Examples"
    )
    examples: int = setting(16, "Examples that the norms are means over.")
    updates: int = setting(
        200, "Updates of the discriminators against the model's frames before they judge.", group="Discriminators"
    )
    discriminator_width: float = setting(0.25, "Multiplier of their channels.")
    seed: int = setting(0, "Seed of the examples and the discriminators.")

    def __post_init__(self):
        require_given(self)
        require_at_least(self, targets=3, examples=1, updates=0)
        require_seed(self.seed)


@dataclasses.dataclass(frozen=True)
class AttendedConfig:
    """Whose attention, and on which examples."""

    model: str = setting("", "Training or model directory with attention.", group="Inputs", required=True)
    records: str = setting("", "Glob of the record files to draw examples from.", required=True)
    examples: int = setting(16, "Examples that all is a mean over.", group="Examples")
    seed: int = setting(0, "Seed of the examples.")

    def __post_init__(self):
        require_given(self)
        require_at_least(self, examples=1)
        require_seed(self.seed)
