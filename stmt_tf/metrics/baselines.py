"""What a model must beat: frames that anybody can make of the source frames without learning anything."""

from __future__ import annotations

import numpy as np

from stmt_tf.pose.selection import nearest_pose


def copy_nearest_pose(
    source_frames: np.ndarray, source_joints: np.ndarray, target_joints: np.ndarray
) -> np.ndarray:
    """For each target pose, the source frame whose pose is most like it.

    Args:
        source_frames: uint8 `[K, H, W, 3]`.
        source_joints: `[K, 14, 3]` in pixels.
        target_joints: `[L, 14, 3]` in pixels of the same video.

    Returns:
        uint8 `[L, H, W, 3]`.
    """
    return source_frames[[nearest_pose(source_joints, target) for target in target_joints]]


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
