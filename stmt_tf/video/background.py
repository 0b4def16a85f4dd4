"""Follows the background of a video: whether the camera stands still, and where the shot changes.

Corners of the background, wherever no person is, are found in a key frame and tracked from it into each later step, so
that errors do not add up; most of them, by RANSAC, must follow one similarity transform: that is the camera's motion.
The key is renewed when half of its corners are gone.

The shot changes where the background becomes another picture: of both as small as a thumbnail, and with the camera's
motion taken out, the correlation falls, which other light or noise leave as it is. Against the step before, that shows
a cut; against two seconds before, a fade or a wipe, too. A background too plain for corners has no camera that could be
seen to move, and one too plain to correlate is compared by its colours.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

CHANGED = 0.4  # 1 minus the correlation of two backgrounds: of different shots
LOOK_BACK_SECONDS = 2.0  # for fades

_SIDE = 480  # pixels of the longer side in which corners are tracked
_REGISTERED_SIDE = 960  # the same, for frames far apart that are to be laid over each other
_CORNERS = 200
_FEWEST_CORNERS = 8  # fewer say nothing
_FEWEST_FOUND = 6  # of them that one motion must explain, for it to be the camera's
_LEAST_FOUND = 0.05  # of the corners, the same, for frames far apart
_RETURN_ERROR = 0.5  # pixels by which a corner tracked there and back may miss itself
_RANSAC_ERROR = 1.0  # pixels
_RENEW = 0.5  # share of the key's corners below which a new key is taken
_THUMBNAIL = 64  # pixels of the longer side in which colours are compared
_PLAIN = 4.0  # of 255: colours of a thumbnail that spread less have nothing to correlate
_OTHER_COLOUR = 25  # of 255 in a channel
_ENCODING_NOISE = 3  # of 255
_FROZEN = 0.001  # share of a picture that may differ by more, where it stands
_FEWEST_PLACES = 0.05  # share of a thumbnail that must be background, for its colours to say something
_AROUND = 0.15  # of a person's height: what belongs to the person around the joints
_LEAST_AROUND = 0.02  # of the picture's longer side


@dataclasses.dataclass(frozen=True)
class Step:
    """What the background did up to one step.

    Attributes:
        place: `[3, 3]`, where a point of the background in the shot's first step is now, in pixels of the frame.
        cut: how much another picture, in [0, 1], the background is than in the step before; where it is more than
            `CHANGED`, a new shot begins with this step.
        fade: the same against `LOOK_BACK_SECONDS` before, or the shot's beginning: it rises when a fade begins, and is
            gone so long after that ended.
        frozen: whether the whole picture, person and all, is that of the step before but for what encoding adds.
    """

    place: np.ndarray
    cut: float
    fade: float
    frozen: bool


class Background:
    """Follows the background of one video, step by step.

    Args:
        frame_size: (height, width) in pixels.
        fps: steps per second.
    """

    def __init__(self, frame_size: tuple[int, int], fps: float):
        self._longer = max(frame_size)
        self._scale = min(1.0, _SIDE / self._longer)
        self._size, self._thumbnail_size = (
            tuple(max(8, round(side * scale)) for side in frame_size[::-1])
            for scale in (self._scale, _THUMBNAIL / self._longer)
        )
        self._earlier: collections.deque = collections.deque(maxlen=max(1, round(LOOK_BACK_SECONDS * fps)))
        self._last: np.ndarray | None = None
        self._place = np.eye(3)  # as `Step.place`, but in pixels of the picture in which corners are tracked
        self._take_key(np.zeros(self._size[::-1], np.uint8), None)

    def step(self, image: np.ndarray, people: np.ndarray) -> Step:
        """Goes on to the next step.

        Args:
            image: uint8 RGB `[H, W, 3]`.
            people: `[N, 14, 3]`, whoever is in it, in its pixels.
        """
        small = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        free = self._free_of(people)
        self._track(grey, free)
        colours = cv2.resize(small, self._thumbnail_size, interpolation=cv2.INTER_AREA)
        clear = cv2.resize(free, self._thumbnail_size, interpolation=cv2.INTER_AREA)
        now = (self._place, colours, clear)
        cut, fade = (self._difference(self._earlier[at], now) if self._earlier else 0.0 for at in (-1, 0))
        if cut > CHANGED:
            self._earlier.clear()
            self._place, fade = np.eye(3), 0.0
            now = (self._place, colours, clear)
        if cut > CHANGED or not self._earlier or self._found.sum() < _RENEW * len(self._found):
            self._take_key(grey, free)
        self._earlier.append(now)
        other = small.size if self._last is None else np.count_nonzero(cv2.absdiff(small, self._last) > _ENCODING_NOISE)
        self._last = small
        unscaled = np.diag([1 / self._scale, 1 / self._scale, 1.0])
        return Step(unscaled @ self._place @ np.linalg.inv(unscaled), cut, fade, bool(other <= _FROZEN * small.size))

    def _take_key(self, grey: np.ndarray, free: np.ndarray | None) -> None:
        self._key = grey
        self._key_place = self._place
        self._corners = _corners(grey, free)
        self._found = np.ones(len(self._corners), bool)

    def _track(self, grey: np.ndarray, free: np.ndarray) -> None:
        """Follows the key's corners, and with most of them the camera."""
        if len(self._corners) < _FEWEST_CORNERS:
            self._found[:] = False
            return
        guess = self._place @ np.linalg.inv(self._key_place)
        moved, self._found = _follow(self._key, grey, self._corners, free, guess)
        if self._found.sum() >= _FEWEST_FOUND:
            self._place = moved @ self._key_place

    def _difference(self, earlier: tuple, now: tuple) -> float:
        """How much another picture the background is, in [0, 1], with the camera's motion taken out."""
        width, height = self._thumbnail_size
        scale = np.diag([width / self._size[0], height / self._size[1], 1.0])
        motion = (scale @ now[0] @ np.linalg.inv(earlier[0]) @ np.linalg.inv(scale))[:2]
        moved = cv2.warpAffine(earlier[1], motion, (width, height))
        clear = (cv2.warpAffine(earlier[2], motion, (width, height)) == 255) & (now[2] == 255)
        if clear.sum() < _FEWEST_PLACES * clear.size:
            return 0.0
        if max(moved[clear].std(0).max(), now[1][clear].std(0).max()) < _PLAIN:
            return float((cv2.absdiff(moved, now[1]).max(-1) > _OTHER_COLOUR)[clear].mean())
        one, two = (colours[clear] - colours[clear].mean(0) for colours in (moved, now[1]))
        return float(1.0 - (one * two).sum().clip(0) / np.sqrt((one**2).sum() * (two**2).sum() + 1e-6))

    def _free_of(self, people: np.ndarray) -> np.ndarray:
        """255 where nobody is, in the picture in which corners are tracked."""
        free = np.full(self._size[::-1], 255, np.uint8)
        for person in people:
            points = person[person[:, 2] > 0, :2]
            if len(points):
                around = max(_AROUND * np.ptp(points[:, 1]), _LEAST_AROUND * self._longer)
                low = np.floor((points.min(0) - around) * self._scale).astype(int).clip(0)
                high = np.ceil((points.max(0) + around) * self._scale).astype(int).clip(0)
                free[low[1] : high[1], low[0] : high[0]] = 0
        return free


