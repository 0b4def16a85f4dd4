"""Writes the poses of a video, to be read again in place of estimating them.

A file that ends in .json is the project's own, see `stmt_tf.pose.estimators.own`. Any other name is that of a directory
of a file for each frame, as OpenPose writes them, in its layout MPI: of OpenPose's layouts this one has the top of the
head, so that no joint is lost.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from stmt_tf.files import whole_file
from stmt_tf.pose.body import visible
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.estimators.own import FORMAT
from stmt_tf.pose.shots import Shot
from stmt_tf.pose.skeleton import JOINTS
from stmt_tf.video.files import check_writable
from stmt_tf.video.reader import VideoInfo


def check_save(path: str) -> None:
    """Finds where no poses can be written, before anything slow begins.

    Raises:
        VideoError: the place cannot be written to.
        PoseError: it is a directory that holds something.
    """
    if _is_directory(path) and os.path.isdir(path):
        if os.listdir(path):
            raise PoseError(f"{path}: holds files already. Give an empty directory, or a name that ends in .json")
        check_writable(os.path.join(path, "0"))
    else:
        check_writable(path)


def save_poses(path: str, shot: Shot, info: VideoInfo, estimator: str) -> None:
    """Writes the person of a video.

    Args:
        path: ends in .json, or is a directory.
        shot: the person.
        info: of the video.
        estimator: what found the person.
    """
    poses = [_numbers(pose) if seen else None for pose, seen in zip(shot.joints, visible(shot.joints))]
    if _is_directory(path):
        _save_openpose(Path(path), poses)
        return
    content = {
        "format": FORMAT,
        "estimator": estimator,
        "fps": round(float(info.fps), 6),
        "width": info.width,
        "height": info.height,
        "shot": [shot.frames.start, shot.frames.stop],
        "joints": list(JOINTS),
        "poses": poses,
    }
    _write(Path(path), content)


def _is_directory(path: str) -> bool:
    return not path.lower().endswith(".json")


def _numbers(pose: np.ndarray) -> list[list[float]]:
    """The shortest numbers that are read as the same float32."""
    return [[float(str(value)) for value in joint] for joint in pose]


def _save_openpose(directory: Path, poses: list[list[list[float]] | None]) -> None:
    directory.mkdir(exist_ok=True)
    for number, pose in enumerate(poses):
        # Our joints are the first ones of MPI, in this order; the chest comes behind them.
        people = [] if pose is None else [{"pose_keypoints_2d": [*sum(pose, []), 0.0, 0.0, 0.0]}]
        _write(directory / f"{directory.name}_{number:012d}_keypoints.json", {"version": 1.3, "people": people})


def _write(path: Path, content: dict) -> None:
    with whole_file(path) as hidden:
        hidden.write_text(json.dumps(content), encoding="utf-8")
