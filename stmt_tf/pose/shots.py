"""The one shot of a video that is taken where only one can be: with one person, in one place."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from stmt_tf.pose.linking import LineUp, distinct, find_people, line_up
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.pose.tracking import NoPersonError, follow_person
from stmt_tf.video.background import CHANGED, Background

_SIDE = 64  # pixels of the longer side of a thumbnail
_SAMPLES = 4  # of an image's pixels, in each direction, for one of a thumbnail: all of a large image's take long
_MAY_CUT = 0.15  # 1 minus the correlation of two thumbnails: lively frames have less, frames of two places mostly 0.5


class Cuts:
    """Tells which frames of a video begin another shot: those whose background is another one than just before.

    Thumbnails tell nearly all frames of one shot; `stmt_tf.video.background` is asked about the others alone, as it
    takes nearly as long as a pose estimator.
    """

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def begins(self, image: np.ndarray, people: np.ndarray) -> bool:
        """Whether the next frame begins a shot; the first one does not.

        Args:
            image: uint8 RGB `[H, W, 3]`.
            people: `[N, 14, 3]`, whoever is in it, in its pixels.
        """
        before, self._last = self._last, (image, people, _thumbnail(image))
        if before is None or 1.0 - (before[2] * self._last[2]).sum() < _MAY_CUT:
            return False
        background = Background(image.shape[:2], fps=1.0)
        background.step(*before[:2])
        return background.step(image, people).cut > CHANGED


class Shot(NamedTuple):
    """A person in one shot of a video of T frames.

    Attributes:
        joints: float32 `[T, 14, 3]` in pixels; zeros outside the shot, too.
        frames: the shot; all frames where there is no other, or where all were followed as one.
    """

    joints: np.ndarray
    frames: range


def follow_longest(
    people: Sequence[np.ndarray], starts: Sequence[int], frame_size: tuple[int, int], max_gap: int, number: int = 0
) -> Shot:
    """Follows a person of the shot that shows somebody longest, as `follow_person` does.

    Args:
        people: float `[N, 14, 3]` for each of T frames.
        starts: frames, beside the first, that begin another shot, rising.
        frame_size: (height, width) in pixels.
        max_gap: see `follow_person`.
        number: of the person, see `follow_person`.

    Raises:
        NoPersonError: there is hardly anybody in any of them.
        PoseError: nobody has that number.
    """
    longest = _longest(people, starts, frame_size, max_gap)
    joints = np.zeros((len(people), NUM_JOINTS, 3), np.float32)
    joints[longest] = follow_person(people[longest], frame_size, max_gap, number=number)
    return Shot(joints, range(longest.start, longest.stop))


def line_up_longest(
    people: Sequence[np.ndarray], starts: Sequence[int], frame_size: tuple[int, int], max_gap: int
) -> LineUp:
    """Numbers the people of that shot; see `follow_longest`. Frames are counted as in the whole video."""
    longest = _longest(people, starts, frame_size, max_gap)
    shown = [distinct(found) for found in people[longest]]
    frame, found = line_up(find_people(shown, frame_size, max_gap), len(shown))
    first = longest.start
    return LineUp(first + frame, [{first + step: pose for step, pose in track.items()} for track in found])


def _longest(people: Sequence[np.ndarray], starts: Sequence[int], frame_size: tuple[int, int], max_gap: int) -> slice:
    """The frames of the shot that shows somebody longest."""
    edges = [0, *starts, len(people)]
    shots = [slice(start, stop) for start, stop in zip(edges, edges[1:])]
    shown = [_shown(people[shot], frame_size, max_gap) for shot in shots] if starts else [len(people)]
    return shots[int(np.argmax(shown))]


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """A small picture `[h, w, 3]`, of mean 0 in each channel and of length 1."""
    scale = _SIDE / max(image.shape)
    size = [max(8, round(side * scale)) for side in image.shape[1::-1]]
    step = max(1, max(image.shape) // (_SAMPLES * _SIDE))
    samples = np.ascontiguousarray(image[::step, ::step])
    small = cv2.resize(samples, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean((0, 1))
    return small / max(float(np.linalg.norm(small)), 1e-6)


def _shown(people: Sequence[np.ndarray], frame_size: tuple[int, int], max_gap: int) -> int:
    """In how many frames the person of a shot is seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return int((follow_person(people, frame_size, max_gap, min_share=0.0)[..., 2] > 0).any(-1).sum())
        except NoPersonError:
            return 0