def register(frames: Sequence[np.ndarray], free: np.ndarray) -> np.ndarray:
    """Where the background of the first frame is in others, which may be seconds apart.

    Each frame is compared with the first one, so that errors do not add up, and in more pixels than `Background` does,
    so that what is measured is good enough to lay the frames over each other. Motions of up to a twentieth of the
    picture's longer side are found.

    Args:
        frames: M of uint8 RGB `[H, W, 3]`, in the order of time.
        free: bool `[M, H, W]`, where nobody is.

    Returns:
        `[M, 3, 3]` as `Step.place`; NaN for a frame in which too little of the first one's background is found again.
        A background too plain for corners stays where it is.
    """
    places = np.full((len(frames), 3, 3), np.nan)
    places[0] = np.eye(3)
    key, free_in_key, scale = _small_and_grey(frames[0], free[0])
    corners = _corners(key, free_in_key)
    if len(corners) < _FEWEST_CORNERS:
        if free_in_key.mean() > 255 * _FEWEST_PLACES:
            places[:] = np.eye(3)
        return places
    for number in range(1, len(frames)):
        grey, free_in_it, _ = _small_and_grey(frames[number], free[number])
        moved, found = _follow(key, grey, corners, free_in_it, np.eye(3))
        if found.sum() >= max(_FEWEST_FOUND, _LEAST_FOUND * len(corners)):
            places[number] = np.linalg.inv(scale) @ moved @ scale
    return places


def _small_and_grey(image: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture and where nobody is (255) as they are registered, and `[3, 3]`: from the frame's points to theirs."""
    height, width = image.shape[:2]
    factor = min(1.0, _REGISTERED_SIDE / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    around = cv2.resize(255 * free.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return grey, cv2.erode(around, np.ones((3, 3))), np.diag([size[0] / width, size[1] / height, 1.0])


def _corners(grey: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Corners where nobody is, float32 `[N, 1, 2]`."""
    corners = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.01, 8, mask=free)
    return np.zeros((0, 1, 2), np.float32) if corners is None else corners


def _follow(
    key: np.ndarray, grey: np.ndarray, corners: np.ndarray, free: np.ndarray, guess: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the corners of a key in another picture, and the one motion that most of them follow.

    Args:
        key: uint8 `[h, w]`.
        grey: uint8 `[h, w]`.
        corners: float32 `[N, 1, 2]`, of the key.
        free: uint8 `[h, w]`, 255 where nobody is in the other picture.
        guess: `[3, 3]`, about where points of the key are in the other picture.

    Returns:
        The motion `[3, 3]`, and which corners follow it, bool `[N]`; the guess, where none does.
    """
    guessed = cv2.perspectiveTransform(corners, guess).astype(np.float32)
    there, seen, _ = cv2.calcOpticalFlowPyrLK(key, grey, corners, guessed, flags=cv2.OPTFLOW_USE_INITIAL_FLOW)
    back, seen_back, _ = cv2.calcOpticalFlowPyrLK(
        grey, key, there, corners.copy(), flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    height, width = grey.shape
    x, y = there[:, 0].T
    inside = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
    covered = np.zeros(len(x), bool)
    covered[inside] = free[y[inside].round().astype(int), x[inside].round().astype(int)] == 0
    error = np.linalg.norm(back - corners, axis=-1)[:, 0]
    sound = inside & ~covered & (seen[:, 0] & seen_back[:, 0] > 0) & (error < _RETURN_ERROR)
    found = np.zeros(len(x), bool)
    if sound.sum() >= 3:
        fit, kept = cv2.estimateAffinePartial2D(corners[sound], there[sound], ransacReprojThreshold=_RANSAC_ERROR)
        if fit is not None:
            found[sound] = kept[:, 0] > 0
            return np.vstack([fit, [0, 0, 1]]), found
    return guess, found
