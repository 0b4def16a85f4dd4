"""The square crop around the person: one for a whole clip, since camera and background stand still.

A crop is a square of whole pixels that may reach outside the frame, where the frame's edge is
repeated. Resized to N x N, it is a grid of N x N cells laid over that square; as pixel centres have
integer coordinates, x' = (x - left + 0.5) * N / size - 0.5. Images (`extract`, `paste`) and joints
(`to_crop`, `to_frame`) follow that one formula.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np

from stmt_tf.pose.body import confident, stature

# How far the body reaches around each joint, as a share of its stature: hands beyond the wrists,
# feet beyond the ankles, flesh around the rest. Head, neck, (shoulder, elbow, wrist), (hip, knee,
# ankle), right and left.
_ARM, _LEG = (0.06, 0.05, 0.11), (0.09, 0.06, 0.07)
_REACH = np.array((0.03, 0.06) + 2 * _ARM + 2 * _LEG)
# Stature is measured down to the ankle; below it is the foot.
_WITH_FEET = 1.04
_FEATHER = 0.08  # of a crop's size: how wide the soft edge is of what is put into a frame


@dataclasses.dataclass(frozen=True)
class Crop:
    """A square of a frame.

    Attributes:
        left: column of the frame, maybe outside it, that is the crop's first.
        top: row of the frame, maybe outside it, that is the crop's first.
        size: side in pixels of the frame, at least 1.
    """

    left: int
    top: int
    size: int

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"a crop's size must be at least 1, got {self.size}")

    @classmethod
    def around(cls, joints: np.ndarray, frame_size: tuple[int, int], fill: float = 0.82) -> Crop:
        """Returns the crop that holds a person all through a clip.

        It is as large as lets the person, standing, fill `fill` of its height, and larger only
        where limbs or the way across the floor need it. Where it can, it lies inside the frame.
        Short runs of wrong detections have no influence: the sides of the person's box go through
        a median over five frames, then the outermost percent of them is left out.

        Args:
            joints: `[T, 14, 3]` as (x, y, confidence) in pixels of the frame; confidence 0 is a
                missing joint. Several clips of one size may be joined along T.
            frame_size: (height, width) of the frame in pixels.
            fill: in (0, 1].

        Raises:
            ValueError: no joint is seen in any frame.
        """
        joints = np.asarray(joints, np.float64)
        seen = confident(joints)
        if not seen.any():
            raise ValueError(f"no joint is seen in {len(joints)} frames; is there a person?")
        points = joints[..., :2]
        tall = _WITH_FEET * (stature(joints) or np.ptp(points[seen], axis=0).max() or 1.0)
        reach = _REACH[:, None] * tall
        some = seen.any(axis=1)
        low = np.where(seen[..., None], points - reach, np.inf).min(axis=1)[some]
        high = np.where(seen[..., None], points + reach, -np.inf).max(axis=1)[some]
        limit = np.array(frame_size[::-1]) - 0.5
        low = np.percentile(_running_median(low), 1, axis=0).clip(-0.5, limit)
        high = np.percentile(_running_median(high), 99, axis=0).clip(-0.5, limit)
        size = max(1, math.ceil(max(tall / fill, *(high - low))))
        middle = (low + high + 1) / 2
        left, top = (_place(centre, size, side) for centre, side in zip(middle, frame_size[::-1]))
        return cls(left, top, size)

    def extract(self, image: np.ndarray, size: int) -> np.ndarray:
        """Cuts the crop out of an image and resizes it.

        Args:
            image: uint8 or float32, `[H, W]` or `[H, W, C]`.
            size: side of the result in pixels.

        Returns:
            `[size, size]` or `[size, size, C]` of the same type.
        """
        height, width = image.shape[:2]
        rows = np.arange(self.top, self.top + self.size).clip(0, height - 1)
        columns = np.arange(self.left, self.left + self.size).clip(0, width - 1)
        return _resize(image.take(rows, axis=0).take(columns, axis=1), size)

    def within(self, frame_size: tuple[int, int], size: int) -> np.ndarray:
        """Which pixels of the crop, resized to `size` x `size`, a frame of (height, width) has: bool `[size, size]`."""
        places = (np.arange(size) + 0.5) * self.size / size
        rows, columns = (
            (0 <= places + begin) & (places + begin <= end)
            for begin, end in ((self.top, frame_size[0]), (self.left, frame_size[1]))
        )
        return rows[:, np.newaxis] & columns

    def extract_flow(self, flow: np.ndarray, size: int) -> np.ndarray:
        """Cuts out a flow `[H, W, 2]`; the result is in pixels of the resized crop."""
        return self.extract(flow, size) * np.float32(size / self.size)

    def to_crop(self, joints: np.ndarray, size: int) -> np.ndarray:
        """Carries joints `[..., 3]` from the frame to the crop resized to `size` x `size`."""
        moved = np.array(joints)
        moved[..., :2] -= (self.left - 0.5, self.top - 0.5)
        moved[..., :2] *= size / self.size
        moved[..., :2] -= 0.5
        return moved

    def to_frame(self, joints: np.ndarray, size: int) -> np.ndarray:
        """Carries joints `[..., 3]` from the crop resized to `size` x `size` to the frame."""
        moved = np.array(joints)
        moved[..., :2] += 0.5
        moved[..., :2] *= self.size / size
        moved[..., :2] += (self.left - 0.5, self.top - 0.5)
        return moved

    def paste(self, frame: np.ndarray, image: np.ndarray, feather: float = _FEATHER) -> np.ndarray:
        """Returns a copy of a frame with new content in the crop.

        Args:
            frame: uint8 `[H, W, 3]`. Pixels outside the crop stay exactly as they are.
            image: uint8 `[N, N, 3]`, what the crop shall show, at any size N.
            feather: width of the soft edge inside the crop, as a share of its size, 0 to 0.5. A
                side of the crop on or beyond the frame's border is not softened: there is nothing
                outside to blend with.
        """
        result = frame.copy()
        outside, inside = self.overlap(frame.shape[:2])
        old = result[outside]
        if old.size:
            weight = self.softness(frame.shape[:2], feather)[inside]
            old[:] = cv2.blendLinear(_resize(image, self.size)[inside], old, weight, 1 - weight)
        return result

    def overlap(self, frame_size: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """What a frame of (height, width) and the crop share: rows and columns of the frame, and of the crop."""
        shared = [
            slice(max(0, start), max(0, min(side, start + self.size)))
            for start, side in zip((self.top, self.left), frame_size)
        ]
        inside = [slice(each.start - start, each.stop - start) for each, start in zip(shared, (self.top, self.left))]
        return tuple(shared), tuple(inside)

    def softness(self, frame_size: tuple[int, int], feather: float = _FEATHER) -> np.ndarray:
        """Weights float32 `[size, size]` of the crop's pixels in a frame of (height, width); see `paste`."""
        down, across = (
            _ramp(start, self.size, side, feather) for start, side in zip((self.top, self.left), frame_size)
        )
        return np.outer(down, across)


def _running_median(values: np.ndarray) -> np.ndarray:
    """Median over five steps of `[T, C]` along T, the ends repeated."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0), axis=-1)


def _place(middle: float, size: int, side: int) -> int:
    """First of `size` pixels around `middle`, moved to leave a frame of `side` as little as can be."""
    start = round(middle - size / 2)
    return min(max(start, min(0, side - size)), max(0, side - size))


def _ramp(start: int, size: int, side: int, feather: float) -> np.ndarray:
    """Weights `[size]`, falling smoothly from 1 to 0 at ends that lie within a frame of `side`."""
    distance = np.arange(size) + 0.5
    before = distance if start > 0 else np.full(size, np.inf)
    after = size - distance if start + size < side else np.full(size, np.inf)
    position = np.clip(np.minimum(before, after) / max(feather * size, 0.5), 0, 1)
    return (position * position * (3 - 2 * position)).astype(np.float32)


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    # Averaging over areas keeps a shrunk image free of aliasing; it would leave blocks in a grown one.
    method = cv2.INTER_AREA if size < len(image) else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(image), (size, size), interpolation=method)
