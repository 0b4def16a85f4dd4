"""Where the person is in a frame, from joints alone, for records without masks."""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.pose import body
from stmt_tf.pose.skeleton import BONES, LEFT_HIP, RIGHT_HIP, TORSO, TORSO_SIDES

_RADIUS = 0.06  # of the limbs and the head, as a share of the stature
_OUTLINE = (*BONES, *TORSO_SIDES, (RIGHT_HIP, LEFT_HIP))


def person_region(joints: np.ndarray, size: int, stature: float | None = None) -> np.ndarray:
    """Draws the body thickly: a capsule around each bone, and the torso filled.

    Args:
        joints: `[T, 14, 3]` in pixels, all of one person; joints of confidence 0 are left out.
        size: side of the frames in pixels.
        stature: the person's (`body.stature`) in pixels, by which the limbs' width goes; None: as these joints show it.
            For a few frames of a video, give that of all.

    Returns:
        bool `[T, size, size]`; empty where no bone was found.
    """
    radius = max(_RADIUS * (body.stature(joints) if stature is None else stature), 1.0)
    return np.stack([_draw(pose, radius, size) for pose in joints])


def _draw(pose: np.ndarray, radius: float, size: int) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    found = pose[:, 2] > 0
    region = np.zeros((size, size), bool)
    for a, b in _OUTLINE:
        if found[a] and found[b]:
            region |= _distance(x, y, pose[a, :2], pose[b, :2]) <= radius
    if found[list(TORSO)].all():
        filled = np.zeros((size, size), np.uint8)
        hull = cv2.convexHull(np.rint(pose[list(TORSO), :2]).astype(np.int32))
        cv2.fillConvexPoly(filled, hull, 1)
        region |= filled > 0
    return region


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of pixels from the segment between two points."""
    along = end - start
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(along @ along, 1e-6)
    share = np.clip(share, 0.0, 1.0)
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
