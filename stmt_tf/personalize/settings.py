"""Settings of a fine-tuning on one video."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import (
    model_to_take,
    require_at_least,
    require_given,
    require_minutes,
    require_positive,
    setting,
)
from stmt_tf.pose.settings import pose_cache, pose_model, pose_tool


@dataclasses.dataclass(frozen=True)
class PersonalizeConfig:
    """One fine-tuning of a model on a video."""

    source: str = setting("", "Video of the person.", group="Inputs", required=True)
    source_person: int = setting(
        0, "Number of the person, as `transfer --people` numbers them; 0: the largest and most central one."
    )
    model: str = model_to_take()
    output: str = setting(
        "",
        "Directory of versions to write the model into: OUTPUT/1, then OUTPUT/2, ...",
        group="Output",
        required=True,
    )
    minutes: float = setting(3.0, "How long to train.", group="Quality")
    mix_records: str = setting(
        "",
        "Glob of TFRecord files of other people to mix in, square and no smaller than the model's frames; empty: "
        "dancers are rendered.",
    )
    sheet: str = setting(
        "",
        "PNG of frames that were held out, and of what the model made of them before and after.",
        group="Looking inside",
    )
    pose: str = pose_tool()
    pose_model: str = pose_model()
    pose_cache: bool = pose_cache()
    source_poses: str = setting("", "JSON results for the video (openpose, alphapose), or saved poses.")

    def __post_init__(self):
        require_given(self)
        require_positive(self, "minutes")
        require_minutes(self, "minutes")
        require_at_least(self, source_person=0)
