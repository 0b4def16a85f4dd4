"""Reads poses that `stmt_tf.pose.save` wrote: one person in every frame of one video.

    {"format": "stmt_tf poses",    the first entry, by which the file is known
     "estimator": "mediapipe",     what found them
     "fps": 25.0,                  frames per second, about
     "width": 1280, "height": 720, of the frames in pixels
     "shot": [0, 100],             the first frame that was looked at, and the first that was not any more
     "joints": ["head", ...],      names of the 14 joints, left and right the person's own
     "poses": [[[x, y, confidence], ...], null, ...]}

There is a pose, or null, for each frame, in the order of presentation. x and y are in pixels, to the right and down,
the centre of the first pixel at 0; confidence is in [0, 1], with 0 for a joint that was not found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stmt_tf.pose.estimators.base import PoseError
from stmt_tf.pose.skeleton import JOINTS, NUM_JOINTS

FORMAT = "stmt_tf poses"
_HEAD = 100  # bytes, within which the first entry lies


class OwnPoses(NamedTuple):
    """What a file holds.

    Attributes:
        joints: float32 `[T, 14, 3]`; zeros where there is nobody.
        shot: the frames that were looked at.
        size: (width, height) of the frames in pixels.
        estimator: what found them.
    """

    joints: np.ndarray
    shot: range
    size: tuple[int, int]
    estimator: str

    def excerpt(self, frames: Sequence[int]) -> OwnPoses:
        """The poses of some frames that follow each other; its `shot` is empty where none of these was looked at."""
        looked_at = [number for number, frame in enumerate(frames) if frame in self.shot]
        shot = range(looked_at[0], looked_at[-1] + 1) if looked_at else range(0)
        return self._replace(joints=self.joints[[frame for frame in frames if frame < len(self.joints)]], shot=shot)


def is_own(path: str) -> bool:
    """Whether a file is one of these, by its first entry."""
    try:
        with open(path, "rb") as file:
            return f'"{FORMAT}"'.encode() in file.read(_HEAD)
    except OSError:  # a directory, for instance
        return False


def read_own(path: str) -> OwnPoses:
    """What such a file holds.

    Raises:
        PoseError: it cannot be read, or was changed into something else.
    """
    return parse_own(read_own_json(path), path)


def read_own_json(path: str) -> Any:
    """What is written in such a file, whatever it means; raises PoseError if that is no whole JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise PoseError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    except (RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise PoseError(
            f"{path}: the file is cut off or damaged ({reason}). Save the poses again, or leave this file out"
        ) from error


def parse_own(content: dict[str, Any], path: str) -> OwnPoses:
    """The same of the JSON object of a file."""
    try:
        if content["joints"] != list(JOINTS):
            raise ValueError(f"joints are not {', '.join(JOINTS)}")
        nobody = [[0.0] * 3] * NUM_JOINTS
        joints = np.array([nobody if pose is None else pose for pose in content["poses"]], np.float32)
        if joints.shape[1:] != (NUM_JOINTS, 3) or not np.isfinite(joints).all():
            raise ValueError(f"poses are not {NUM_JOINTS} times x, y and confidence")
        first, stop = map(int, content["shot"])
        if not 0 <= first < stop <= len(joints):
            raise ValueError(f"shot [{first}, {stop}] is none of {len(joints)} frames")
        size = int(content["width"]), int(content["height"])
        return OwnPoses(joints, range(first, stop), size, str(content["estimator"]))
    except (KeyError, TypeError, ValueError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise PoseError(f"Poses {path} are malformed ({what}); save them again.") from error
