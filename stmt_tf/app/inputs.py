"""What people give: whether it can be taken, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stmt_tf.app.settings import AppConfig
from stmt_tf.video.files import VideoError
from stmt_tf.video.picture import is_picture, read_picture
from stmt_tf.video.reader import length_of, read_frames

POSES = ("source_poses", "target_poses")


def check_inputs(name: str, paths: Sequence[Path], config: AppConfig, folder: str = "") -> float | None:
    """Checks the files of one input, which must not be too large together, nor videos too long together.

    What is told names them by `folder` and name.

    Args:
        name: of the input's flag. Several files of `source` must be photos; those of `POSES` are not looked into.

    Returns:
        The seconds of all videos together; None where there is none.

    Raises:
        As `check_input` does.
    """
    total = None
    for path in paths:
        called = f"{folder}{path.name}"
        seconds = _check_size(path, config, called) if name in POSES else check_input(path, config, called)
        if seconds is not None and name == "source" and len(paths) > 1:
            raise VideoError(f"{called}: is no photo. Several files must be photos of one person.")
        total = total if seconds is None else (total or 0.0) + seconds
    if (size := sum(path.stat().st_size for path in paths)) > config.max_megabytes * 1e6:
        what = "photos" if name == "source" else "files"
        raise VideoError(
            f"{len(paths)} {what} have {size / 1e6:.1f} MB, more than the {config.max_megabytes} MB taken here. "
            "Give fewer or smaller ones."
        )
    if (total or 0) > config.max_seconds:
        raise VideoError(
            f"{len(paths)} videos take {total:.1f} s together, more than the {config.max_seconds:g} s taken here. "
            "Give fewer or shorter ones."
        )
    return total


def check_input(path: Path, config: AppConfig, name: str) -> float | None:
    """Checks that a file, called `name` in what is told, is a picture, or a video that is short enough.

    Returns:
        The video's seconds; None of a picture.

    Raises:
        VideoError: it is too large or too long, or neither a whole picture nor a video, or it is not there.
    """
    _check_size(path, config, name)
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


def _check_size(path: Path, config: AppConfig, name: str) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise VideoError(f"{name}: is not kept any more. Give it again.") from error
    if not size:
        raise VideoError(f"{name}: is empty. Give another file.")
    if size > config.max_megabytes * 1e6:
        raise VideoError(
            f"{name}: has {size / 1e6:.1f} MB, more than the {config.max_megabytes} MB taken here. "
            "Give a shorter or smaller one."
        )


def first_frame(path: Path) -> np.ndarray:
    """A picture, or a video's first frame, as uint8 RGB `[H, W, 3]`.

    Raises:
        VideoError: it cannot be decoded.
    """
    return read_picture(path) if is_picture(path) else next(read_frames(path)).image
