"""Skeletons as pictures."""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.pose.skeleton import BONES

# RGB of each bone, by its child joint: the person's right is warm, their left is cold, and what is in
# the middle is pale. (The neck is nobody's child.)
_COLOURS = (
    (255, 255, 230),  # head
    (255, 255, 230),  # neck
    (255, 190, 120),  # right shoulder, elbow, wrist
    (255, 140, 0),
    (255, 215, 0),
    (130, 200, 255),  # left shoulder, elbow, wrist
    (0, 120, 255),
    (0, 220, 255),
    (255, 160, 160),  # right hip, knee, ankle
    (225, 0, 40),
    (255, 70, 160),
    (160, 255, 190),  # left hip, knee, ankle
    (0, 150, 60),
    (120, 230, 0),
)
# cv2 takes coordinates in units of 1 / 16 pixel.
_SHIFT = 4


def draw_skeleton(image: np.ndarray, joints: np.ndarray, thickness: float = 0.012) -> np.ndarray:
    """Returns a copy of an image with a skeleton drawn over it.

    Args:
        image: uint8 RGB `[H, W, 3]`.
        joints: `[14, 3]` as (x, y, confidence) in pixels; a bone with a missing end is left out.
        thickness: of the bones, as a share of the image's shorter side.
    """
    canvas = np.ascontiguousarray(image).copy()
    width = max(1, round(thickness * min(image.shape[:2])))
    # A wild joint far outside must not overflow the drawing's fixed-point numbers.
    points = np.rint(np.clip(joints[:, :2], -1e5, 1e5) * 2**_SHIFT).astype(int).tolist()
    seen = joints[:, 2] > 0
    for start, end in BONES:
        if seen[start] and seen[end]:
            cv2.line(canvas, points[start], points[end], _COLOURS[end], width, cv2.LINE_AA, _SHIFT)
    for point in np.flatnonzero(seen):
        radius = round(0.8 * width * 2**_SHIFT)
        cv2.circle(canvas, points[point], radius, _COLOURS[point], -1, cv2.LINE_AA, _SHIFT)
    return canvas
