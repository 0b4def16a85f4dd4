"""Poses from OpenPose's JSON results (`--write_json`), BODY_25 or COCO-18."""

from __future__ import annotations

import glob
import os
import re

import numpy as np

from stmt_tf.pose.estimators import layouts
from stmt_tf.pose.estimators.base import Estimator, PoseError
from stmt_tf.pose.estimators.results import read_json, read_keypoints

_LAYOUTS = {layout.size: layout for layout in (layouts.BODY_25, layouts.COCO_18)}


class OpenPoseEstimator(Estimator):
    """Looks up the people that OpenPose found.

    Files are matched to frames by the number in their name (`dance_000000000012_keypoints.json` is
    frame 12), which counts from 0, or from 1 where there is a file 1 and no file 0. A frame without
    a file has no people.

    Args:
        model: directory of `*_keypoints.json` files.

    Raises:
        PoseError: if there are none, or one of them is malformed.
    """

    name = "openpose"

    def __init__(self, model: str | None = None) -> None:
        if not model or not os.path.isdir(model):
            raise PoseError(f"OpenPose results {model!r} are not a directory; give the one of its --write_json.")
        self._people: dict[int, list[tuple[np.ndarray, layouts.Layout]]] = {}
        for path in sorted(glob.glob(os.path.join(glob.escape(model), "*_keypoints.json"))):
            number = re.search(r"(\d+)_keypoints\.json$", path)
            if number is None:
                raise PoseError(f"{path}: no frame number before '_keypoints.json'; name it as OpenPose does.")
            self._people[int(number[1])] = _read_people(path)
        if not self._people:
            raise PoseError(f"OpenPose results {model} hold no *_keypoints.json; give the directory of --write_json.")
        self._first = 1 if min(self._people) == 1 else 0
        self.last_frame = max(self._people) - self._first

    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """See `Estimator.detect`."""
        people = self._people.get(index + self._first, [])
        return layouts.stack_people(people, frame.shape[:2])


def _read_people(path: str) -> list[tuple[np.ndarray, layouts.Layout]]:
    content = read_json(path)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise PoseError(f"{path}: no list 'people' of objects; give the results of OpenPose's --write_json.")
    return [
        read_keypoints(person.get("pose_keypoints_2d"), _LAYOUTS, f"{path}, person {i}")
        for i, person in enumerate(people)
    ]
