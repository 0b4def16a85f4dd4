"""Takes the jitter out of a motion."""

from __future__ import annotations

import numpy as np

_ORDER = 2  # a parabola keeps the height of a jump
_FEWEST = 5  # frames; a parabola goes through any three


def smooth(joints: np.ndarray, fps: float, seconds: float) -> np.ndarray:
    """Puts each joint where a parabola through the frames around it goes (Savitzky and Golay 1964), without a delay.

    Args:
        joints: float `[T, 14, 3]`.
        fps: frames per second.
        seconds: length of the parabola; what is much shorter is taken for jitter. Fewer than 5 frames change nothing.

    Returns:
        float32 `[T, 14, 3]`. Joints that are missing stay missing, and each run of frames between them is smoothed by
        itself; confidences are as they were.
    """
    smoothed = np.array(joints, np.float32)
    if not seconds:
        return smoothed
    from scipy.signal import savgol_filter  # takes most of a second to load, and few transfers need it

    window = 2 * round(seconds * fps / 2) + 1
    for j in range(joints.shape[1]):
        found = np.concatenate([[False], joints[:, j, 2] > 0.0, [False]])
        edges = np.flatnonzero(found[1:] != found[:-1])
        for start, stop in zip(edges[::2], edges[1::2]):
            length = min(window, stop - start - (stop - start + 1) % 2)  # odd
            if length >= _FEWEST:
                smoothed[start:stop, j, :2] = savgol_filter(joints[start:stop, j, :2], length, _ORDER, axis=0)
    return smoothed
