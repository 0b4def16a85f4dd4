"""What a model must beat: frames that anybody can make of the source frames without learning anything."""

from __future__ import annotations

import numpy as np


def copy_nearest_pose(
    source_frames: np.ndarray, source_joints: np.ndarray, target_joints: np.ndarray
) -> np.ndarray:
    """For each target pose, the source frame whose joints are nearest to it where they are, since pixels are compared.

    Args:
        source_frames: uint8 `[K, H, W, 3]`.
        source_joints: `[K, 14, 3]` in pixels.
        target_joints: `[L, 14, 3]` in pixels of the same video.

    Returns:
        uint8 `[L, H, W, 3]`.
    """
    offsets = source_joints[None, ..., :2] - target_joints[:, None, :, :2]
    both = (source_joints[None, ..., 2] > 0) & (target_joints[:, None, :, 2] > 0)
    total = (np.linalg.norm(offsets, axis=-1) * both).sum(-1)
    shared = both.sum(-1)  # [L, K]
    comparable = 2 * shared >= both.shape[-1]
    distances = np.where(comparable, total / np.maximum(shared, 1), np.inf)
    return source_frames[distances.argmin(1)]


def source_median(source_frames: np.ndarray, count: int) -> np.ndarray:
    """The median of each pixel over the source frames, the same for every target frame.

    Args:
        source_frames: uint8 `[K, H, W, 3]`.
        count: L.

    Returns:
        uint8 `[L, H, W, 3]`.
    """
    median = np.rint(np.median(source_frames, axis=0)).astype(np.uint8)
    return np.broadcast_to(median, (count, *median.shape))
