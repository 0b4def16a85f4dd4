"""The pictures by which a transfer is judged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stmt_tf.pose.crop import Crop
from stmt_tf.pose.draw import draw_skeleton
from stmt_tf.transfer.motion import Motion
from stmt_tf.transfer.source import Source
from stmt_tf.video.reader import Frame, read_chosen
from stmt_tf.video.sheet import contact_sheet, to_height

_COLUMNS = 8
_HEIGHT = 240
_SQUARES, _GREYS = 32, (204, 255)  # over the shorter side of a transparent image
_SEEN = 0.05  # a source frame that has no more of any pixel has no row among the attention maps


class ResultSheet:
    """Collects a few frames of a transfer: source frames, target frames and results, the person large.

    Args:
        source: whom and where to show.
        motion: what they do.
        view: the square of the results that holds them; None: results are that square.
        place: the place that they are shown in, uint8 `[H, W, 3]`, where that is not their own.
    """

    def __init__(self, source: Source, motion: Motion, view: Crop | None, place: np.ndarray | None = None):
        self._source, self._motion, self._view, self._place = source, motion, view, place
        self._sampled = set(motion.sampled())
        self._targets: list[np.ndarray] = []
        self._results: list[np.ndarray] = []

    def add(self, frame: Frame, result: np.ndarray) -> None:
        """Takes a frame of the target and its result, whole or the crop alone, if it is one to show."""
        if frame.index in self._sampled:
            if result.shape[-1] == 4:
                result = _before_squares(result)
            self._targets.append(_view(frame.image, self._motion.view))
            self._results.append(_view(result, self._view) if self._view else to_height(result, _HEIGHT))

    def picture(self) -> np.ndarray:
        """The sheet, uint8 RGB `[H, W, 3]`."""
        sources = [_view(frame, self._source.crop) for frame in self._source.frames[:_COLUMNS]]
        rows = [("source frames", sources), ("target's motion", self._targets), ("result", self._results)]
        if self._place is not None:
            rows.insert(2, ("another place", [to_height(self._place, _HEIGHT)]))
        return contact_sheet(rows, _HEIGHT)


def preview_sheet(source: Source, motion: Motion) -> np.ndarray:
    """Target frames with their skeletons, and the retargeted skeletons over the source person's place."""
    numbers = motion.sampled()
    steps = [motion.step_of(number) for number in numbers]
    images = read_chosen(motion.path, steps)
    targets = [_view(image, motion.view, motion.target[step]) for image, step in zip(images, steps)]
    poses = [_view(source.frames[0], source.crop, motion.retargeted[number]) for number in numbers]
    return contact_sheet([("target's motion", targets), ("retargeted to the source", poses)], _HEIGHT)


def attention_sheet(source: Source, made: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which source frame the parts of a few made frames were taken from, each source frame beside its maps.

    Args:
        source: the source frames.
        made: of a model with attention, for T poses: see `TransferModel.generate`.

    Returns:
        uint8 RGB `[H, W, 3]`; in the maps white is all of a pixel, black nothing.
    """
    squares = source.crops(_HEIGHT)
    rows = [("result", [np.full_like(squares[0], 255), *made["frame"]])]
    for branch, name in (("foreground", "person"), ("background", "place")):
        maps = made.get(f"{branch}_attention")
        if maps is None:
            continue
        shares = np.rint(255 * maps).astype(np.uint8)[..., np.newaxis].repeat(3, -1)
        for k in range(shares.shape[1]):  # a model that looks at more frames than were chosen sees them in turn
            if maps[:, k].max() > _SEEN:
                rows.append((f"{name}, from source frame {k + 1}", [squares[k % len(squares)], *shares[:, k]]))
    return contact_sheet(rows)


def _before_squares(image: np.ndarray) -> np.ndarray:
    """An image, uint8 RGBA `[H, W, 4]`, before the grey squares by which programs show what is transparent."""
    height, width = image.shape[:2]
    side = max(1, min(height, width) // _SQUARES)
    odd = (np.arange(height)[:, np.newaxis] // side + np.arange(width) // side) % 2
    squares = np.float32(_GREYS)[odd][..., np.newaxis]
    return np.rint(squares + image[..., 3:] / np.float32(255) * (image[..., :3] - squares)).astype(np.uint8)


def _view(frame: np.ndarray, crop: Crop, joints: np.ndarray | None = None) -> np.ndarray:
    """The part of the crop that lies in the frame, with a skeleton if joints `[14, 3]` are given."""
    left, top = max(0, crop.left), max(0, crop.top)
    part = frame[top : crop.top + crop.size, left : crop.left + crop.size]
    if joints is not None:
        part = draw_skeleton(part, joints - np.array([left, top, 0], np.float32))
    return to_height(part, _HEIGHT)
