"""Poses from AlphaPose's JSON results: COCO-17, MPII-16, Halpe-26 or whole-body keypoints."""

from __future__ import annotations

import os
import re

import numpy as np

from stmt_tf.pose.estimators import layouts
from stmt_tf.pose.estimators.base import Estimator, PoseError
from stmt_tf.pose.estimators.results import read_json, read_keypoints

# The whole-body layouts (133 and 136 keypoints) begin with the body's.
_LAYOUTS = {
    17: layouts.COCO_17,
    16: layouts.MPII_16,
    26: layouts.HALPE_26,
    133: layouts.COCO_17,
    136: layouts.HALPE_26,
}


class AlphaPoseEstimator(Estimator):
    """Looks up the people that AlphaPose found.

    Entries are matched to frames by the last number in their `image_id` (`12.jpg` is frame 12),
    which counts from 0. A frame without an entry has no people.

    Args:
        model: the file `alphapose-results.json`.

    Raises:
        PoseError: if the file cannot be read or is malformed.
    """

    name = "alphapose"

    def __init__(self, model: str | None = None) -> None:
        if not model:
            raise PoseError("AlphaPose needs its results; give the file alphapose-results.json.")
        self._people: dict[int, list[tuple[np.ndarray, layouts.Layout]]] = {}
        entries = read_json(model)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise PoseError(f"{model}: not a list of objects; give AlphaPose's results in its default format.")
        for i, entry in enumerate(entries):
            where = f"{model}, entry {i}"
            number = _frame_number(entry.get("image_id"), where)
            self._people.setdefault(number, []).append(read_keypoints(entry.get("keypoints"), _LAYOUTS, where))
        self.last_frame = max(self._people, default=None)

    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """See `Estimator.detect`."""
        return layouts.stack_people(self._people.get(index, []), frame.shape[:2])


def _frame_number(image_id: object, where: str) -> int:
    """Returns the last number in the stem of a file name."""
    numbers = re.findall(r"[0-9]{1,18}", os.path.splitext(os.path.basename(str(image_id)))[0])
    if not numbers:
        raise PoseError(f"{where}: image_id {image_id!r:.40} holds no frame number; name frames like 12.jpg.")
    return int(numbers[-1])
