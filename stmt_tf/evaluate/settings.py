"""Settings of an evaluation."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import require_at_least, require_given, require_seed, setting
from stmt_tf.pose.settings import source_selection

SETS = ("same", "cross")
SIDES = ("any", "opposite")


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """One evaluation."""

    model: str = setting(
        "",
        "Model: a directory, the name of a shipped one, an archive or its URL, or a TensorFlow Hub handle.",
        group="Models",
        required=True,
    )
    compare: tuple[str, ...] = setting(
        (),
        "Further models to measure on the same frames, NAME=MODEL with commas between; NAME@1=MODEL for one that is to "
        "see a single source frame, as single-frame models do. One of another size, or with attention over fewer "
        "frames, sees what it can of them.",
    )
    size: int = setting(0, "Side of the frames in pixels, for a model of any size; 0: its network's.")
    records: str = setting("", "Glob of the TFRecord files to draw clips from.", group="Records", required=True)
    skip_corrupt: bool = setting(False, "Go on behind damaged records, which else end the evaluation.")
    output: str = setting(
        "", "Directory to write the results into; results in it are replaced.", group="Output", required=True
    )
    videos: str = setting(
        "",
        "Directory to write what each method makes into, as METHOD/SET/PAIR.mp4; empty: no videos. Two of its METHODs "
        "are what the user study takes, see stmt_tf.study.",
    )
    set: str = setting(
        "same",
        "Pairs to measure on: source and target from one clip (same), from two (cross), or both sets, each in a "
        "directory of its own.",
        (*SETS, "both"),
        group="Pairs",
    )
    pairs: str = setting(
        "", "A pairs.json of an earlier evaluation, to measure on its pairs; empty: pairs are drawn."
    )
    num_pairs: int = setting(50, "Pairs to draw.")
    num_source_frames: int = setting(4, "K: source frames of a pair.")
    source_selection: str = source_selection("random")
    num_target_frames: int = setting(16, "L: consecutive target frames of a pair; 0: as many as there are.")
    sides: str = setting(
        "any",
        "Clips and frames that pairs are drawn of: any; or opposite, sources that all show one side of the person, "
        "front or back, and targets that show the other.",
        SIDES,
    )
    complete_sources: bool = setting(
        True,
        "Draw source frames only of those with almost as many joints as the clip's most complete ones; else of all.",
    )
    seen_targets: bool = setting(
        True, "Draw target frames only where a person was found in each of them; else anywhere."
    )
    seed: int = setting(0, "Seed of the choice of pairs.")
    i3d: str = setting(
        "",
        "I3D for VFID and FVD: a TensorFlow Hub handle, a SavedModel directory or a weights file; empty: the asset "
        "i3d as cached, and neither where it is not.",
        group="Networks that judge",
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
        require_given(self)
        require_at_least(self, num_pairs=1, num_source_frames=1, num_target_frames=0)
        require_seed(self.seed)
        if self.sides != "any" and self.set != "same":
            raise ValueError(f"--sides={self.sides} is of one clip's frames: give --set=same, got {self.set}")
        if self.source_selection != "random" and not self.complete_sources:
            raise ValueError(
                "--nocomplete_sources is of frames drawn at random: give --source_selection=random, got "
                f"{self.source_selection}"
            )
        if self.pairs and self.set == "both":
            raise ValueError(f"--pairs={self.pairs} holds one set: give --set=same or --set=cross, got both")

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets to measure on."""
        return SETS if self.set == "both" else (self.set,)
