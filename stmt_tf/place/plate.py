"""The plate: the place of a video without its person, from frames all over the video.

Each pixel is the median of the frames in which the person is somewhere else. Which frames those are differs from pixel
to pixel, and with them the person's shadow and the light; so the plate's gradients, too, are medians over time (Weiss
2001, "Deriving intrinsic images from image sequences"), and where few frames tell, colours follow the gradients. No
shadow then ends at the outline of the person who cast it. A camera that drifts is followed: the plate is what a frame
in the middle of its drift sees.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import cv2
import numpy as np
from absl import logging

from stmt_tf.place.hidden import REACH, body_region, person_masks
from stmt_tf.place.inpainting import inpaint
from stmt_tf.place.medians import masked_median
from stmt_tf.place.poisson import screened_poisson
from stmt_tf.pose import body
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.video.background import register

_MOST_FRAMES = 32  # so that memory does not grow with the video's length
_MOST_CANDIDATES = 500
_GRID = 48  # cells of the longer side, in which it is counted what frames show

_STILL = 0.5  # pixels by which no corner of the picture of a still camera moves
_MOST_DRIFT = 0.05  # of the longer side: a camera that went farther sees another place
_FEWEST_USED = 0.5  # of the frames that must see the first one's place

_ENOUGH = 3  # frames that must show a pixel, so that one of them may be wrong
_OF_EVERY = 8  # but of so many frames one is enough
_FEWEST_SEEN = 0.1  # of the pixels: what is less shows no place

# How strongly colours are held to their own medians, against one for each gradient: by the share of frames that tell.
_UNSURE, _SURE = 0.5, 0.9
_TIGHT = 10.0
_FADE = 0.05  # of the longer side: over so much a correction fades where few frames tell



@dataclasses.dataclass(frozen=True)
class Plate:
    """A place without its person.

    Attributes:
        image: uint8 `[H, W, 3]`; black where nothing was seen.
        seen: bool `[H, W]`, where frames show the place.
    """

    image: np.ndarray
    seen: np.ndarray


def plate_steps(joints: np.ndarray) -> np.ndarray:
    """Which frames of a video to make its plate from.

    Half of them are evenly spread over the video, with those that show nobody, and those show all of the place. The
    others are chosen one by one, each the frame that shows most of what the ones before show least.

    Args:
        joints: `[T, 14, 3]` of the person in the video, in pixels.

    Returns:
        Numbers of at most 32 frames, rising.
    """
    length = len(joints)
    if length <= _MOST_FRAMES:
        return np.arange(length)
    chosen = evenly_spread(length, _MOST_FRAMES // 2).tolist()
    shown = np.flatnonzero(body.visible(joints))
    if not len(shown):
        return evenly_spread(length, _MOST_FRAMES)
    # Where nobody was found somebody may have been overlooked: such frames come by the even spread alone.
    candidates = np.union1d(shown[evenly_spread(len(shown), _MOST_CANDIDATES)], chosen)
    clear = _clear_cells(joints, candidates)
    seen = clear[np.isin(candidates, chosen)].sum(0)
    free = ~np.isin(candidates, chosen)
    while len(chosen) < _MOST_FRAMES and free.any():
        gain = clear @ (1.0 / (1.0 + seen) ** 2)
        best = int(np.where(free, gain, -1.0).argmax())
        free[best] = False
        chosen.append(int(candidates[best]))
        seen = seen + clear[best]
    return np.sort(chosen)


def make_plate(frames: Sequence[np.ndarray], mattes: np.ndarray | None, joints: np.ndarray) -> Plate | None:
    """The place that frames show without their person, as the one in the middle of the camera's drift sees it.

    Args:
        frames: M of uint8 `[H, W, 3]`, in the order of time; see `plate_steps`.
        mattes: float32 `[M, H, W]`, 1 on the person, negative in a frame of which nothing is known; None: of no frame.
            Where there is no matte, the person is where the joints are.
        joints: `[M, 14, 3]` of the person, in pixels; a frame without any shows nobody.

    Returns:
        The plate; None where the camera moves too far or cannot be followed, or where the frames show too little of
        the place.
    """
    clear = ~person_masks(mattes, joints, frames[0].shape[:2])
    aligned = _align(frames, clear)
    if aligned is None:
        return None
    frames, clear, reached = aligned
    counts = clear.sum(0, dtype=np.uint8)
    # Of what a camera that drifts has left behind, few frames can tell.
    seen = counts >= np.minimum(np.clip(len(frames) // _OF_EVERY, 1, _ENOUGH), reached)
    if seen.mean() < _FEWEST_SEEN:
        return None
    place = masked_median(lambda rows: np.stack([frame[rows] for frame in frames]), clear)
    place += _correction(frames, clear, place, counts / np.float32(len(frames)))
    image = np.clip(np.rint(place), 0, 255).astype(np.uint8)
    image[~seen] = 0
    return Plate(image, seen)


def fill(plate: Plate) -> np.ndarray:
    """The whole place, uint8 `[H, W, 3]`: what was never seen is made of pieces of what was (see `inpaint`)."""
    return inpaint(plate.image, plate.seen)


def find_place(
    path: str | os.PathLike, frames: Sequence[np.ndarray], mattes: np.ndarray | None, joints: np.ndarray
) -> np.ndarray | None:
    """The whole place that frames of a video show, uint8 `[H, W, 3]`, as `make_plate` and `fill` make it.

    None where there is no plate, of which the log tells by the video's path.
    """
    plate = make_plate(frames, mattes, joints)
    if plate is None:
        logging.info("%s: no plate, as the camera moves or hardly any of the place is seen", path)
        return None
    return fill(plate)


def _clear_cells(joints: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Which cells of a coarse grid around all poses the person leaves clear in these frames, float32 `[N, cells]`."""
    points = joints[joints[..., 2] > 0][:, :2]
    stature = body.stature(joints)
    low, high = points.min(0) - REACH * stature, points.max(0) + REACH * stature
    scale = _GRID / max((high - low).max(), 1.0)
    width, height = np.ceil((high - low) * scale).astype(int).clip(1)
    poses = joints[steps].astype(np.float64)
    poses[..., :2] = (poses[..., :2] - low) * scale
    hidden = np.stack([body_region(pose, stature * scale, (height, width)) for pose in poses])
    return (~hidden).reshape(len(steps), -1).astype(np.float32)


