"""Source, target and result beside each other, all of them moving."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from stmt_tf.files import PathLike
from stmt_tf.video.reader import probe, read_frames

_MAX_HEIGHT, _MIN_HEIGHT = 720, 256
_MAX_WIDTH = 2560  # of all together


def side_by_side(images: Sequence[np.ndarray]) -> np.ndarray:
    """Puts images of any sizes beside each other, all of the same area, on black.

    The area is the last image's, unless that makes panels tiny or larger than a screen.

    Args:
        images: uint8 `[H, W, 3]`.

    Returns:
        uint8 `[H', W', 3]`, the same size for images of the same sizes.
    """
    shapes = np.array([image.shape[:2] for image in images], float)
    shapes *= np.sqrt(shapes[-1].prod() / shapes.prod(1, keepdims=True))
    tallest = shapes[:, 0].max()
    scale = min(max(tallest, _MIN_HEIGHT), _MAX_HEIGHT) / tallest
    shapes *= min(scale, _MAX_WIDTH / shapes[:, 1].sum())
    sizes = np.maximum(np.floor(shapes + 1e-6), 2).astype(int)
    canvas = np.zeros((sizes[:, 0].max(), sizes[:, 1].sum(), 3), np.uint8)
    left = 0
    for image, (height, width) in zip(images, sizes.tolist()):
        method = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
        top = (len(canvas) - height) // 2
        panel = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=method)
        canvas[top : top + height, left : left + width] = panel
        left += width
    return canvas


class Loop:
    """Plays a video again and again; a picture stands still.

    Args:
        path: of the video.
    """

    def __init__(self, path: PathLike):
        self._path = path
        self._shown: np.ndarray | None = None
        self._pending = self._played()
        self._next = next(self._pending)

    def at(self, time: float) -> np.ndarray:
        """What is shown at a time, uint8 `[H, W, 3]`; times rise from call to call."""
        while self._shown is None or self._next[0] <= time + 1e-6:
            self._shown = self._next[1]
            self._next = next(self._pending)
        return self._shown

    def _played(self) -> Iterator[tuple[float, np.ndarray]]:
        interval, begun = 1 / float(probe(self._path).fps), 0.0
        while True:
            count = 0
            for frame in read_frames(self._path):
                count += 1
                yield begun + frame.time, frame.image
            begun += frame.time + interval
            if count == 1:
                yield math.inf, frame.image
