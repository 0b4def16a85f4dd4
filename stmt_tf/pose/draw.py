"""Skeletons, and numbers of people, in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from stmt_tf.pose.skeleton import BONES, HEAD, NECK

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
_NUMBER = 0.045  # radius of a number's disc, as a share of the image's shorter side
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


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


def draw_numbers(image: np.ndarray, people: Sequence[np.ndarray]) -> np.ndarray:
    """Returns a copy of an image with a number by each head, from 1 on; where there is room for it over nobody's head.

    Args:
        image: uint8 RGB `[H, W, 3]`.
        people: `[14, 3]` each as (x, y, confidence) in pixels, of somebody who is seen.
    """
    canvas = np.ascontiguousarray(image).copy()
    height, width = canvas.shape[:2]
    radius = max(8, round(_NUMBER * min(height, width)))
    taken = [_head(joints) for joints in people]
    for number, joints in enumerate(people, 1):
        points, ((x, y), head) = joints[joints[:, 2] > 0, :2], taken[number - 1]
        away = head + radius + 2
        spots = [(x, y - away), (x + away, y), (x - away, y), (x, points[:, 1].max() + 1.5 * radius)]
        spots = np.clip(spots, radius, np.array([width, height]) - radius)
        covered = [sum(max(0.0, size + radius - math.dist(spot, each)) for each, size in taken) for spot in spots]
        spot = spots[int(np.argmin(covered))]
        taken.append((spot, radius))
        _draw_number(canvas, tuple(np.rint(spot).astype(int).tolist()), radius, str(number))
    return canvas


def _head(joints: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle and the radius of a head, in pixels; where it is not known, of the top of who is seen."""
    points = joints[joints[:, 2] > 0, :2]
    if (joints[[HEAD, NECK], 2] > 0).all():
        top, neck = joints[[HEAD, NECK], :2]
        return (top + neck) / 2, max(1.0, 0.75 * math.dist(top, neck))
    top = points[points[:, 1].argmin()]
    return top, max(1.0, 0.1 * float(np.ptp(points[:, 1])))


def _draw_number(canvas: np.ndarray, centre: tuple[int, int], radius: int, text: str) -> None:
    cv2.circle(canvas, centre, radius, _INK, -1, cv2.LINE_AA)
    cv2.circle(canvas, centre, radius, _PAPER, 2, cv2.LINE_AA)
    font, scale, thick = cv2.FONT_HERSHEY_SIMPLEX, radius / 18, max(1, radius // 8)
    (wide, tall), _ = cv2.getTextSize(text, font, scale, thick)
    cv2.putText(canvas, text, (centre[0] - wide // 2, centre[1] + tall // 2), font, scale, _PAPER, thick, cv2.LINE_AA)
