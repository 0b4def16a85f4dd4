"""Settings of the pose estimator, which several commands have."""

from __future__ import annotations

from stmt_tf.config import setting
from stmt_tf.pose.estimators import NAMES
from stmt_tf.pose.selection import METHODS


def source_selection(default: str):
    """How source frames are chosen."""
    return setting(
        default,
        "How source frames are chosen: at random as in the paper, or spread over the source's poses and facings.",
        METHODS,
    )


def pose_tool():
    """Which estimator."""
    return setting(
        "mediapipe", "Pose estimator; openpose and alphapose read JSON results of any tool.", NAMES, group="Poses"
    )


def pose_model():
    """What it runs."""
    return setting(
        "",
        "The estimator's model: a .task file (mediapipe), a handle or directory (movenet, rtmlib); empty: the default.",
    )


def pose_cache():
    """Whether estimates are kept."""
    return setting(
        True,
        "Keep estimated poses, by the content of the video, in `poses` of the cache ($STMT_TF_CACHE, else "
        "~/.cache/stmt_tf), and take them from there.",
    )
