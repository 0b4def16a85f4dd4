"""Keypoint layouts of the pose tools, turned into the 14 joints of `stmt_tf.pose.skeleton`.

The limbs are the same joints in every layout. Neck and head are not: where a layout lacks them they
are derived, all by fixed linear combinations, so that the derived joint follows any view of a rigid
head (front, side, back, bent) under the parallel projection that a distant camera comes close to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stmt_tf.pose import skeleton


class Layout(NamedTuple):
    """Where a tool's keypoints hold our joints.

    Attributes:
        name: as its tool calls it.
        size: number of keypoints; a tool may write more, behind these.
        limbs: 12 indices, in the skeleton's order from right shoulder to left ankle.
        neck: index of the base of the neck, or None to derive it from the shoulders.
        head: index of the top of the head, or None to derive it from the face.
        nose, eyes, ears, mouth: indices of the face's keypoints, () where the layout has none.
    """

    name: str
    size: int
    limbs: tuple[int, ...]
    neck: int | None = None
    head: int | None = None
    nose: tuple[int, ...] = ()
    eyes: tuple[int, ...] = ()
    ears: tuple[int, ...] = ()
    mouth: tuple[int, ...] = ()


_LIMBS_OF_COCO = (6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15)

COCO_17 = Layout("COCO-17", 17, _LIMBS_OF_COCO, nose=(0,), eyes=(1, 2), ears=(3, 4))
COCO_NECK = Layout("COCO-17 and the neck", 18, _LIMBS_OF_COCO, neck=17, nose=(0,), eyes=(1, 2), ears=(3, 4))
COCO_18 = Layout(
    "COCO-18", 18, (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), neck=1, nose=(0,), eyes=(14, 15), ears=(16, 17)
)
BODY_25 = Layout(
    "BODY_25", 25, (2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14), neck=1, nose=(0,), eyes=(15, 16), ears=(17, 18)
)
BODY_25B = Layout("BODY_25B", 25, _LIMBS_OF_COCO, nose=(0,), eyes=(1, 2), ears=(3, 4), head=18)
COCO_25 = Layout(
    "COCO-25", 25, (7, 9, 11, 6, 8, 10, 13, 16, 18, 12, 15, 17), neck=5, nose=(0,), eyes=(1, 2), ears=(3, 4)
)
HALPE_26 = Layout("HALPE-26", 26, _LIMBS_OF_COCO, neck=18, head=17)
MPII_16 = Layout("MPII-16", 16, (12, 11, 10, 13, 14, 15, 2, 1, 0, 3, 4, 5), neck=7, head=9)
MPI_15 = Layout("MPI-15", 15, (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), neck=1, head=0)
HUMAN_17 = Layout("Human3.6M-17", 17, (14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6), neck=8, head=10)
MEDIAPIPE_33 = Layout(
    "MediaPipe-33",
    33,
    (12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27),
    nose=(0,),
    eyes=(2, 5),
    ears=(7, 8),
    mouth=(9, 10),
)

# What so many keypoints in a file may be, the likeliest first. Whole bodies begin with the body.
CANDIDATES = {
    15: (MPI_15,),
    16: (MPII_16,),
    17: (COCO_17, HUMAN_17),
    18: (COCO_18, COCO_NECK),
    25: (BODY_25, BODY_25B, COCO_25),
    26: (HALPE_26,),
    133: (COCO_17,),
    134: (COCO_18,),
    136: (HALPE_26,),
}


def to_joints(keypoints: np.ndarray, layout: Layout, frame_size: tuple[int, int]) -> np.ndarray:
    """Returns the 14 joints of keypoints in a tool's layout.

    Args:
        keypoints: float [..., K, 3], at least the layout's, (x, y, confidence) in pixels; confidence 0 is
            missing.
        layout: the keypoints' layout.
        frame_size: (height, width) of the frame in pixels.

    Returns:
        float32 [..., 14, 3]; joints that are missing or outside the frame are (0, 0, 0).
    """
    keypoints = np.asarray(keypoints, np.float32)
    joints = np.zeros((*keypoints.shape[:-2], skeleton.NUM_JOINTS, 3), np.float32)
    joints[..., 2:, :] = keypoints[..., layout.limbs, :]
    shoulders = _mean_of_all(joints[..., (skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER), :])
    skull = _skull(keypoints, layout)
    if layout.neck is None:
        # The base of the neck is a fifth of the way from between the shoulder joints to between the
        # ears.
        joints[..., skeleton.NECK, :] = np.where(_seen(skull), _combine((0.8, shoulders), (0.2, skull)), shoulders)
    else:
        joints[..., skeleton.NECK, :] = keypoints[..., layout.neck, :]
    if layout.head is None:
        joints[..., skeleton.HEAD, :] = _head_top(keypoints, layout, shoulders)
    else:
        joints[..., skeleton.HEAD, :] = keypoints[..., layout.head, :]
    height, width = frame_size
    x, y, confidence = np.moveaxis(joints, -1, 0)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    joints[..., 2] = np.clip(confidence, 0.0, 1.0)
    return np.where((inside & (confidence > 0.0))[..., np.newaxis], joints, 0.0).astype(np.float32)


def _head_top(keypoints: np.ndarray, layout: Layout, shoulders: np.ndarray) -> np.ndarray:
    """Extrapolates the top of the head ([..., 3]) from the face and the shoulders.

    On an average head the ears lie 20 cm above the shoulder joints, the top with its hair 15 cm
    above the ears, and the mouth 7 cm below the eyes. The line through the neck is steady but blind
    to nods; the face's line sees nods but magnifies noise, and counts twice where both are known.
    """
    skull = _skull(keypoints, layout)
    eyes = _mean_of_seen(keypoints, layout.eyes)
    nose = _mean_of_seen(keypoints, layout.nose)
    centre = np.where(_seen(skull), skull, np.where(_seen(eyes), eyes, nose))
    by_neck = _combine((1.75, centre), (-0.75, shoulders))
    if not layout.mouth:
        return by_neck
    mouth = _mean_of_seen(keypoints, layout.mouth)
    by_face = _combine((1.0, skull), (2.1, eyes), (-2.1, mouth))
    both = _combine((1 / 3, by_neck), (2 / 3, by_face))
    return np.where(_seen(both), both, np.where(_seen(by_neck), by_neck, by_face))


def _skull(keypoints: np.ndarray, layout: Layout) -> np.ndarray:
    """Returns the middle between the ears, [..., 3], or a guess at it where one ear is hidden."""
    skull = _mean_of_seen(keypoints, layout.ears)
    if not layout.ears:
        return skull
    one = (keypoints[..., layout.ears, 2] > 0.0).sum(-1, keepdims=True) == 1
    # Seen from the side the middle lies behind the ear; half turned, 40% of the way to the nose.
    guess = _combine((0.75, skull), (0.25, _mean_of_seen(keypoints, layout.nose)))
    return np.where(one & _seen(guess), guess, skull)


def _seen(points: np.ndarray) -> np.ndarray:
    return points[..., 2:] > 0.0


def _mean_of_all(points: np.ndarray) -> np.ndarray:
    """Mean over axis -2 with the lowest confidence, missing where any of the points is."""
    mean = points.mean(-2)
    mean[..., 2] = points[..., 2].min(-1)
    return mean


def _mean_of_seen(keypoints: np.ndarray, indices: tuple[int, ...]) -> np.ndarray:
    """Mean position and confidence of those of the keypoints that were found."""
    points = keypoints[..., indices, :]
    weights = (points[..., 2:] > 0.0).astype(np.float32)
    return (points * weights).sum(-2) / np.maximum(weights.sum(-2), 1.0)


def _combine(*terms: tuple[float, np.ndarray]) -> np.ndarray:
    """Linear combination of points; its confidence is the lowest, 0 where any point is missing."""
    point = sum(weight * points for weight, points in terms)
    point[..., 2] = np.min([points[..., 2] for _, points in terms], axis=0)
    return point
