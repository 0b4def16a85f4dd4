"""Several photos of one person as the source: each is brought to the first one's size and scale.

The place is that of the first photo. Of the others the person alone counts: they are scaled until the person is as tall
as in the first one, and laid over its frame, where the person stands inside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from absl import logging

from stmt_tf.pose import body
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.tracking import NoPersonError
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.transfer.settings import TransferConfig, names_between_commas
from stmt_tf.transfer.source import Source, read_source
from stmt_tf.video.picture import is_picture
from stmt_tf.video.reader import VideoError, probe

_OF_VIDEOS = (
    "source_poses", "save_source_poses", "source_mattes", "source_start", "source_end", "source_person", "people",
    "personalize",
)  # fmt: skip
_AROUND = 0.1  # of the stature: how far the person reaches around the joints


def photos_of(source: str) -> list[str]:
    """The photos that a source names: those of a directory in the order of their names, or several between commas.

    One file is no list of photos, whatever its name: `[]`.

    Raises:
        VideoError: a directory holds none, or what is named is no picture.
        ValueError: a name is empty.
    """
    if os.path.isdir(source):
        photos = [str(path) for path in sorted(Path(source).iterdir()) if path.name[0] != "." and is_picture(path)]
        if not photos:
            raise VideoError(f"{source}: holds no picture. Give a directory of photos of one person.")
        return photos
    photos = names_between_commas("source", source)
    if len(photos) < 2:
        return []
    for path in photos:
        if not is_picture(path):
            wrong = "is no picture" if os.path.exists(path) else "no such file"
            raise VideoError(f"{path}: {wrong}. Several sources must be photos of one person.")
    return photos


def check_photos(config: TransferConfig, photos: Sequence[str]) -> None:
    """Raises ValueError for settings that do not go with several photos."""
    for name in _OF_VIDEOS:
        if value := getattr(config, name):
            raise ValueError(f"--{name}={value} is for one --source, got {len(photos)} photos: leave it out")
    if config.num_source_frames > len(photos):
        raise ValueError(f"--num_source_frames={config.num_source_frames}, but --source has {len(photos)} photos")


def read_photos(
    photos: Sequence[PosedVideo], choose: Callable[[np.ndarray], np.ndarray], own_place: bool = True
) -> Source:
    """The source that several photos of one person make. One that shows nobody is left out.

    Args:
        photos: the photos, and what finds the person in them.
        choose: tells which of them the model is to look at, int `[N]`, by the joints `[S, 14, 3]`.
        own_place: whether the place of the first one will be seen.

    Raises:
        VideoError: a photo cannot be read.
        PoseError: none shows a person, or the pose estimator's model cannot be used.
    """
    posed: list[tuple[PosedVideo, np.ndarray]] = []
    for photo in photos:  # each by an estimator of its own, which else would expect the person where they were before
        try:
            posed.append((photo, *estimate_tracks([photo])))
        except NoPersonError as error:
            logging.warning("%s It is left out.", error)
    if not posed:
        raise NoPersonError(f"{len(photos)} photos, none of which shows a person. Give others")
    info = probe(posed[0][0].path)
    frame_size = info.height, info.width
    places = [_place(track, posed[0][1], frame_size) for _, track in posed]
    track = np.concatenate([_moved(joints, *place) for (_, joints), place in zip(posed, places)])
    chosen = choose(track)
    frames, mattes = [], []
    for number in chosen:
        read = read_source(*posed[number], np.zeros(1, int), own_place=False)
        frames.append(_laid(read.frames[0], *places[number], frame_size, cv2.BORDER_REPLICATE))
        mattes.append(np.full(frame_size, -1, np.float32))
        if read.mattes is not None and read.mattes.max() >= 0:
            mattes[-1] = _laid(read.mattes[0], *places[number], frame_size, cv2.BORDER_CONSTANT).clip(0, 1)
    known = any(matte.max() >= 0 for matte in mattes)
    first = read_source(*posed[0], np.zeros(1, int), own_place=own_place)
    crop = Crop.around(track, frame_size)
    return Source(posed[0][0], track, frames, track[chosen], crop, np.stack(mattes) if known else None, first.plate)


def _place(joints: np.ndarray, first: np.ndarray, frame_size: tuple[int, int]) -> tuple[float, np.ndarray]:
    """How much larger the person `[1, 14, 3]` is to become, and by how many whole pixels (x, y) they move then."""
    scale, tall = _scale(joints, first), body.stature(first)
    points, others = (each[each[..., 2] > 0, :2] for each in (body.scaled_joints(joints, scale), first))
    shift = np.rint(others.mean(0) - points.mean(0))
    # Inside the frame, but for what lies outside it in the first photo, too; or in the middle where there is no room.
    around = _AROUND * tall
    least = np.minimum(others.min(0) - around, -0.5)
    most = np.maximum(others.max(0) + around, np.array(frame_size[::-1]) - 0.5)
    low, high = points.min(0) + shift - around, points.max(0) + shift + around
    inside = np.where(low < least, least - low, np.minimum(most - high, 0.0))
    inside = np.where(high - low > most - least, (least + most - low - high) / 2, inside)
    return scale, (shift + np.rint(inside)).astype(int)


def _scale(joints: np.ndarray, first: np.ndarray) -> float:
    """How many times as large the first photo shows a body, by most of the bones that both poses `[1, 14, 3]` have.

    Bones that point to the camera are short in either; so no sum over them tells.
    """
    own, other = body.bone_lengths(joints), body.bone_lengths(first)
    ratios = [other[kind] / own[kind] for kind in own if kind in other]
    return float(np.median(ratios)) if ratios else 1.0


def _moved(joints: np.ndarray, scale: float, shift: np.ndarray) -> np.ndarray:
    moved = body.scaled_joints(joints, scale).astype(np.float32)
    moved[..., :2] += shift
    moved[moved[..., 2] == 0] = 0
    return moved


def _laid(image: np.ndarray, scale: float, shift: np.ndarray, frame_size: tuple[int, int], border: int) -> np.ndarray:
    """An image `[H, W]` or `[H, W, 3]`, scaled and moved, as a frame of this (height, width) shows it."""
    if scale < 1:  # by the mean of pixels; to enlarge a whole photo would take memory for what no frame shows
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        image, scale = cv2.resize(image, size, interpolation=cv2.INTER_AREA), 1.0
    motion = np.float32([[scale, 0, (scale - 1) / 2 + shift[0]], [0, scale, (scale - 1) / 2 + shift[1]]])
    method = cv2.INTER_NEAREST if scale == 1 else cv2.INTER_CUBIC
    return cv2.warpAffine(image, motion, frame_size[::-1], flags=method, borderMode=border)
