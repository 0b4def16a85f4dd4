"""How alike two poses are, and which frames of a source video to show the model."""

from __future__ import annotations

import numpy as np

from stmt_tf.pose import body, skeleton
from stmt_tf.pose.estimators import PoseError

METHODS = ("random", "coverage")
NUM_FRAMES = 24  # for models that take any number

_MIN_COMPLETENESS = 0.85  # trusted joints, against those of the video's most complete frames
_MAX_CANDIDATES_FOR_MEDOID = 300


def evenly_spread(length: int, count: int) -> np.ndarray:
    """At most `count` of the numbers below `length`, evenly spread, with the first and the last: int `[n]`, rising."""
    return np.linspace(0, length - 1, min(length, count)).round().astype(int)


def pose_distance(a: np.ndarray, b: np.ndarray, stature: float) -> np.ndarray:
    """Returns how far apart poses are, wherever in the image their bodies are.

    The mean distance of the joints that both have, with the trunks' centres together, plus the
    difference in facing: the signed width of shoulders and hips, positive towards the camera, which
    tells front from back.

    Args:
        a: float [..., 14, 3] in pixels.
        b: float [..., 14, 3] in pixels; leading axes broadcast with a's.
        stature: standing height in pixels (`body.stature`), the unit of the result.

    Returns:
        float [...]; infinite where the poses share fewer than half of the joints.
    """
    both = (a[..., 2] > 0.0) & (b[..., 2] > 0.0)
    trunk = both * np.isin(np.arange(skeleton.NUM_JOINTS), skeleton.TORSO)
    centring = np.where(trunk.any(-1, keepdims=True), trunk, both)
    weights = centring / np.maximum(centring.sum(-1, keepdims=True), 1)
    offsets = a[..., :2] - b[..., :2]
    offsets = offsets - (offsets * weights[..., np.newaxis]).sum(-2, keepdims=True)
    count = both.sum(-1)
    joints = (np.linalg.norm(offsets, axis=-1) * both).sum(-1) / np.maximum(count, 1)
    facing = np.zeros_like(joints)
    for right, left in (skeleton.TORSO[:2], skeleton.TORSO[2:]):
        widths = [pose[..., left, 0] - pose[..., right, 0] for pose in (a, b)]
        facing += 0.5 * np.abs(widths[0] - widths[1]) * both[..., right] * both[..., left]
    return np.where(2 * count >= skeleton.NUM_JOINTS, (joints + facing) / max(stature, 1e-6), np.inf)


def select_source_frames(joints: np.ndarray, k: int, method: str = "coverage", seed: int = 0) -> np.ndarray:
    """Chooses the frames of a source video that the model gets to see.

    Only frames with (almost) as many trusted joints as the video's most complete ones are chosen
    from, as long as there are k of them. `random` draws k, as the paper does. `coverage` takes the
    most typical pose first, then again and again the pose farthest from all those taken, so that
    poses and facings are spread over; frames far from both their neighbours are left out, since
    they are misdetected or blurred.

    Args:
        joints: float [T, 14, 3], the source's poses in pixels.
        k: how many frames to choose, at least 1.
        method: `random` or `coverage`.
        seed: of `random`.

    Returns:
        int64 [k], rising.

    Raises:
        PoseError: for an unknown method, or when fewer than k frames show a person.
    """
    if method not in METHODS:
        raise PoseError(f"Unknown selection {method!r}; choose one of {', '.join(METHODS)}.")
    counts = body.confident(joints).sum(-1)
    if k < 1 or (counts > 0).sum() < k:
        raise PoseError(
            f"{k} source frames asked for, but {(counts > 0).sum()} of {len(joints)} frames show a "
            "person; ask for at least 1 and at most that many."
        )
    bar = _MIN_COMPLETENESS * np.percentile(counts[counts > 0], 95)
    eligible = np.flatnonzero(counts >= bar)
    if len(eligible) < k:
        eligible = np.sort(np.argsort(-counts, kind="stable")[:k])
    if method == "random":
        return np.sort(np.random.default_rng(seed).choice(eligible, k, replace=False))
    stature = body.stature(joints)
    steady = _steady(joints, eligible, stature)
    return _spread(joints, steady if len(steady) >= k else eligible, k, stature)


def _steady(joints: np.ndarray, frames: np.ndarray, stature: float) -> np.ndarray:
    """Returns those of the frames whose pose is near that of the frame before or after."""
    steps = pose_distance(joints[1:], joints[:-1], stature)
    steps = np.pad(steps, 1, constant_values=np.inf)
    step = np.minimum(steps[:-1], steps[1:])[frames]
    known = step[np.isfinite(step)]
    return frames[step <= 6.0 * np.median(known) + 0.02] if len(known) else frames


def _spread(joints: np.ndarray, frames: np.ndarray, k: int, stature: float) -> np.ndarray:
    """Farthest-point choice of k of the frames, from their medoid on."""
    poses = joints[frames]
    thinned = poses[:: -(-len(poses) // _MAX_CANDIDATES_FOR_MEDOID)]
    to_all = [np.median(pose_distance(poses, pose, stature)) for pose in thinned]
    chosen = [int(np.argmin(to_all)) * -(-len(poses) // _MAX_CANDIDATES_FOR_MEDOID)]
    nearest = np.full(len(poses), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, pose_distance(poses, poses[chosen[-1]], stature))
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return np.sort(frames[chosen])
