"""Poses at other times than those of a video's frames."""

from __future__ import annotations

import numpy as np

from stmt_tf.pose.linking import strain

_LONGEST = 0.2  # seconds between two frames; over more, a pose is held, as the video holds its picture


def moments_at_rate(times: np.ndarray, interval: float, fps: float) -> np.ndarray:
    """The times of a constant rate, from the first frame's on, for as long as the frames are shown: float `[T']`.

    Args:
        times: `[T]`, when frames are shown, in seconds, rising.
        interval: seconds for which the last one is shown.
        fps: frames per second.
    """
    # The margin keeps rounding from adding a frame to a video that has this rate already.
    return times[0] + np.arange(max(1, np.ceil((times[-1] + interval - times[0]) * fps - 1e-3))) / fps


def nearest(times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Which of the frames, by their times `[T]`, is nearest to each of the moments `[T']`: int `[T']`, rising."""
    return np.searchsorted((times[1:] + times[:-1]) / 2, moments)


def poses_at(joints: np.ndarray, times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Joints at some moments, between those of the frames before and after.

    Where a pose leaps, as at a cut, it is that of the nearer frame.

    Args:
        joints: float32 `[T, 14, 3]`, one person's.
        times: `[T]`, when those frames are shown, in seconds, rising.
        moments: `[T']`, in seconds, rising; before the first frame and after the last one the pose is held.

    Returns:
        float32 `[T', 14, 3]`; a joint that one of the two frames lacks is that of the nearer one, or of the one held.
    """
    leaps = np.array([strain(*pair, pause=1) >= 1.0 for pair in zip(joints, joints[1:])] + [False])
    before = np.searchsorted(times, moments, side="right").clip(1, len(times)) - 1
    after = (before + 1).clip(max=len(times) - 1)
    pause = times[after] - times[before]
    share = ((moments - times[before]) / np.maximum(pause, 1e-9)).clip(0, 1)[:, np.newaxis, np.newaxis]
    one, other = joints[before], joints[after]
    near = joints[np.where(pause <= _LONGEST, nearest(times, moments), before)]
    moves = ((pause <= _LONGEST) & ~leaps[before])[:, np.newaxis, np.newaxis]
    both = (one[..., 2:] > 0) & (other[..., 2:] > 0)
    return np.where(moves & both, one + share * (other - one), near).astype(np.float32)
