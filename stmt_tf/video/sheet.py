"""Contact sheets: labelled rows of pictures in one PNG, whose columns line up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import cv2
import numpy as np

from stmt_tf.files import PathLike, whole_file
from stmt_tf.video.files import VideoError, check_writable

_GAP = 4
_LABEL_HEIGHT = 20
_PAPER, _INK = 255, (40, 40, 40)


def contact_sheet(
    rows: Sequence[tuple[str, Sequence[np.ndarray]]], height: int = 160
) -> np.ndarray:
    """Lays out pictures in rows, each row under its label.

    The n-th pictures of all rows stand in one column, each in its middle; a picture that is alone in its row may reach
    over several columns.

    Args:
        rows: (label, images uint8 RGB `[H, W, 3]`) of each row; sizes and numbers may differ.
        height: to which every picture is scaled, in pixels; its aspect ratio is kept.

    Returns:
        uint8 RGB `[H', W', 3]`.
    """
    scaled = [[to_height(image, height) for image in images] for _, images in rows]
    several = [row for row in scaled if len(row) > 1]
    widths = [max(image.shape[1] for image in column if image is not None) for column in zip_longest(*several)]
    strips = [
        _row(label, images, widths if len(images) > 1 else [image.shape[1] for image in images], height)
        for (label, _), images in zip(rows, scaled)
    ]
    width = max((strip.shape[1] for strip in strips), default=1)
    padded = [_pad_right(strip, width) for strip in strips]
    return np.concatenate(padded or [np.full((1, 1, 3), _PAPER, np.uint8)])


def check_picture(path: PathLike) -> None:
    """Raises VideoError if no PNG can be written to `path`; worth calling before hours of work."""
    if not str(path).lower().endswith(".png"):
        raise VideoError(f"{path}: pictures are written as PNG. Give a name that ends in .png.")
    check_writable(path)


def write_png(path: PathLike, image: np.ndarray) -> None:
    """Writes an image, uint8 RGB `[H, W, 3]`; the file appears when it is complete.

    Raises:
        VideoError: the file cannot be written.
    """
    data = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    try:
        with whole_file(path) as hidden:
            hidden.write_bytes(data)
    except OSError as error:
        raise VideoError(
            f"{path}: cannot be written ({error.strerror}). Choose another place."
        ) from error


def _row(label: str, images: Sequence[np.ndarray], widths: Sequence[int], height: int) -> np.ndarray:
    cells = [_centred(image, width) for image, width in zip(images, widths)]
    gap = np.full((height, _GAP, 3), _PAPER, np.uint8)
    pictures = np.concatenate([part for cell in cells for part in (cell, gap)] or [gap], axis=1)
    size = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0]
    pictures = _pad_right(pictures, size[0] + 2 * _GAP)
    head = np.full((_LABEL_HEIGHT, pictures.shape[1], 3), _PAPER, np.uint8)
    place = (_GAP, _LABEL_HEIGHT - 6)
    cv2.putText(head, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    foot = np.full((_GAP, pictures.shape[1], 3), _PAPER, np.uint8)
    return np.concatenate([head, pictures, foot])


def to_height(image: np.ndarray, height: int) -> np.ndarray:
    """Scales an image `[H, W, 3]` to a height in pixels, keeping its shape."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    method = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=method)


def _centred(image: np.ndarray, width: int) -> np.ndarray:
    missing = width - image.shape[1]
    return np.pad(image, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)), constant_values=_PAPER)


def _pad_right(image: np.ndarray, width: int) -> np.ndarray:
    missing = max(0, width - image.shape[1])
    return np.pad(image, ((0, 0), (0, missing), (0, 0)), constant_values=_PAPER)
