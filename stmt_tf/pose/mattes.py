"""Mattes: which pixels of a frame are the person, by the pose estimator or as the user gives them.

An estimator's mattes can fail in single frames, and a user's can be of another video. So none is believed that makes no
sense beside the joints: `doubt_mattes` says where nothing is known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from absl import logging

from stmt_tf.files import PathLike
from stmt_tf.pose.body import visible
from stmt_tf.pose.estimators import Estimator
from stmt_tf.video.files import VideoError

_ALMOST_NOBODY, _ALMOST_ALL = 0.0001, 0.9  # shares of the frame
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_FEWEST_JOINTS = 0.5  # of those found: what a believed matte must show
_NEAR = 0.03  # how far joints may lie from a matte that shows them, as a share of the extent of the pose
_MOST_DOUBTED = 0.1  # of the frames of a clip


def estimate_mattes(frames: Iterable[np.ndarray], joints: np.ndarray, estimator: Estimator) -> np.ndarray | None:
    """The mattes of some frames of a video, by a pose estimator.

    Args:
        frames: N of uint8 `[H, W, 3]`, RGB, in any order.
        joints: float32 `[N, 14, 3]` of the person in them, in pixels.
        estimator: any; not all have mattes.

    Returns:
        uint8 `[N, H, W]`, 255 on the person, 0 everywhere in frames where nobody is found; None where the estimator has
        no mattes.
    """
    mattes = []
    for frame, pose in zip(frames, joints):
        matte = estimator.matte(frame, pose)
        if matte is None:
            return None
        mattes.append(matte)
    return np.stack(mattes)


def sound_mattes(frames: Iterable[np.ndarray], joints: np.ndarray, estimator: Estimator | None) -> np.ndarray | None:
    """What `estimate_mattes` makes as far as it makes sense, see `doubt_mattes`; None also without an estimator."""
    found = None if estimator is None else estimate_mattes(frames, joints, estimator)
    return None if found is None else doubt_mattes(found, joints)


def read_mattes(
    directory: PathLike, indices: Sequence[int], num_frames: int | None, frame_size: tuple[int, int]
) -> np.ndarray:
    """Reads mattes that lie in a directory as pictures, one for each frame of the video, in the order of their names.

    Numbers in names count as numbers: `frame2.png` comes before `frame10.png`. The matte is a picture's alpha, unless
    that is the same everywhere; then its brightest channel.

    Args:
        directory: of PNG, JPEG, WebP or BMP files; others, and hidden ones, are left out.
        indices: numbers of the frames, from 0, whose mattes are read.
        num_frames: frames that the video has, or None where it does not say.
        frame_size: (height, width) of its frames in pixels.

    Returns:
        uint8 `[len(indices), height, width]`, 255 on the person.

    Raises:
        VideoError: the directory is none, or holds another number of pictures than the video has frames; a picture
            cannot be read, or is of another size than the frames; or all that were read show nobody.
    """
    paths = matte_files(directory)
    needed = max(indices) + 1 if num_frames is None else num_frames
    if len(paths) < needed or num_frames is not None and len(paths) > num_frames:
        raise VideoError(
            f"{directory}: holds {len(paths)} pictures, the video {'at least ' * (num_frames is None)}{needed} frames. "
            "Give one matte for each frame."
        )
    pictures = [_read_picture(paths[index], frame_size) for index in indices]
    # Transparency that is the same in all of them tells nothing; what it tells in one, it tells in all.
    cut_out = any(np.ptp(picture[..., 3]) for picture in pictures if picture.shape[2:] == (4,))
    mattes = np.stack([_as_matte(picture, cut_out) for picture in pictures])
    if mattes.max() < 128:
        raise VideoError(f"{directory}: its mattes show nobody. Give pictures that are white (255) on the person.")
    return mattes


def matte_files(directory: PathLike) -> list[Path]:
    """The pictures in a directory, in the order of their names; see `read_mattes`.

    Raises:
        VideoError: there is no such directory.
    """
    if not os.path.isdir(directory):
        raise VideoError(f"{directory}: no such directory. Give one of pictures, a matte for each frame.")
    paths = [path for path in Path(directory).iterdir() if path.suffix.lower() in _PICTURES and path.name[0] != "."]
    return sorted(paths, key=lambda path: _natural(path.name))


def _natural(name: str) -> tuple[list[str | int], str]:
    """A key by which numbers in names sort as numbers; the name itself decides between 1 and 01."""
    return [int(text) if i % 2 else text for i, text in enumerate(re.split("([0-9]+)", name))], name


def check_mattes(directory: PathLike, frame_size: tuple[int, int]) -> None:
    """Raises VideoError if a directory is none, or its first picture none of a frame of this (height, width)."""
    paths = matte_files(directory)
    if not paths:
        raise VideoError(f"{directory}: holds no pictures ({', '.join(_PICTURES)}). Give one matte for each frame.")
    _read_picture(paths[0], frame_size)


def _read_picture(path: Path, frame_size: tuple[int, int]) -> np.ndarray:
    """A picture, uint8 `[H, W]` or `[H, W, 3 or 4]`."""
    try:
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # a picture that says it is larger than OpenCV reads
        image = None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise VideoError(f"{path}: is no picture of 8 or 16 bits, or a damaged one. Write the matte anew.")
    if image.shape[:2] != tuple(frame_size):
        raise VideoError(
            f"{path}: is {image.shape[1]} x {image.shape[0]}, the video {frame_size[1]} x {frame_size[0]} pixels. "
            "Give mattes at the video's full size."
        )
    if image.dtype == np.uint16:
        image = (image // 257).astype(np.uint8)
    return image


def _as_matte(picture: np.ndarray, cut_out: bool) -> np.ndarray:
    """The matte `[H, W]` of a picture, its transparency if it is one of a person cut out."""
    if picture.ndim == 2:
        return picture
    if cut_out and picture.shape[2] == 4:
        return picture[..., 3]
    return picture[..., :3].max(-1)


def doubt_mattes(mattes: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Replaces mattes that make no sense by -1, and warns of how many they are.

    Args:
        mattes: uint8 `[N, H, W]`, 255 on the person.
        joints: float32 `[N, 14, 3]` of the person in these frames, in pixels.

    Returns:
        float32 `[N, H, W]` in [0, 1]; -1 everywhere in a frame of which nothing is known, see `doubtful`.
    """
    doubted = doubtful(mattes, joints)
    wrong = doubted & visible(joints)
    if wrong.any():
        logging.warning("%d of %d mattes do not show the person of the joints; not used", wrong.sum(), len(mattes))
    believed = mattes.astype(np.float32)
    believed /= 255.0
    believed[doubted] = -1.0
    return believed


