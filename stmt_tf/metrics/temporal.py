"""Whether made frames hold together in time: one number a step from one frame to the next.

Read both beside the truth's. Neither sees whether the motion is the right one: a video that stands still has no flicker
at all, and its warping error where the person should move hardly shows in the mean over a still background.

References:
    Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018 (the warping error; here of absolute and not of
        squared differences, so that both numbers have one unit).
    Sundaram et al., "Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow", ECCV 2010 (which
        pixels are visible in both frames).
"""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.video.flow import dis_flow

_MARGIN = 1 / 32  # of the side: regions are widened by this, as they need not cover hair and loose clothes


def true_motion(frames: np.ndarray, flows: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The flow of true frames, and where it can be judged by.

    Args:
        frames: uint8 `[L, H, W, 3]`, consecutive, at least 12 pixels a side.
        flows: float32 `[L - 1, H, W, 2]`, (dx, dy) in pixels from each frame to the next; None has them computed
            (OpenCV's DIS).

    Returns:
        The flows, and bool `[L - 1, H, W]`: pixels seen in the next frame too. What is at p is at p + flow(p) in the
        next frame, and the flow from there back to here (always DIS) must lead to about p again.
    """
    steps = list(zip(frames[:-1], frames[1:]))
    if flows is None:
        flows = np.array([dis_flow(a, b) for a, b in steps], np.float32).reshape(-1, *frames.shape[1:3], 2)
    seen = [_returns(flow, dis_flow(b, a)) for flow, (a, b) in zip(flows, steps)]
    return flows, np.array(seen, bool).reshape(-1, *frames.shape[1:3])


def _returns(flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    height, width = flow.shape[:2]
    x, y = _ends(flow)
    there = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    error = np.square(flow + there).sum(-1)
    bound = 0.01 * (np.square(flow).sum(-1) + np.square(there).sum(-1)) + 0.5
    return (error <= bound) & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)


def _ends(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x + flow[..., 0], y + flow[..., 1]


def warping_error(frames: np.ndarray, flows: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """How much colours change along the true motion: mean absolute difference over the pixels seen in both frames.

    Args:
        frames: uint8 `[L, H, W, 3]`, the frames to judge.
        flows: float32 `[L - 1, H, W, 2]`, of the true frames.
        seen: bool `[L - 1, H, W]`, as `true_motion` gives it.

    Returns:
        `[L - 1]` in grey levels of 255; NaN where no pixel is seen in both frames.
    """
    errors = np.full(len(flows), np.nan)
    for t, (flow, both) in enumerate(zip(flows, seen)):
        if both.any():
            moved = cv2.remap(
                frames[t + 1].astype(np.float32), *_ends(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            errors[t] = np.abs(moved - frames[t])[both].mean()
    return errors


def flicker(frames: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """How restless the background is: standard deviation of a pixel over two consecutive frames, mean over the pixels.

    A camera that moves counts too, in the truth as well.

    Args:
        frames: uint8 `[L, H, W, 3]`.
        regions: bool `[L, H, W]`, where the person is; left out, and some pixels around, in both frames.

    Returns:
        `[L - 1]` in grey levels of 255, 0 where nothing changes; NaN where the person fills both frames.
    """
    reach = 2 * max(1, round(_MARGIN * regions.shape[1])) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    away = [cv2.dilate(region.astype(np.uint8), kernel) == 0 for region in regions]
    values = np.full(max(len(frames) - 1, 0), np.nan)
    for t in range(len(values)):
        both = away[t] & away[t + 1]
        if both.any():
            difference = frames[t + 1].astype(np.float32) - frames[t]
            values[t] = np.abs(difference)[both].mean(dtype=np.float64) / np.sqrt(2)
    return values
