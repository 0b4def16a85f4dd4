"""Pastes what the model makes into the source's whole frame, at the source's own resolution.

The model works at its own size, but most of a result is background that the source frames show sharper than any
network could draw it. So only the foreground and its mask are enlarged; the place is taken from the source frames
themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from stmt_tf.place.inpainting import inpaint
from stmt_tf.pose.crop import Crop

# Visibility below the first counts as hidden, above the second as seen: half a person is a ghost.
_HIDDEN, _SEEN = 0.5, 0.95
_FAINT = 0.05  # of visibility, over all frames: what is less was not seen
_OUTLINE = 1  # pixels of the model by which the person reaches further than its mask tells


def empty_place(frames: Sequence[np.ndarray], visible: np.ndarray, people: np.ndarray, crop: Crop) -> np.ndarray:
    """A place without its person, put together from frames that show it.

    Args:
        frames: K whole frames, uint8 `[H, W, 3]`; outside the crop the first one is shown.
        visible: `[K, S, S, 1]` in [0, 1], where each frame's crop shows the background, S the model's size.
        people: bool `[K, H, W]`, where the person is or may be in each frame.
        crop: where the model looks.

    Returns:
        uint8 `[H, W, 3]`; what no frame shows is made of pieces of what they show (`inpaint`): a network's blurred
        background in the outline of a person who never leaves the spot looks like a ghost.
    """
    # Each frame lies over the next, so that where the camera drifted a little nothing is blurred, and the crop
    # continues the whole frame around it.
    square = np.zeros([crop.size, crop.size, 3], np.float32)
    hidden = np.ones([crop.size, crop.size, 1], np.float32)
    for frame, mask, person in zip(frames, visible, people):
        clear = crop.extract((~person).astype(np.float32), crop.size)[..., np.newaxis]
        shown = hidden * clear * _enlarged(surely_seen(mask), crop.size)
        square += shown * crop.extract(frame, crop.size)
        hidden -= shown
    square /= np.maximum(1.0 - hidden, _FAINT)
    place = crop.paste(frames[0], np.clip(np.rint(square), 0, 255).astype(np.uint8))
    unseen = crop.paste(np.zeros_like(frames[0]), np.repeat(255 * (hidden > 1.0 - _FAINT), 3, -1).astype(np.uint8), 0.0)
    return inpaint(place, unseen[..., 0] == 0)


class Compositor:
    """Lays foregrounds over a place.

    Args:
        place: uint8 `[H, W, 3]`.
        crop: where the model looks.
    """

    def __init__(self, place: np.ndarray, crop: Crop):
        self._place, self._crop = place, crop
        self._shown, self._inside = crop.overlap(place.shape[:2])  # of the place, and of the crop
        self._strength = crop.softness(place.shape[:2])[self._inside] / np.float32(255)

    def compose(self, foreground: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """One whole frame.

        Args:
            foreground: uint8 `[S, S, 3]`.
            mask: uint8 `[S, S, 1]`, 255 on the person.

        Returns:
            uint8 `[H, W, 3]`.
        """
        side, whole = self._crop.size, self._place.copy()
        person, opacity = _enlarged(foreground, side)[self._inside], _enlarged(mask, side)[self._inside]
        left, top, width, height = cv2.boundingRect(opacity)
        if not width:
            return whole
        box = slice(top, top + height), slice(left, left + width)
        behind, weight = whole[self._shown][box], (opacity[..., 0] * self._strength)[box]
        behind[:] = cv2.blendLinear(person[box], behind, weight, 1 - weight)
        return whole

    def cut_out(self, foreground: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """One whole frame without the place: as `compose`, but uint8 RGBA `[H, W, 4]`, colours not multiplied."""
        square = _enlarged(np.concatenate([foreground, mask], -1), self._crop.size)
        return self._crop.paste(np.zeros((*self._place.shape[:2], 4), np.uint8), square)

    def spread(self, mask: np.ndarray) -> np.ndarray:
        """Where a whole frame shows the foreground: a mask uint8 `[S, S, 1]` becomes uint8 `[H, W]`."""
        square = _enlarged(mask, self._crop.size)[..., 0]
        return self._crop.paste(np.zeros(self._place.shape[:2], np.uint8), square)


def surely_seen(visible: np.ndarray) -> np.ndarray:
    """Narrows a soft mask of the background to where there is nothing of the person: float32 `[S, S, 1]`.

    On real videos the raw mask left the person's outline standing, as thin lines and half a shoe. Merging the
    frames by weights instead of one over the other blurred what a moving camera sees, and left a ball that was in
    the air as faint as its share of the frames, but there.

    Args:
        visible: `[S, S, 1]` in [0, 1].
    """
    share = np.clip((visible[..., 0].astype(np.float32) - _HIDDEN) / (_SEEN - _HIDDEN), 0.0, 1.0)
    seen = share * share * (3.0 - 2.0 * share)
    return cv2.blur(cv2.erode(seen, np.ones([2 * _OUTLINE + 1] * 2)), (3, 3))[..., np.newaxis]


def _enlarged(image: np.ndarray, side: int) -> np.ndarray:
    resized = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    return resized.reshape(side, side, image.shape[-1])
