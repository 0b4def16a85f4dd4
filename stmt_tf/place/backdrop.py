"""Another place for the result: a colour, a picture as it is, or a third video without its own person (paper 4.3).

Pictures and videos are scaled and cut to cover the source's frame, in which the person stays where they were.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
from absl import logging
from PIL import ImageColor

from stmt_tf.place.compositing import empty_place
from stmt_tf.place.hidden import person_masks
from stmt_tf.place.plate import fill, find_place, make_plate, plate_steps
from stmt_tf.pose.body import visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import Estimator
from stmt_tf.pose.mattes import sound_mattes
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.pose.tracking import NoPersonError
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.video.picture import FORMATS, is_picture, read_picture
from stmt_tf.video.reader import VideoError, probe, read_chosen, read_frames

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel

_LOOKED_AT = 16  # frames of a video without a plate: the more, the less has to be made up
_KEPT = 16  # frames of a video that shows nobody
TRANSPARENT = "transparent"  # in place of a background


def colour_of(background: str) -> tuple[int, int, int] | None:
    """RGB of a background that is a colour: a name of CSS or #rrggbb, black for a transparent one; None of a file."""
    if background == TRANSPARENT:
        return 0, 0, 0
    if background.lower() in ImageColor.colormap or re.fullmatch("#[0-9a-fA-F]{6}", background):
        return ImageColor.getrgb(background)
    return None


def has_person(background: str) -> bool:
    """Whether a background is a video, whose person is to be taken out of it."""
    return bool(background) and colour_of(background) is None and not is_picture(background)


def check_background(path: str) -> None:
    """Finds what cannot work before anything slow begins.

    Raises:
        VideoError: the background is no colour, no picture and no video.
    """
    if colour_of(path) is not None:
        return
    if is_picture(path):
        read_picture(path)
        return
    try:
        probe(path)
    except VideoError as error:
        takes = f"a colour such as green or #00ff00, {TRANSPARENT}, a picture ({', '.join(FORMATS)}) or a video"
        raise VideoError(f"--background takes {takes}. {error}") from error


def read_background(shown: PosedVideo, model: TransferModel, frame_size: tuple[int, int]) -> np.ndarray:
    """The place that a colour, a picture or a video shows.

    Args:
        shown: the colour or the picture, which need no poses, or the video.
        model: its background branch fills what no frame shows.
        frame_size: (height, width) of the source's frames, which it is to cover.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        VideoError: it cannot be read.
        PoseError: the pose estimator's model or results cannot be used.
    """
    colour = colour_of(shown.path)
    if colour is not None:
        return np.full((*frame_size, 3), colour, np.uint8)
    if is_picture(shown.path):
        return covering(read_picture(shown.path), frame_size)
    try:
        (track,) = estimate_tracks([shown])
    except NoPersonError:
        return covering(place_of_video(shown.path, None, model), frame_size)
    with shown.estimator() as estimator:
        return covering(place_of_video(shown.path, track, model, estimator), frame_size)


def place_of_video(
    path: str, track: np.ndarray | None, model: TransferModel, estimator: Estimator | None = None
) -> np.ndarray:
    """The place of a video without its person, uint8 `[H, W, 3]`: its plate, as far as the camera lets it have one.

    Args:
        path: the video.
        track: the joints `[T, 14, 3]` of its person, in pixels of its frames; None if there is nobody in it.
        model: sees where frames show the place, where there is no plate.
        estimator: for mattes; None: the person is where the joints are.

    Raises:
        VideoError: it cannot be read.
    """
    if track is None:
        return _place_of_empty_video(path)
    steps = plate_steps(track)
    frames = read_chosen(path, steps.tolist())
    place = find_place(path, frames, sound_mattes(frames, track[steps], estimator), track[steps])
    return _place_by_model(path, track, model, estimator) if place is None else place


def _place_of_empty_video(path: str) -> np.ndarray:
    """The plate of frames all over a video that shows nobody; or the first of them."""
    frames, every = [], 1
    for frame in read_frames(path):
        if frame.index % every == 0:
            frames.append(frame.image)
        if len(frames) == 2 * _KEPT:
            frames, every = frames[::2], 2 * every
    plate = make_plate(frames, None, np.zeros((len(frames), NUM_JOINTS, 3), np.float32))
    if plate is None:
        logging.info("%s: no plate of the empty place, as the camera moves; its first frame is shown", path)
        return frames[0]
    return fill(plate)


def _place_by_model(path: str, track: np.ndarray, model: TransferModel, estimator: Estimator | None) -> np.ndarray:
    """The place put together from a few frames, where neither the model nor the estimator sees a person in them."""
    shown = np.flatnonzero(visible(track))
    # Spread in time, so that the person has moved on from what they hid.
    chosen = shown[evenly_spread(len(shown), _LOOKED_AT)]
    frames = read_chosen(path, chosen.tolist())
    crop = Crop.around(track, frames[0].shape[:2])
    squares = np.stack([crop.extract(frame, model.size) for frame in frames])
    joints = crop.to_crop(track[chosen], model.size)
    unhidden = {}
    rounds = -(-len(frames) // (model.num_source_frames or _LOOKED_AT))
    for first in range(rounds):
        some = range(first, len(frames), rounds)  # each round spread over the whole video, too
        encoded = model.encode_source(squares[some], joints[some])
        unhidden.update(zip(some, encoded["background_mask"][0].numpy()))
    hidden = person_masks(sound_mattes(frames, track[chosen], estimator), track[chosen], frames[0].shape[:2])
    return empty_place(frames, np.stack([unhidden[k] for k in range(len(frames))]), hidden, crop)


def covering(place: np.ndarray, frame_size: tuple[int, int]) -> np.ndarray:
    """Scales an image `[h, w, 3]` until it covers (height, width), and cuts off evenly what is over."""
    scale = max(side / own for side, own in zip(frame_size, place.shape))
    height, width = (max(side, round(scale * own)) for side, own in zip(frame_size, place.shape))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(place, (width, height), interpolation=method)
    top, left = (height - frame_size[0]) // 2, (width - frame_size[1]) // 2
    return scaled[top : top + frame_size[0], left : left + frame_size[1]]
