"""Where a person hides the place that they are in."""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.pose import body, skeleton

# As shares of the person's stature:
_MARGIN = 0.015  # around a matte: its halo, and the blur of motion; but
_LEAST_MARGIN = 2.0  # pixels, as most videos store colours at half the resolution
_BODY = 0.08  # around bones, where there is no matte: flesh and clothes
REACH = 0.12  # around the head, wrists and ankles: hair, hands and shoes
_PERSON = 0.5  # of a matte: what is more belongs to the person
_OUTLINE = (*skeleton.BONES, *skeleton.TORSO_SIDES)
_OUTERMOST = (skeleton.HEAD, skeleton.RIGHT_WRIST, skeleton.LEFT_WRIST, skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE)


def person_masks(mattes: np.ndarray | None, joints: np.ndarray, frame_size: tuple[int, int]) -> np.ndarray:
    """Where the person of frames is or may be, bool `[M, H, W]`.

    Args:
        mattes, joints: as `stmt_tf.place.plate.make_plate` takes them.
        frame_size: height and width of the frames.
    """
    stature = body.stature(joints) or float(max(frame_size))
    found = np.zeros((len(joints), *frame_size), bool)
    for number, (person, pose) in enumerate(zip(found, joints)):
        if mattes is None or mattes[number].min() < 0:
            person[:] = body_region(pose, stature, frame_size)
        else:
            away = cv2.distanceTransform((mattes[number] <= _PERSON).astype(np.uint8), cv2.DIST_L2, 5)
            person[:] = away <= max(_LEAST_MARGIN, _MARGIN * stature)
    return found


def body_region(pose: np.ndarray, stature: float, size: tuple[int, int]) -> np.ndarray:
    """The body of joints `[14, 3]` drawn generously, bool `[height, width]`; it reaches at most `REACH` around them."""
    region = np.zeros(size, np.uint8)
    points, found = np.rint(pose[:, :2]).astype(np.int32), pose[:, 2] > 0
    for one, other in _OUTLINE:
        if found[one] and found[other]:
            cv2.line(region, points[one].tolist(), points[other].tolist(), 1, max(1, round(2 * _BODY * stature)))
    for joint in _OUTERMOST:
        if found[joint]:
            cv2.circle(region, points[joint].tolist(), max(1, round(REACH * stature)), 1, cv2.FILLED)
    if found[list(skeleton.TORSO)].all():
        cv2.fillConvexPoly(region, cv2.convexHull(points[list(skeleton.TORSO)]), 1)
    return region > 0
