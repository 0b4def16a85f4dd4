"""The source's person in the target's own scene, in place of the target's person.

The motion was fitted to the source's body by one scale and one shift (`stmt_tf.pose.retarget`). The other way round
they say where in the target's frames the source's person stands as high, and on the same ground, as the target's did.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from stmt_tf.place.backdrop import place_of_video
from stmt_tf.place.light import light_of, relight
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.retarget import Fit
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer.motion import Motion
from stmt_tf.transfer.source import Source

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel

_PLACE = 0.1  # of a matte: what is less is not the person


def into_target(
    source: Source, motion: Motion, target: PosedVideo, model: TransferModel
) -> tuple[Source, np.ndarray, Crop]:
    """Makes a source ready to be shown in the target's scene.

    Args:
        source: whom to show.
        motion: what they do.
        target: the video whose scene is meant, and what makes mattes of it.
        model: fills what the target never shows, where its camera moves.

    Returns:
        The source, seen as widely as the motion reaches in the target's frames, in the light of the target's scene;
        that scene without its person, uint8 `[H, W, 3]`; and where in it the source's square lies.

    Raises:
        VideoError: the target cannot be read.
        PoseError: the pose estimator's model or results cannot be used.
    """
    with target.estimator() as estimator:
        place = place_of_video(motion.path, motion.target, model, estimator)
    moved = motion.retargeted.copy()
    moved[..., :2] = (moved[..., :2] - motion.fit.offset) / motion.fit.scale
    back = Fit(1 / motion.fit.scale, tuple(-np.array(motion.fit.offset) / motion.fit.scale))
    # Only the target's frame cuts the person off, and the source's frames must be seen, too.
    reached = _carried(Crop.around(moved, place.shape[:2]), motion.fit)
    crop = _around_both(source.crop, reached)
    return dataclasses.replace(source, crop=crop, frames=_relit(source, place)), place, _carried(crop, back)


def _carried(crop: Crop, fit: Fit) -> Crop:
    """The crop in the pixels that a fit leads to; pixels' centres are whole numbers."""
    left, top = (
        round(fit.scale * (first - 0.5) + shift + 0.5) for first, shift in zip((crop.left, crop.top), fit.offset)
    )
    return Crop(left, top, max(1, round(fit.scale * crop.size)))


def _around_both(one: Crop, other: Crop) -> Crop:
    left, top = min(one.left, other.left), min(one.top, other.top)
    right, bottom = (max(one.left + one.size, other.left + other.size), max(one.top + one.size, other.top + other.size))
    return Crop(left, top, max(right - left, bottom - top))


def _relit(source: Source, place: np.ndarray) -> list[np.ndarray]:
    """The source's frames in the light of a place, as far as mattes tell its person from its own place."""
    if source.mattes is None:
        return source.frames
    mattes = np.maximum(source.mattes, 0.0)
    person, own, other = light_of(source.frames, mattes), light_of(source.frames, mattes < _PLACE), light_of([place])
    if person is None or own is None:
        return source.frames
    return [relight(frame, person, own, other) for frame in source.frames]
