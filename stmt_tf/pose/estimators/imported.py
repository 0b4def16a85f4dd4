"""People that pose tools found before: what so many keypoints are, what their coordinates count, which frame is which.

None of that is said by most files, so it is taken from what there is:

- The layout is the one of those with so many keypoints whose limbs are most like a body's, see `stmt_tf.pose.anatomy`.
- Coordinates are pixels of the canvas that the file names, or else of the frame; or, where none goes beyond 2, shares
  of the frame: from 0 to 1, or from -1 to 1 where many are below 0.
- The first frame has the number 0, or the lowest number: where it is 1 and all that follow are there, or where the
  numbers go beyond the video's end.
"""

from __future__ import annotations

import numpy as np
from absl import logging

from stmt_tf.pose import anatomy, skeleton
from stmt_tf.pose.estimators.base import Estimator, PoseError
from stmt_tf.pose.estimators.layouts import CANDIDATES, Layout, to_joints
from stmt_tf.pose.estimators.results import read_results

_MOST_SHARE = 2.0  # of the frame, by which a joint may lie outside; what goes beyond counts pixels
_BOTH_SIGNS = 0.1  # of the coordinates: with more below 0, they run from -1
_LOOKED_AT = 200  # people, to tell the layout
_CLEARLY_BETTER = 0.8  # strain of a layout against the likeliest one's


class ImportedEstimator(Estimator):
    """Looks up the people that a pose tool found. A frame of which the results do not tell has no people.

    Args:
        model: a file or a directory, see `stmt_tf.pose.estimators.results`; it stays known as `path`.

    Raises:
        PoseError: if it cannot be read or is malformed.
    """

    def __init__(self, model: str | None = None) -> None:
        if not model:
            raise PoseError(
                f"--pose={self.name} needs results; give a JSON file, or a directory of a file for each frame."
            )
        self.path = model
        self._found = read_results(model)
        self._first = 0
        self._layouts: dict[int, Layout] = {}
        points = [person[person[:, 2] > 0, :2] for found in self._found.values() for person in found.people]
        points = np.concatenate([np.zeros((0, 2), np.float32), *points])
        self._shares = bool(len(points)) and float(np.abs(points).max()) <= _MOST_SHARE
        self._signed = bool(len(points)) and float((points < 0).mean()) > _BOTH_SIGNS
        self.expect(None)

    @property
    def frames(self) -> range:
        """The frames from the first to the last that the results tell of."""
        if not self._found:
            return range(0)
        return range(min(self._found) - self._first, max(self._found) - self._first + 1)

    @property
    def complete(self) -> bool:
        """Whether they tell of every frame between these, even if it is that nobody is there."""
        return len(self._found) == len(self.frames)

    def expect(self, num_frames: int | None) -> None:
        """See `Estimator.expect`."""
        self._first = 0
        numbers = self.frames
        if not numbers:
            return
        low = numbers[0]
        if num_frames is None:
            from_low = self.complete
        elif numbers[-1] - num_frames + 1 >= min(low, 3):  # counts of containers may be wrong by one or two
            from_low = True
        else:
            from_low = low == 1 and self.complete and numbers[-1] + 1 != num_frames
        self._first = low if from_low else 0

    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """See `Estimator.detect`."""
        return self.people(index, frame.shape[:2])

    def people(self, index: int, frame_size: tuple[int, int]) -> np.ndarray:
        """The same for a frame of this (height, width): nothing else of it matters."""
        joints = [
            to_joints(keypoints, self._layout(len(keypoints), frame_size), frame_size)
            for keypoints in self._scaled(index + self._first, frame_size)
        ]
        return np.array(joints, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3)

    def outside(self, frame_size: tuple[int, int]) -> tuple[np.ndarray, tuple[float, float]]:
        """Which of the joints that the tool was sure of lie outside the frame, bool `[N]`, and the farthest (x, y)."""
        people = [each for number in self._found for each in self._scaled(number, frame_size)]
        limbs = [each[list(self._layout(len(each), frame_size).limbs)] for each in people]
        points = np.concatenate([np.zeros((0, 3), np.float32), *limbs])
        points = points[points[:, 2] > 0]
        if not len(points):
            return np.zeros(0, bool), (0.0, 0.0)
        points = points[anatomy.sure(points), :2]
        x, y = points.T
        height, width = frame_size
        beyond = np.maximum(np.maximum(-x, x - width + 1) / width, np.maximum(-y, y - height + 1) / height)
        farthest = points[beyond.argmax()]
        return beyond > 0, (float(farthest[0]), float(farthest[1]))

    def canvas(self) -> tuple[float, float] | None:
        """The (width, height) that most frames name, in whatever unit; None if they name none."""
        named = [found.canvas for found in self._found.values() if found.canvas]
        return max(set(named), key=named.count) if named else None

    def _scaled(self, number: int, frame_size: tuple[int, int]) -> list[np.ndarray]:
        """Keypoints in pixels of the frame, each `[K, 3]`."""
        if number not in self._found:
            return []
        people, canvas = self._found[number]
        size = np.array(frame_size[::-1], np.float32)
        if self._shares:
            scale, shift = ((size - 1) / 2, (size - 1) / 2) if self._signed else (size - 1, 0.0)
        else:
            scale = size / (canvas or size)
            shift = (scale - 1) / 2  # pixels' centres are whole numbers
        return [
            np.concatenate([each[:, :2] * scale + shift, each[:, 2:]], axis=1).astype(np.float32) for each in people
        ]

    def _layout(self, size: int, frame_size: tuple[int, int]) -> Layout:
        """The layout of so many keypoints, with which people are most like people."""
        if size not in self._layouts:
            self._layouts[size] = self._recognised(size, frame_size)
        return self._layouts[size]

    def _recognised(self, size: int, frame_size: tuple[int, int]) -> Layout:
        first, *others = CANDIDATES[size]
        if not others:
            return first
        people = [each for number in self._found for each in self._scaled(number, frame_size) if len(each) == size]
        people = np.stack(people[:: -(-len(people) // _LOOKED_AT)])
        people[..., :2] -= people[..., :2].min((0, 1))  # nobody may be lost outside
        people[..., 2] *= anatomy.sure(people)  # guesses at what is out of view may be anywhere
        strains = {}
        for layout in (first, *others):
            strained = anatomy.strain(to_joints(people, layout, (np.inf, np.inf)))
            strains[layout] = float(np.median(strained[strained > 0])) if (strained > 0).any() else np.inf
        best = min(others, key=strains.get)
        if strains[first] == np.inf or strains[best] >= _CLEARLY_BETTER * strains[first]:
            return first
        logging.info(
            "%s: %d keypoints are read as %s; as %s, no body has such limbs", self.path, size, best.name, first.name
        )
        return best


class OpenPoseEstimator(ImportedEstimator):
    """What was found by OpenPose, or by another tool that writes its format."""

    name = "openpose"


class AlphaPoseEstimator(ImportedEstimator):
    """What was found by AlphaPose, or by any other tool: it reads what `OpenPoseEstimator` does."""

    name = "alphapose"
