"""Poses by MediaPipe's PoseLandmarker: one code path, the Tasks API, for mediapipe 0.10 and 1.x.

MediaPipe either follows one person or finds several anew in every frame. Following is what we want:
on fast motion its joints were right more often, with half the jitter, in two thirds of the time. So
one landmarker follows, and now and then a second one looks around: for more people, where it takes
over, and for a person too small for the whole frame, where the first one is given the part of the
frame that shows that person.

A third landmarker makes mattes: of a square around the person whose joints are given, where it finds
people anew and takes the one at these joints.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from stmt_tf.pose.body import mean_distance, visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import layouts
from stmt_tf.pose.estimators.base import Estimator, PoseError
from stmt_tf.silence import quiet_stderr

_LOOK_EVERY = 10  # frames
_MAX_PEOPLE = 4
# Time stamps set how strongly the landmarker smooths over time. At true 30 fps it trails fast limbs
# by a quarter of a frame; taken for 10 fps it trails half as much and still removes a third of the
# jitter at rest. (Savitzky-Golay or binomial filters afterwards blurred fast motion more for the
# same jitter.)
_MILLISECONDS_PER_FRAME = 100
# Of the square that is looked at for a matte, the person's share of its height; and where they are not found, a closer
# look, in which there is less of others.
_MATTE_FILLS = (0.7, 0.95)
# As shares of that square's side: how far joints are, in the mean, of somebody else (of the same person, found anew,
# 0.02 mostly; more where left and right are mixed up); the blur that takes the stair-steps of a mask of 256 pixels.
_SOMEBODY_ELSE, _BLUR = 0.2, 0.0025
# Somebody else in a part of the frame is this sure, and shares no more with others' boxes, of the smaller one.
_LEAST_CONFIDENCE, _MOST_OVERLAP = 0.5, 0.3

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, right and bottom excluded


class MediaPipeEstimator(Estimator):
    """MediaPipe's pose landmarker: 33 landmarks of up to four people, on the CPU.

    Args:
        model: a PoseLandmarker `.task` file, or None for the asset `pose_landmarker`, fetched when
            missing.

    Raises:
        PoseError: if the file is missing or is no pose landmarker.
        stmt_tf.assets.AssetError: if the asset cannot be had.
    """

    name = "mediapipe"

    def __init__(self, model: str | None = None) -> None:
        if model is None:
            from stmt_tf import assets

            model = str(assets.fetch("pose_landmarker"))
        if not os.path.isfile(model):
            raise PoseError(f"Pose model {model} is not a file; give a PoseLandmarker .task file.")
        self._model = str(model)
        self._finder = self._create("IMAGE", _MAX_PEOPLE)
        self._follower: Any = None
        self._view: Box | None = None
        self._searches = False
        self._tiles: list[Box] = []  # which show people who are overlooked in the view
        self._crowded = False
        self._next_look = 0
        self._warm = False
        self._segmenter: Any = None
        self._segmenter_warm = False

    def search(self) -> None:
        """See `Estimator.search`."""
        self._searches = True

    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """See `Estimator.detect`."""
        # The networks complain once each, when they first run: until the first person was found.
        with contextlib.nullcontext() if self._warm else quiet_stderr:
            people = self._detect(frame, index)
        self._warm |= len(people) > 0 and not self._crowded
        return people

    def _detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        if index >= self._next_look:
            self._next_look = index + _LOOK_EVERY
            people = self._choose_view(frame)
        elif self._crowded:
            people = self._run(self._finder.detect, frame, self._view)
            for tile in self._tiles:
                people = _with_others(people, self._run(self._finder.detect, frame, tile))
        if self._crowded:
            return people
        return self._run(
            lambda image: self._follower.detect_for_video(image, index * _MILLISECONDS_PER_FRAME),
            frame,
            self._view,
        )

    def detect_anew(self, frame: np.ndarray, index: int, people: np.ndarray) -> np.ndarray:
        """See `Estimator.detect_anew`: who is followed would be looked for, for some frames, where they were before."""
        self._view, self._next_look = None, index
        return self.detect(frame, index)

    def look_around(self, frame: np.ndarray) -> np.ndarray:
        """See `Estimator.look_around`: in a whole frame, seen small, the largest person can hide others."""
        with contextlib.nullcontext() if self._warm else quiet_stderr:
            return np.concatenate([self._run(self._finder.detect, frame, tile) for tile in tiles(frame.shape[:2])])

    def matte(self, frame: np.ndarray, joints: np.ndarray) -> np.ndarray:
        """See `Estimator.matte`.

        Of the people in a square around the joints it is the one whose joints are nearest; where all are far from them
        (or no joint is given) nobody was found, and the matte is 0 everywhere.
        """
        matte = np.zeros(frame.shape[:2], np.uint8)
        for fill in _MATTE_FILLS if visible(joints) else ():
            crop = Crop.around(joints[np.newaxis], frame.shape[:2], fill)
            left, top = max(0, crop.left), max(0, crop.top)
            right, bottom = min(frame.shape[1], crop.left + crop.size), min(frame.shape[0], crop.top + crop.size)
            found = self._segment(frame, (left, top, right, bottom))
            people = _people(found, frame, (left, top, right, bottom))
            distances = [mean_distance(person, joints) / crop.size for person in people]
            if min(distances, default=np.inf) < _SOMEBODY_ELSE:
                mask = found.segmentation_masks[int(np.argmin(distances))].numpy_view()
                mask = mask.reshape(bottom - top, right - left)  # mediapipe 1.x gives it a channel
                matte[top:bottom, left:right] = _smoothed(mask, _BLUR * crop.size)
                break
        return matte

    def _segment(self, frame: np.ndarray, view: Box) -> Any:
        """Finds people anew in part of a frame; returns what the landmarker gives, with masks."""
        with contextlib.nullcontext() if self._segmenter_warm else quiet_stderr:
            if self._segmenter is None:
                self._segmenter = self._create("IMAGE", _MAX_PEOPLE, masks=True)
            found = _look(self._segmenter.detect, frame, view)
        self._segmenter_warm |= len(found.pose_landmarks) > 0
        return found

    def _choose_view(self, frame: np.ndarray) -> np.ndarray:
        """Sets the parts of the frame to watch and whether it is crowded; returns its people."""
        whole = (0, 0, frame.shape[1], frame.shape[0])
        view, people = whole, self._run(self._finder.detect, frame, whole)
        best = 0.0  # summed confidence of the surest person in a tile
        for tile in () if len(people) else tiles(frame.shape[:2]):
            found = self._run(self._finder.detect, frame, tile)
            sureness = found[..., 2].sum(-1).max(initial=0.0)
            if sureness > best:
                best, view, people = sureness, tile, found
        self._tiles = []
        for tile in tiles(frame.shape[:2]) if self._searches else ():
            more = _with_others(people, self._run(self._finder.detect, frame, tile))
            if len(more) > len(people):
                self._tiles.append(tile)
                people = more
        self._crowded = len(people) > 1
        if view != self._view:
            self._view = view
            if self._follower is not None:
                with quiet_stderr:
                    self._follower.close()
            self._follower = self._create("VIDEO", 1)
        return people

    def _run(self, detect: Any, frame: np.ndarray, view: Box) -> np.ndarray:
        """Runs a landmarker on part of a frame; returns [N, 14, 3] in pixels of the whole frame."""
        return _people(_look(detect, frame, view), frame, view)

    def _create(self, running_mode: str, num_poses: int, masks: bool = False) -> Any:
        with quiet_stderr:
            with _imported_later("matplotlib.pyplot"):
                from mediapipe.tasks.python import BaseOptions, vision

            options = vision.PoseLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=self._model),
                running_mode=vision.RunningMode[running_mode],
                num_poses=num_poses,
                output_segmentation_masks=masks,
            )
            try:
                return vision.PoseLandmarker.create_from_options(options)
            except (RuntimeError, ValueError, OSError) as error:
                reason = str(error).strip().splitlines()[0]
                raise PoseError(
                    f"Pose model {self._model} cannot be loaded ({reason}); give a PoseLandmarker .task file."
                ) from error

    def close(self) -> None:
        """Releases the landmarkers."""
        with quiet_stderr:
            for landmarker in (self._finder, self._follower, self._segmenter):
                if landmarker is not None:
                    landmarker.close()


@contextlib.contextmanager
def _imported_later(name: str) -> Iterator[None]:
    """Within it, an import of a module takes no time: who uses something of it then has it imported.

    MediaPipe imports matplotlib.pyplot, for drawings that nobody asks for here, and that takes seconds.
    """

    def load(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in = types.ModuleType(name)
    stand_in.__getattr__ = load
    sys.modules.setdefault(name, stand_in)
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


def _look(detect: Any, frame: np.ndarray, view: Box) -> Any:
    """Runs a landmarker on part of a frame; returns what it gives."""
    import mediapipe

    left, top, right, bottom = view
    part = np.ascontiguousarray(frame[top:bottom, left:right])
    return detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=part))


def _people(found: Any, frame: np.ndarray, view: Box) -> np.ndarray:
    """The people that a landmarker found in part of a frame: [N, 14, 3] in pixels of the whole frame."""
    left, top, right, bottom = view
    landmarks = np.array(
        [
            [(point.x, point.y, min(point.visibility, point.presence)) for point in person]
            for person in found.pose_landmarks
        ],
        np.float32,
    ).reshape(-1, layouts.MEDIAPIPE_33.size, 3)
    # Normalised coordinates run over the pixels' areas; ours are 0 at the first pixel's centre.
    landmarks[..., :2] *= (right - left, bottom - top)
    landmarks[..., :2] += (left - 0.5, top - 0.5)
    return layouts.to_joints(landmarks, layouts.MEDIAPIPE_33, frame.shape[:2])


def _with_others(people: np.ndarray, found: np.ndarray) -> np.ndarray:
    """People `[N, 14, 3]`, and of those found in a part of the frame the ones who surely are somebody else."""
    boxes = [_box(person) for person in people]
    for other in found:
        low, high = _box(other)
        shared = [np.prod((np.minimum(high, box[1]) - np.maximum(low, box[0])).clip(0)) for box in boxes]
        least = [_MOST_OVERLAP * min(np.prod(high - low), np.prod(box[1] - box[0])) for box in boxes]
        if other[:, 2].mean() >= _LEAST_CONFIDENCE and all(one <= most for one, most in zip(shared, least)):
            people = np.concatenate([people, other[np.newaxis]])
            boxes.append((low, high))
    return people


def _box(person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = person[person[:, 2] > 0, :2]
    return points.min(0), points.max(0)


def _smoothed(mask: np.ndarray, blur: float) -> np.ndarray:
    """A mask [h, w] in [0, 1] without the stair-steps of the network's pixels, as uint8 [h, w].

    The contrast is doubled, so that the edge stays as steep and the halo of doubtful pixels goes: on rendered dancers
    the error fell by a seventh. Guided filters cost fifteen times as much, and looked no better.
    """
    blurred = cv2.GaussianBlur(mask, (0, 0), blur)
    return np.rint((510.0 * blurred - 127.5).clip(0.0, 255.0)).astype(np.uint8)


def tiles(frame_size: tuple[int, int]) -> list[Box]:
    """Returns squares along a frame's longer side, each overlapping the next by at least half.

    Args:
        frame_size: (height, width) in pixels.
    """
    height, width = frame_size
    side = min(height, width)
    longer = max(height, width)
    starts = np.linspace(0, longer - side, -(-2 * (longer - side) // side) + 1).round().astype(int).tolist()
    if width > height:
        return [(start, 0, start + side, side) for start in starts]
    return [(0, start, side, start + side) for start in starts]
