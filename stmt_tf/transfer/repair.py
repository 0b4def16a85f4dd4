"""Repairs a source's frames: what an object hides of the person is shown as the other frames show it in that pose."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import cv2
import numpy as np

from stmt_tf.pose import body
from stmt_tf.pose.skeleton import PARTS
from stmt_tf.transfer.held_objects import without_held_objects

if TYPE_CHECKING:
    from stmt_tf.pose.crop import Crop
    from stmt_tf.serving.inference import TransferModel
    from stmt_tf.transfer.source import Source

_AROUND_OBJECTS = 0.02  # of the square's side: how much further than a matte tells an object reaches, by its blur
_LIMB = 0.05  # of the stature: about half a limb's width
_PERSON = 0.5  # of a matte, above which it shows the person
_FRINGE = 0.1  # of a matte, below which it tells nothing
_SURE = 0.5  # confidence above which a part is where its joints are
_ALONG = np.linspace(0.1, 0.9, 24)[:, np.newaxis]  # of a part's axis: its ends may lie outside
_WHOLE, _RIGHT = 0.95, 0.5  # of a part's axis within the matte, where it is whole, and where its joints are right
_FOR_WHOLE_PARTS = 100.0  # what a part that is wholly hidden costs a frame's affinity
_NEVER = -1e5  # an affinity below that of any frame


def whole_person(model: TransferModel, source: Source, size: int) -> Source:
    """The source with frames and mattes that nothing hides the person in, and with what was hidden.

    Args:
        model: makes what is hidden; one of a fixed frame size, and a source without mattes, leave all as it is.
        source: the source, seen around the poses that its person takes in it.
        size: side in pixels of the frames that the model makes.
    """
    if source.mattes is None or not model.takes_any_size:
        return source
    crop, squares, mattes = source.crop, source.crops(size), source.matte_crops(size)
    *repaired, hidden = without_objects(model, squares, crop.to_crop(source.joints, size), mattes)
    frames, whole_mattes = list(source.frames), source.mattes.copy()
    changed = (repaired[0] != squares).any(-1) | (repaired[1] != mattes)
    for n in np.flatnonzero(changed.any((1, 2))):
        opacity = cv2.resize(changed[n].astype(np.float32), (crop.size, crop.size))
        frames[n] = _put(crop, frames[n], repaired[0][n], opacity[..., np.newaxis])
        whole_mattes[n] = _put(crop, whole_mattes[n], repaired[1][n], opacity)
    return dataclasses.replace(source, frames=frames, mattes=whole_mattes, hidden=hidden)


def _put(crop: Crop, frame: np.ndarray, square: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """A frame with what a square of the crop shows, at an opacity of the crop's size; of the same type."""
    old = crop.extract(frame, crop.size).astype(np.float32)
    new = old + opacity * (cv2.resize(square, (crop.size, crop.size)) - old)
    if frame.dtype == np.uint8:
        new = np.rint(new)
    return crop.paste(frame, new.astype(frame.dtype), feather=0.0)


def without_objects(
    model: TransferModel, frames: np.ndarray, joints: np.ndarray, mattes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames and mattes without what the person holds in some of them, or what flies before them.

    An object may stick to the matte, or leave a gap in it where a limb must be. What of a part lies in no gap must be
    half of it at least, or its joints are wrong; and some other frame must show it whole.

    Args:
        model: makes what the objects hide.
        frames: uint8 `[N, S, S, 3]`, of a size that the model takes.
        joints: `[N, 14, 3]` in pixels of the frames.
        mattes: float32 `[N, S, S]` in [0, 1], negative everywhere in frames whose matte is unknown, which stay as they
            are.

    Returns:
        The frames and mattes, repaired; and of each part in each frame the share that was hidden, `[N, 10]`.
    """
    axes = _axes(joints)
    own = _own_pixels(frames, joints, mattes, axes)
    hidden = np.stack([1.0 - _sampled(share, places).mean(-1) for share, places in zip(own, axes)])
    damaged = np.flatnonzero(own.min((1, 2)) < _PERSON)
    if not len(damaged):
        return frames, mattes, hidden
    encoded = model.encode_source(frames, joints, mattes * own)
    frames, mattes = frames.copy(), mattes.copy()
    for n in damaged:
        preference = preference_for_whole(hidden)
        preference[n] = _NEVER
        others = {**encoded, "preference": encoded["preference"] + preference}
        made = model.generate(others, joints[n : n + 1], ("foreground", "mask"))
        mask = made["mask"][0] / np.float32(255)
        # Elsewhere the picture goes on to show the place.
        painted = (1 - own[n, ..., np.newaxis]) * (mask > _FRINGE)
        frames[n] = np.rint(painted * made["foreground"][0] + (1 - painted) * frames[n])
        mattes[n] = own[n] * mattes[n] + (1 - own[n]) * mask[..., 0]
    return frames, mattes, hidden


def preference_for_whole(hidden: np.ndarray) -> np.ndarray:
    """What a model's affinities change by, so that parts come from frames that do not hide them: float32 `[N, 10]`."""
    return np.float32(-_FOR_WHOLE_PARTS * hidden)


def _own_pixels(frames: np.ndarray, joints: np.ndarray, mattes: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Which pixels no object hides, float32 `[N, S, S]` in [0, 1]; `axes` as `_axes` gives them of each pose."""
    kept = without_held_objects(frames, joints, mattes)
    own = np.where(mattes > _FRINGE, kept / np.maximum(mattes, _FRINGE), 1.0).astype(np.float32)
    limb = max(1, round(_LIMB * body.stature(joints)))
    sure = np.stack([joints[:, part.joints, 2].min(1) > _SURE for part in PARTS], 1)
    inside = np.stack([_sampled(matte, places) > _PERSON for matte, places in zip(mattes, axes)])  # [N, P, A]
    whole = sure & (inside.mean(-1) > _WHOLE)
    for n, share in enumerate(own):
        if mattes[n].max() < 0:
            continue
        others = np.delete(whole, n, axis=0).any(0)
        repaired = sure[n] & others & (inside[n].mean(-1) >= _RIGHT)
        for x, y in axes[n][~inside[n] & repaired[:, np.newaxis]]:
            cv2.circle(share, (round(float(x)), round(float(y))), limb, 0.0, -1)
    around = np.ones([max(3, round(_AROUND_OBJECTS * frames.shape[1]) | 1)] * 2)
    return np.stack([cv2.erode(share, around) for share in own])


def _axes(joints: np.ndarray) -> np.ndarray:
    """Points (x, y) along the axis of each part of poses `[N, 14, 3]`: `[N, P, 24, 2]`."""
    start, end = np.float32(body.part_ends(joints))[..., np.newaxis, :]
    return start + _ALONG.astype(np.float32) * (end - start)


def _sampled(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """An image `[S, S]` at points `[P, A, 2]`; 1 outside it."""
    x, y = np.moveaxis(points, -1, 0)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1.0)
