"""Whether the person in made frames takes the poses asked for, by joints that a pose estimator finds there.

Estimators err too: read the numbers beside those of true frames, whose joints are known (or, in records cut from real
videos, were found by the same estimator, which flatters it). An estimator that follows people from frame to frame lags
behind frames that jump, and smooths over those that flicker. Left and right are told apart:
where a person shows the back and the front was asked for, hardly more than head and neck are right.

Reference:
    Yang and Ramanan, "Articulated Human Detection with Flexible Mixtures of Parts", PAMI 2013 (PCK).
"""

from __future__ import annotations

import contextlib
from typing import Callable

import numpy as np

from stmt_tf.pose import body
from stmt_tf.pose.estimators import Estimator

PCK_SHARE = 0.2  # of the torso's length: nearer joints are right


def find_joints(frames: np.ndarray, asked: np.ndarray, create: Callable[[], Estimator]) -> np.ndarray:
    """The joints of the person nearest to the pose asked for.

    Args:
        frames: uint8 `[T, H, W, 3]`, consecutive.
        asked: `[T, 14, 3]` in pixels.
        create: makes an estimator, which may follow people and so serves for one video.

    Returns:
        float32 `[T, 14, 3]`; zeros where nobody is found.
    """
    found = np.zeros(asked.shape, np.float32)
    with contextlib.closing(create()) as estimator:
        for t, frame in enumerate(frames):
            people = estimator.detect(frame, t)
            if len(people):
                found[t] = min(people, key=lambda person: body.mean_distance(person, asked[t]))
    return found


def pose_errors(found: np.ndarray, asked: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Compares joints, in units of the torso: neck to pelvis, as long as it is at its longest in these poses.

    Joints asked for outside the frame do not count.

    Args:
        found: `[T, 14, 3]` in pixels, confidence 0 where missing.
        asked: `[T, 14, 3]` in pixels.
        size: side of the frames in pixels.

    Returns:
        PCK@0.2 `[T]`: share of the joints asked for that were found within 0.2 torsos. And their mean distance `[T]` in
        torsos; one counts as 1 at most, and as 1 where it was not found, so that a method gains nothing by frames in
        which nobody can be made out. Both NaN where no joint is asked for, or no torso is known.
    """
    torso = body.bone_lengths(asked).get("torso", np.nan)
    counts = (asked[..., 2] > 0) & ((asked[..., :2] >= 0) & (asked[..., :2] <= size - 1)).all(-1)
    distances = np.linalg.norm(found[..., :2] - asked[..., :2], axis=-1) / torso
    distances = np.where(found[..., 2] > 0, np.minimum(distances, 1.0), 1.0)
    known = counts.any(-1) & np.isfinite(torso)
    total = np.maximum(counts.sum(-1), 1)
    pck = (counts & (distances <= PCK_SHARE)).sum(-1) / total
    distance = np.where(counts, distances, 0.0).sum(-1) / total
    return np.where(known, pck, np.nan), np.where(known, distance, np.nan)