def _align(
    frames: Sequence[np.ndarray], clear: np.ndarray
) -> tuple[Sequence[np.ndarray], np.ndarray, np.ndarray] | None:
    """The frames as one camera in the middle of the drift would have seen them.

    Returns:
        Some of the frames; what they show clearly, bool `[m, H, W]`; how many of them reach
        each pixel at all, uint8 `[H, W]`. None where too few of them see what the first one sees.
    """
    height, width = clear.shape[1:]
    places = register(frames, clear)
    corners = np.array([(x, y, 1.0) for x in (0, width - 1) for y in (0, height - 1)]).T
    moved = np.linalg.norm((places @ corners - corners)[:, :2], axis=1).max(-1)
    used = np.flatnonzero(moved <= _MOST_DRIFT * max(height, width))  # NaN is not
    if len(used) < _FEWEST_USED * len(frames):
        return None
    frames, clear = [frames[number] for number in used], clear[used]
    reached = np.full((height, width), len(used), np.uint8)
    if moved[used].max() > _STILL:
        reached[:] = 0
        seen_from = places[used] @ np.linalg.inv(places[used[_middle((places[used] @ corners)[:, :2])]])
        for number, place in enumerate(seen_from[:, :2]):
            frames[number] = cv2.warpAffine(
                frames[number], place, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            )
            clear[number] = _whole_after(place, clear[number])
            reached += _whole_after(place, np.ones_like(clear[number]))
    return frames, clear, reached


def _middle(points: np.ndarray) -> int:
    """Which of the frames is nearest to all others, by where they see the same points, `[m, 2, N]`."""
    apart = np.linalg.norm(points[:, np.newaxis] - points, axis=2).max(-1)
    return int(apart.sum(1).argmin())


def _whole_after(place: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A mask, bool `[H, W]`, moved back by the camera's motion; what lies beyond the border is not in it."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(255 * mask.astype(np.uint8), place, mask.shape[::-1], flags=flags) >= 254


def _correction(frames: Sequence[np.ndarray], clear: np.ndarray, place: np.ndarray, share: np.ndarray) -> np.ndarray:
    """What to add to the medians, so that their gradients are those that the frames mostly have.

    Args:
        frames: M of uint8 `[H, W, 3]`.
        clear: bool `[M, H, W]`.
        place: float32 `[H, W, 3]`, the medians.
        share: float32 `[H, W]`, of the frames in which a pixel is clear.

    Returns:
        float32 `[H, W, 3]`, 0 where (almost) all frames tell.
    """
    correction = np.zeros_like(place)
    box = _box(share < _SURE)
    if box is None:
        return correction
    loose = (_FADE * max(share.shape)) ** -2
    frames, clear = [frame[box] for frame in frames], clear[(slice(None), *box)]
    place, share = place[box], share[box]
    source = np.zeros_like(place)
    for axis in (0, 1):
        after = (slice(1, None), slice(None))[:: 1 - 2 * axis]
        before = (slice(None, -1), slice(None))[:: 1 - 2 * axis]
        both = clear[(slice(None), *after)] & clear[(slice(None), *before)]
        steps = [(frame[after], frame[before]) for frame in frames]
        gradient = masked_median(
            lambda rows, steps=steps: np.stack([one[rows].astype(np.int16) - other[rows] for one, other in steps]), both
        )
        wrong = np.where(both.any(0)[..., np.newaxis], gradient - (place[after] - place[before]), 0)
        source[after] += wrong
        source[before] -= wrong
    sure = np.clip((share - _UNSURE) / (_SURE - _UNSURE), 0, 1)
    pull = np.where(share > 0, loose + _TIGHT * sure**3, 0).astype(np.float32)
    unsure = (share < _SURE)[..., np.newaxis]
    correction[box] = np.where(unsure, screened_poisson(source, pull), 0)
    return correction


def _box(mask: np.ndarray) -> tuple[slice, slice] | None:
    """Rows and columns of all that is set in a mask and a little around it; None where nothing is."""
    if not mask.any():
        return None
    sides = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    return tuple(slice(max(0, side[0] - 2), side[-1] + 3) for side in sides)
