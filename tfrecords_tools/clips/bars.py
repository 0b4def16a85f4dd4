"""What the clips of a video are measured against."""

from __future__ import annotations

import dataclasses

from stmt_tf.video.background import CHANGED
from tfrecords_tools.clips.settings import ClipSettings

MAX_FROZEN = 0.8  # seconds without a new picture; who stands still still breathes


@dataclasses.dataclass(frozen=True)
class Bar:
    """What a measure of a clip must reach (`at_least`), or must not exceed."""

    value: float
    at_least: bool = False

    def passes(self, measured: float) -> bool:
        return measured >= self.value if self.at_least else measured <= self.value


def bars_of(settings: ClipSettings) -> dict[str, Bar]:
    """What clips are measured against, by the measure's name (`spans.measure`)."""
    return {
        "shot": Bar(CHANGED),
        "whole": Bar(settings.min_whole, at_least=True),
        "others": Bar(settings.max_others),
        "camera": Bar(settings.max_camera),
        "frozen": Bar(MAX_FROZEN),
        "seconds": Bar(settings.shortest / settings.fps, at_least=True),
    }
