"""The source of a transfer: the frames that the model looks at, who is in them, and the place without that person."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from absl import logging

from stmt_tf.place.plate import fill, make_plate, plate_steps
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import create_estimator
from stmt_tf.pose.mattes import check_mattes, doubt_mattes, estimate_mattes, read_mattes
from stmt_tf.pose.selection import NUM_FRAMES, select_source_frames
from stmt_tf.pose.tracks import visible
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import probe, read_chosen


@dataclasses.dataclass(frozen=True)
class Source:
    """The chosen source frames.

    Attributes:
        frames: N whole frames, uint8 `[H, W, 3]`.
        joints: `[N, 14, 3]` in pixels of the whole frame.
        crop: where the model looks.
        mattes: float32 `[N, H, W]`, 1 on the person, -1 everywhere in a frame where not known; None: in no frame.
        plate: the place without its person, uint8 `[H, W, 3]`; None where the frames do not give one or another place
            is shown.
        hidden: float32 `[N, 10]`, the share of each part that something hid in each frame before it was repaired (see
            `stmt_tf.transfer.repair`); None: nothing is known to be hidden.
    """

    frames: list[np.ndarray]
    joints: np.ndarray
    crop: Crop
    mattes: np.ndarray | None = None
    plate: np.ndarray | None = None
    hidden: np.ndarray | None = None

    def crops(self, size: int) -> np.ndarray:
        """The model's view: uint8 `[N, size, size, 3]`."""
        return np.stack([self.crop.extract(frame, size) for frame in self.frames])

    def matte_crops(self, size: int) -> np.ndarray | None:
        """The mattes of that view, float32 `[N, size, size]`, or None; outside the frames there is no person."""
        if self.mattes is None:
            return None
        # What is enlarged may pass its range, and below 0 would be unknown.
        squares = np.stack([self.crop.extract(matte, size).clip(0.0, 1.0) for matte in self.mattes])
        unknown = self.mattes.max((1, 2)) < 0.0
        squares *= self.crop.within(self.mattes.shape[1:], size)
        squares[unknown] = -1.0
        return squares


def check_source(config: TransferConfig) -> None:
    """Finds what cannot work before anything slow begins.

    Raises:
        VideoError: the source is no video, or its mattes are none.
        ValueError: it is shorter than the frames to choose.
    """
    info = probe(config.source)
    length = info.num_frames
    if config.source_mattes:
        check_mattes(config.source_mattes, (info.height, info.width))
    if length is not None and config.num_source_frames > length:
        raise ValueError(f"--num_source_frames={config.num_source_frames}, but {config.source} has {length} frames")


def choose_source(config: TransferConfig, track: np.ndarray, fixed: int | None) -> Source:
    """Chooses the source frames that the model looks at, around the person as the source shows them.

    Args:
        config: which video, how many frames, how they are chosen, and where the mattes come from.
        track: `[S, 14, 3]`, the source's joints in pixels of its frames.
        fixed: frames that the model's attention was built for; None if it takes any number.

    Raises:
        PoseError: too few frames show the person.
        VideoError: the mattes given are not the source's.
    """
    shown = visible(track)
    count = config.num_source_frames or min(fixed or NUM_FRAMES, int(shown.sum()))
    chosen = select_source_frames(track, count, config.source_selection, config.seed)
    logging.info("source frames: %s of %d", ", ".join(map(str, chosen)), len(track))
    # In another place, nobody sees the source's own.
    steps = np.zeros(0, int) if config.background else plate_steps(track)
    # Both are read at once, since a video is read from its beginning.
    wanted = np.union1d(chosen, steps)
    frames = read_chosen(config.source, wanted)
    mattes = _find_mattes(config, wanted, frames, track)

    def of(numbers: np.ndarray) -> tuple[list[np.ndarray], np.ndarray | None]:
        places = np.searchsorted(wanted, numbers)
        return [frames[place] for place in places], None if mattes is None else mattes[places]

    plate = make_plate(*of(steps), track[steps]) if len(steps) else None
    if len(steps) and plate is None:
        logging.info("%s: no plate, as the camera moves or hardly any of the place is seen", config.source)
    source_frames, source_mattes = of(chosen)
    crop = Crop.around(track, frames[0].shape[:2])
    return Source(source_frames, track[chosen], crop, source_mattes, None if plate is None else fill(plate))


def _find_mattes(
    config: TransferConfig, indices: np.ndarray, frames: Sequence[np.ndarray], track: np.ndarray
) -> np.ndarray | None:
    """The mattes of these frames, float32 `[N, H, W]`, or None where there are none."""
    if config.source_mattes:
        found = read_mattes(config.source_mattes, indices, len(track), frames[0].shape[:2])
    else:
        with create_estimator(config.pose, config.source_poses or config.pose_model or None) as estimator:
            found = estimate_mattes(frames, track[indices], estimator)
    return None if found is None else doubt_mattes(found, track[indices])


def make_room(source: Source, track: np.ndarray, motion: np.ndarray) -> Source:
    """The same frames, seen wider: the motion may reach further than the source person ever did.

    Args:
        source: of `choose_source`.
        track: `[S, 14, 3]` and
        motion: `[T, 14, 3]`, poses that the person takes in the source and will take, in pixels of its frames.
    """
    crop = Crop.around(np.concatenate([track, motion]), source.frames[0].shape[:2])
    return dataclasses.replace(source, crop=crop)
