"""Pastes what the model makes into the source's whole frame, at the source's own resolution.

The model works at its own size, but most of a result is background that the source frames show sharper than any
network could draw it. So only the foreground, its mask, and the background that no source frame shows are enlarged;
the rest is taken from the source frames themselves.
"""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.video.crop import Crop


class Compositor:
    """Lays foregrounds over the source's place.

    Args:
        frames: K whole source frames, uint8 `[H, W, 3]`; outside the crop the first one is shown.
        visible: `[K, S, S, 1]` in [0, 1], where each frame's crop shows the background, S the model's size.
        background: uint8 `[S, S, 3]`, the model's background of the crop.
        crop: where the model looks.
    """

    def __init__(
        self, frames: list[np.ndarray], visible: np.ndarray, background: np.ndarray, crop: Crop
    ):
        self._crop = crop
        self._whole = frames[0]
        side = crop.size
        # Each frame lies over the next, so that where the camera drifted a little nothing is blurred, and the crop
        # continues the whole frame around it.
        self._background = np.zeros([side, side, 3], np.float32)
        hidden = np.ones([side, side, 1], np.float32)
        for frame, mask in zip(frames, visible):
            shown = hidden * _enlarged(mask, side)
            self._background += shown * crop.extract(frame, side)
            hidden -= shown
        self._background += hidden * _enlarged(background.astype(np.float32), side)

    def compose(self, foreground: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """One whole frame.

        Args:
            foreground: uint8 `[S, S, 3]`.
            mask: uint8 `[S, S, 1]`, 255 on the person.

        Returns:
            uint8 `[H, W, 3]`.
        """
        side = self._crop.size
        opacity = _enlarged(mask.astype(np.float32) / 255.0, side)
        person = _enlarged(foreground.astype(np.float32), side)
        square = self._background + opacity * (person - self._background)
        return self._crop.paste(self._whole, np.clip(np.rint(square), 0, 255).astype(np.uint8))


def _enlarged(image: np.ndarray, side: int) -> np.ndarray:
    resized = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    return resized.reshape(side, side, image.shape[-1])
