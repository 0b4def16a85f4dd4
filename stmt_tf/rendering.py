"""The source person, ready to be shown in any pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmt_tf.compositing import Compositor
from stmt_tf.sheets import Source
from stmt_tf.tracks import visible

if TYPE_CHECKING:
    from stmt_tf.inference import TransferModel


class Renderer:
    """Makes frames of one source; what depends on the source alone is computed once, here.

    Args:
        model: what makes the frames.
        source: whom and where to show.
        crop_only: give the model's square view instead of the source's whole frame.
    """

    def __init__(self, model: TransferModel, source: Source, crop_only: bool = False):
        self._model, self._source, self._crop_only = model, source, crop_only
        self._encoded = model.encode_source(
            source.crops(model.size), source.crop.to_crop(source.joints, model.size)
        )
        self._compositor: Compositor | None = None

    def render(self, poses: np.ndarray) -> list[np.ndarray]:
        """Makes one frame for each pose.

        Args:
            poses: `[T, 14, 3]` in pixels of the source's frames; in a frame without a pose there is nobody.

        Returns:
            T images, uint8 `[H, W, 3]`.
        """
        made = self._model.generate(self._encoded, self._source.crop.to_crop(poses, self._model.size))
        nobody = ~visible(poses)
        made["mask"][nobody] = 0
        made["frame"][nobody] = made["background"][nobody]
        if self._crop_only:
            return list(made["frame"])
        if self._compositor is None:
            shown = self._encoded["background_mask"][0, : len(self._source.frames)].numpy()
            self._compositor = Compositor(self._source.frames, shown, made["background"][0], self._source.crop)
        return [self._compositor.compose(*layers) for layers in zip(made["foreground"], made["mask"])]
