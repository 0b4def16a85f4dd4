"""Takes out of the mattes what a person holds, or what sticks to them, in some frames only.

A matte cannot tell a ball before the chest from the chest. But hardly two frames show the ball at the same place of a
limb, so the frames can vote it out. Each part is carried to its own axes, where one pixel is the same place of the part
in every frame. A pixel of a matte is explained where enough frames of a like facing show a person at that place, and
enough of those its colour. One part that explains it is enough: an arm before the torso stays. What is left over, and
as large as an object, goes.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from stmt_tf.pose import body
from stmt_tf.pose.skeleton import PARTS

# Frames are compared at a reduced size, at which a person standing upright is this tall. Lengths below are in its
# pixels.
_STATURE = 96
_MARGIN = 17  # how far around its axis a part is looked at: clothes, hair, hands and feet
_NEAREST = 8.0  # a part explains no pixel that lies nearer to another part's axis by more than this
_SLACK = 2  # by how much joints are wrong and clothes move
_SMALLEST = 2  # radius of the smallest disc that is an object; outlines, seams and wrinkles are thinner
_OUTLINE = 1  # by which an object's blurred outline reaches further over the person
_FRINGE = 3  # the same away from the person, where the matte of the object fades

_MIN_FRAMES = 4  # of a like facing, below which there is no vote
_LIKE_FACING = 0.6  # on the scale of `body.facing`, from 1 (front) to -1 (back)
_MAX_BRIGHTNESS = 0.2  # change of the light from frame to frame that is levelled out
_COLOUR_SIGMA = 0.1  # of colours in [0, 1]
# Shares of the frames, below the first of which a pixel is contradicted, and above the second explained.
_OCCUPIED = (0.15, 0.3)  # that show a person there, among all
_AGREE = (0.3, 0.6)  # that show its colour, among those
# What is contradicted more than the first is an object, with all around it that is contradicted more than the second.
_CLEAR, _DOUBTFUL = 0.9, 0.3

_IN_MATTE = 0.3  # above which a pixel counts as the person
_MIN_COVERED = 0.5  # share of a part's axis within the matte, or its joints are wrong
_MIN_LENGTH = 0.2  # share of a part's full length, or it points at the camera and has no direction
_TORSO = PARTS[-1].joints
# The parts that begin where each part ends.
_AFTER = [[i for i, after in enumerate(PARTS) if after.joints[0] == part.joints[-1]] for part in PARTS]


def without_held_objects(frames: np.ndarray, joints: np.ndarray, mattes: np.ndarray) -> np.ndarray:
    """Lowers mattes where a frame contradicts what the frames of a like facing show at the same place of a part.

    What many frames show at the same place stays, as a bag on the back does. An object in the colour of what it covers
    stays, too.

    Args:
        frames: uint8 `[N, S, S, 3]`, frames of one person in many poses.
        joints: `[N, 14, 3]` in pixels of the frames.
        mattes: float32 `[N, S, S]` in [0, 1], negative everywhere in a frame whose matte is unknown. Such a frame has
            no vote and keeps its matte; so does one without a joint of the torso. One with fewer than three others of
            a like facing keeps its matte.

    Returns:
        float32 `[N, S, S]`, nowhere above the mattes.
    """
    result = np.array(mattes, np.float32)
    size, stature = mattes.shape[-1], body.stature(joints)
    facing = body.facing(joints)
    voters = (mattes.max((1, 2), initial=-1.0) >= 0.0) & (joints[:, _TORSO, 2] > 0.0).any(1)
    like = (np.abs(facing[:, None] - facing) <= _LIKE_FACING) & voters & voters[:, None]
    frames_to_clean = np.flatnonzero(like.sum(1) >= _MIN_FRAMES)
    if stature <= 0.0 or not len(frames_to_clean):
        return result

    small = min(size, round(size * _STATURE / stature))
    colours = np.stack([_shrunk(frame, small) for frame in frames]).astype(np.float32) / 255.0
    shapes = np.stack([_shrunk(matte, small) for matte in result])
    scaled = body.scaled_joints(joints.astype(np.float64), small / size)
    ends = zip(*np.moveaxis(body.part_ends(scaled), -2, 1))
    parts = [_Part.of(scaled[:, part.joints], *axis, shapes) for part, axis in zip(PARTS, ends)]
    votes = [_votes(part, colours, shapes, like) for part in parts]
    for frame in frames_to_clean:
        objects = _objects(1.0 - _explained(frame, parts, votes, small), shapes[frame] > _IN_MATTE)
        result[frame] *= 1.0 - cv2.resize(objects, (size, size), interpolation=cv2.INTER_LINEAR)
    return result


@dataclasses.dataclass(frozen=True)
class _Part:
    """A part of the body in N frames, and how to carry it to its canonical picture, upright and at full length.

    The part's axis runs down the middle of the canonical picture, stretched where a frame foreshortens it. To its sides
    and beyond its ends the scale is the frame's.

    Attributes:
        joints: `[N, J, 3]`, the part's own.
        start, axis: `[N, 2]`, where it begins and the direction in which it runs, as (x, y).
        length: `[N]`, as the frame shows it.
        full: its length where it is not foreshortened.
        usable: `[N]`, False where a joint is missing or wrong, or the part points at the camera.
    """

    joints: np.ndarray
    start: np.ndarray
    axis: np.ndarray
    length: np.ndarray
    full: float
    usable: np.ndarray

    @classmethod
    def of(cls, joints: np.ndarray, start: np.ndarray, end: np.ndarray, mattes: np.ndarray) -> _Part:
        length = np.linalg.norm(end - start, axis=-1)
        found = (joints[..., 2] > 0.0).all(1)
        full = float(np.percentile(length[found], 90)) if found.any() else 0.0
        along = start[:, None] + np.linspace(0.0, 1.0, 12)[:, None] * (end - start)[:, None]
        covered = np.array([_sampled(matte, *points.T[:, None]).mean() for matte, points in zip(mattes, along)])
        usable = found & (covered >= _MIN_COVERED) & (length > _MIN_LENGTH * full)
        return cls(joints, start, (end - start) / np.maximum(length, 1e-6)[:, None], length, full, usable)

    def to_frame(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """The frame's (x, y) at each pixel of the canonical picture."""
        row = np.arange(int(np.ceil(self.full)) + 2 * _MARGIN + 1)[:, None] - float(_MARGIN)
        on_axis = np.clip(row, 0.0, self.full)
        u = on_axis * self.length[frame] / self.full + (row - on_axis)
        v = np.arange(-_MARGIN, _MARGIN + 1.0)
        (x, y), (dx, dy) = self.start[frame], self.axis[frame]
        return x + u * dx - v * dy, y + u * dy + v * dx

    def from_frame(self, frame: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The canonical picture's (x, y) at points of the frame, and how far these are from the part's axis."""
        (dx, dy), x, y = self.axis[frame], x - self.start[frame, 0], y - self.start[frame, 1]
        u, v = x * dx + y * dy, y * dx - x * dy
        on_axis = np.clip(u, 0.0, self.length[frame])
        row = on_axis * self.full / self.length[frame] + (u - on_axis)
        return v + _MARGIN, row + _MARGIN, np.hypot(u - on_axis, v)

    def in_reach(self, frame: int, x: np.ndarray, y: np.ndarray, reach: float) -> np.ndarray:
        """Which points of the frame lie within reach of one of the part's joints that are found."""
        found = self.joints[frame][self.joints[frame, :, 2] > 0.0]
        distances = np.hypot(x[..., None] - found[:, 0], y[..., None] - found[:, 1])
        return (distances <= reach).any(-1)


def _votes(part: _Part, colours: np.ndarray, mattes: np.ndarray, like: np.ndarray) -> dict[int, np.ndarray]:
    """How far the frames explain each other's canonical pictures of a part: float32 `[h, w]` in [0, 1] by frame.

    Frames that do not show the part are left out. One without enough others of a like facing is explained everywhere.
    """
    frames = np.flatnonzero(part.usable & like.any(1))
    if not len(frames):
        return {}
    places = [part.to_frame(frame) for frame in frames]
    inside = np.stack([_sampled(mattes[frame], *place) for frame, place in zip(frames, places)]) > _IN_MATTE
    shown = np.stack([_sampled(colours[frame], *place) for frame, place in zip(frames, places)])
    shown -= _brightness(shown, inside)[:, None, None, None]

    # A frame agrees to a colour between the darkest and the brightest that it shows within the slack.
    slack = np.ones([2 * _SLACK + 1] * 2, np.uint8)
    none = np.float32(9.0)
    darkest = np.stack([cv2.erode(np.where(i[..., None], c, none), slack) for c, i in zip(shown, inside)])
    brightest = np.stack([cv2.dilate(np.where(i[..., None], c, -none), slack) for c, i in zip(shown, inside)])
    occupied = np.stack([cv2.dilate(i.astype(np.uint8), slack) for i in inside])
    votes = {}
    for row, frame in enumerate(frames):
        others = np.flatnonzero(like[frame, frames] & (frames != frame))
        if len(others) < _MIN_FRAMES - 1:
            votes[frame] = np.ones(inside.shape[1:], np.float32)
            continue
        excess = np.maximum(np.maximum(shown[row] - brightest[others], darkest[others] - shown[row]), 0.0)
        agreeing = np.exp(-np.square(excess).mean(-1) / _COLOUR_SIGMA**2).sum(0)
        count = occupied[others].sum(0)
        votes[frame] = _ramp(agreeing / np.maximum(count, 1), _AGREE) * _ramp(count / len(others), _OCCUPIED)
    return votes


def _brightness(colours: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How much brighter than most each frame shows a part: float32 `[n]`, for colours `[n, h, w, 3]`."""
    grey = np.where(inside, colours.mean(-1), np.nan)[:, inside.any(0)]
    offsets = np.zeros(len(colours), np.float32)
    shows_it = inside.any((1, 2))
    if shows_it.any():
        offsets[shows_it] = np.nanmedian((grey - np.nanmedian(grey, axis=0))[shows_it], axis=1)
    return np.clip(offsets, -_MAX_BRIGHTNESS, _MAX_BRIGHTNESS)


def _explained(frame: int, parts: list[_Part], votes: list[dict[int, np.ndarray]], size: int) -> np.ndarray:
    """How far some part explains each pixel of a frame: float32 `[size, size]` in [0, 1]."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    explained = np.zeros([size, size], np.float32)
    shares, distances = [], []
    for index, (part, vote) in enumerate(zip(parts, votes)):
        if frame in vote:
            *place, distance = part.from_frame(frame, x, y)
            shares.append(_sampled(vote[frame], *place))
            distances.append(distance)
        else:
            # It may be anywhere, and so may what hangs on it.
            reach = part.full + sum(parts[after].full for after in _AFTER[index]) + _MARGIN
            explained[part.in_reach(frame, x, y, reach)] = 1.0
    for share, distance in zip(shares, distances):
        near = 1.0 - (distance - np.min(distances, axis=0)) / _NEAREST
        explained = np.maximum(explained, share * np.maximum(near, 0.0))
    return explained.astype(np.float32)


def _objects(contradicted: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Where a matte shows objects: float32 `[s, s]` in [0, 1].

    Args:
        contradicted: float32 `[s, s]` in [0, 1], how far no part explains a pixel.
        inside: bool `[s, s]`, the matte.
    """
    contradicted = contradicted * inside
    smallest = _disc(_SMALLEST)
    clear = cv2.morphologyEx(contradicted, cv2.MORPH_OPEN, smallest) > _CLEAR
    doubtful = cv2.morphologyEx((contradicted > _DOUBTFUL).astype(np.uint8), cv2.MORPH_OPEN, smallest)
    _, labels = cv2.connectedComponents(doubtful, connectivity=4)
    objects = np.isin(labels, np.unique(labels[clear])).astype(np.float32)
    outlined = np.where(inside, cv2.dilate(objects, _disc(_OUTLINE)), cv2.dilate(objects, _disc(_FRINGE)))
    return cv2.blur(outlined, (3, 3))


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _ramp(share: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    return np.clip((share - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0).astype(np.float32)


def _sampled(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An image at points (x, y), each `[h, w]`; 0 outside it."""
    return cv2.remap(image, np.float32(x), np.float32(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _shrunk(image: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
