"""What people give: whether it can be taken, and how it looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stmt_tf.app.settings import AppConfig
from stmt_tf.video.files import VideoError
from stmt_tf.video.picture import is_picture, read_picture
from stmt_tf.video.reader import length_of, read_frames


def check_input(path: Path, config: AppConfig, name: str) -> float | None:
    """Checks that a file, called `name` in what is told, is a picture, or a video that is short enough.

    Returns:
        The video's seconds; None of a picture.

    Raises:
        VideoError: it is too large or too long, or neither a whole picture nor a video.
        OSError: it is not there.
    """
    size = path.stat().st_size
    if not size:
        raise VideoError(f"{name}: is empty. Give another file.")
    if size > config.max_megabytes * 1e6:
        raise VideoError(
            f"{name}: has {size / 1e6:.1f} MB, more than the {config.max_megabytes} MB taken here. "
            "Give a shorter or smaller one."
        )
    if is_picture(path):
        try:
            read_picture(path)
        except VideoError as error:
            raise VideoError(str(error).replace(str(path), name)) from error
        return None
    try:
        seconds = length_of(path)
    except VideoError as error:
        raise VideoError(str(error).replace(str(path), name)) from error
    if seconds > config.max_seconds:
        raise VideoError(
            f"{name}: takes {seconds:.1f} s, more than the {config.max_seconds:g} s taken here. Cut it shorter."
        )
    return seconds


def first_frame(path: Path) -> np.ndarray:
    """A picture, or a video's first frame, as uint8 RGB `[H, W, 3]`.

    Raises:
        VideoError: it cannot be decoded.
    """
    return read_picture(path) if is_picture(path) else next(read_frames(path)).image
