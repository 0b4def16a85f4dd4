"""The source person, ready to be shown in any pose."""

from __future__ import annotations

import dataclasses
import tempfile
from typing import TYPE_CHECKING

import numpy as np
from absl import logging

from stmt_tf.compositing import Compositor, empty_place
from stmt_tf.config import PersonalizeConfig, TransferConfig
from stmt_tf.pose.selection import select_source_frames
from stmt_tf.sheets import Source, read_chosen
from stmt_tf.tracks import visible
from stmt_tf.video.crop import Crop
from stmt_tf.video.reader import probe

if TYPE_CHECKING:
    from stmt_tf.inference import TransferModel


def check_source(config: TransferConfig) -> None:
    """Raises VideoError if the source is no video, and ValueError if it is shorter than the frames to choose."""
    length = probe(config.source).num_frames
    if length is not None and config.num_source_frames > length:
        raise ValueError(f"--num_source_frames={config.num_source_frames}, but {config.source} has {length} frames")


def choose_source(config: TransferConfig, track: np.ndarray) -> Source:
    """Chooses the source frames that the model looks at, around the person as the source shows them.

    Args:
        config: which video, how many frames, and how they are chosen.
        track: `[S, 14, 3]`, the source's joints in pixels of its frames.

    Raises:
        PoseError: too few frames show the person.
    """
    chosen = select_source_frames(track, config.num_source_frames, config.source_selection, config.seed)
    logging.info("source frames: %s of %d", ", ".join(map(str, chosen)), len(track))
    frames = read_chosen(config.source, chosen)
    return Source(frames, track[chosen], Crop.around(track, frames[0].shape[:2]))


def personalized(config: TransferConfig, track: np.ndarray) -> TransferModel:
    """The model fine-tuned on the source, for this transfer alone.

    Args:
        config: which video and model, and for how long.
        track: `[S, 14, 3]`, the source's joints in pixels of its frames.

    Raises:
        ValueError: it cannot be, see `stmt_tf.personalize.personalize`.
        stmt_tf.assets.AssetError: the perceptual loss's network cannot be had.
    """
    # All that trains, which few transfers need.
    from stmt_tf.inference import TransferModel
    from stmt_tf.personalize import personalize

    with tempfile.TemporaryDirectory() as scratch:
        task = PersonalizeConfig(
            source=config.source, output=scratch, minutes=config.personalize, model=config.model
        )
        return TransferModel(personalize(task, track))


def make_room(source: Source, track: np.ndarray, motion: np.ndarray) -> Source:
    """The same frames, seen wider: the motion may reach further than the source person ever did.

    Args:
        source: of `choose_source`.
        track: `[S, 14, 3]` and
        motion: `[T, 14, 3]`, poses that the person takes in the source and will take, in pixels of its frames.
    """
    crop = Crop.around(np.concatenate([track, motion]), source.frames[0].shape[:2])
    return dataclasses.replace(source, crop=crop)


class Renderer:
    """Makes frames of one source; what depends on the source alone is computed once, here.

    Args:
        model: what makes the frames.
        source: whom and where to show.
        crop_only: give the model's square view instead of the source's whole frame.
        place: what to show in place of the source's own place, uint8 `[H, W, 3]` as its frames; None: that one.
    """

    def __init__(
        self, model: TransferModel, source: Source, crop_only: bool = False, place: np.ndarray | None = None
    ):
        self._model, self._source, self._crop_only = model, source, crop_only
        self._encoded = model.encode_source(
            source.crops(model.size), source.crop.to_crop(source.joints, model.size)
        )
        self._compositor = None if place is None else Compositor(place, source.crop)
        self._square = None if place is None else source.crop.extract(place, model.size)

    def render(self, poses: np.ndarray) -> list[np.ndarray]:
        """Makes one frame for each pose.

        Args:
            poses: `[T, 14, 3]` in pixels of the source's frames; in a frame without a pose there is nobody.

        Returns:
            T images, uint8 `[H, W, 3]`.
        """
        joints, nobody = self._source.crop.to_crop(poses, self._model.size), ~visible(poses)
        if self._crop_only and self._square is None:
            made = self._model.generate(self._encoded, joints, ("frame", "background"))
            made["frame"][nobody] = made["background"][nobody]
            return list(made["frame"])
        # The model's background is needed once; without it a frame takes less time.
        names = ("foreground", "mask") if self._compositor else ("foreground", "mask", "background")
        made = self._model.generate(self._encoded, joints, names)
        made["mask"][nobody] = 0
        if self._crop_only:
            return [self._square_with(*layers) for layers in zip(made["foreground"], made["mask"])]
        if self._compositor is None:
            shown = self._encoded["background_mask"][0, : len(self._source.frames)].numpy()
            place = empty_place(self._source.frames, shown, made["background"][0], self._source.crop)
            self._compositor = Compositor(place, self._source.crop)
        return [self._compositor.compose(*layers) for layers in zip(made["foreground"], made["mask"])]

    def generate(self, poses: np.ndarray) -> dict[str, np.ndarray]:
        """All that the model gives for poses `[T, 14, 3]` in pixels of the source's frames; see `TransferModel`."""
        return self._model.generate(self._encoded, self._source.crop.to_crop(poses, self._model.size))

    def _square_with(self, foreground: np.ndarray, mask: np.ndarray) -> np.ndarray:
        opacity = mask / np.float32(255)
        return np.rint(self._square + opacity * (foreground - self._square.astype(np.float32))).astype(np.uint8)