def doubtful(mattes: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Which mattes make no sense: they show (almost) nobody, (almost) all of the frame, or not where the joints are.

    That nobody is there is not believed even where no joint is found: somebody may have been overlooked.

    Args:
        mattes: uint8 `[N, H, W]`, 255 on the person.
        joints: float32 `[N, 14, 3]` of the person in these frames, in pixels.

    Returns:
        bool `[N]`.
    """
    return np.array([_is_doubtful(matte > 127, pose) for matte, pose in zip(mattes, joints)], bool)


def _is_doubtful(person: np.ndarray, pose: np.ndarray) -> bool:
    """As `doubtful`, for one frame: bool `[H, W]` and joints `[14, 3]`."""
    if not _ALMOST_NOBODY < person.mean() < _ALMOST_ALL:
        return True
    points = pose[pose[:, 2] > 0, :2]
    if not len(points):
        return False
    near = max(1, round(_NEAR * float(np.ptp(points, axis=0).max())))
    shown = []
    for x, y in np.rint(points).astype(int):
        around = person[max(0, y - near) : max(0, y + near + 1), max(0, x - near) : max(0, x + near + 1)]
        shown.append(around.any())
    return np.mean(shown) < _FEWEST_JOINTS


def clip_masks(mattes: np.ndarray, joints: np.ndarray) -> np.ndarray | None:
    """The mattes of a clip's frames as its masks, which a record has for all frames or for none.

    Args:
        mattes: uint8 `[T, H, W]`, 255 on the person.
        joints: float32 `[T, 14, 3]` of the person in these frames, in pixels.

    Returns:
        uint8 `[T, H, W]`; a matte that makes no sense (see `doubtful`) is replaced by the nearest in time that does.
        None where more than a tenth of them make none.
    """
    doubted = doubtful(mattes, joints)
    if doubted.mean() > _MOST_DOUBTED:
        return None
    believed = np.flatnonzero(~doubted)
    nearest = np.abs(believed - np.arange(len(mattes))[:, np.newaxis]).argmin(1)
    return mattes[believed[nearest]]
