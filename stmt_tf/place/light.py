"""Fits the light and colour of a person to another scene.

In CIELAB, where distances are about those that people see, each of lightness, green to red and blue to yellow has a
mean and a deviation over a scene (Reinhard et al. 2001, "Color Transfer between Images"). The person is moved by the
difference of the means and stretched by the ratio of the deviations, both within bounds: scenes differ in what they
show, too, and a person in a green room is not green. With bounds twice as wide, faces on a lawn were grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

_MOST_MOVED = np.array([8.0, 3.0, 3.0])  # of a lightness of 100, and of colours that people tell apart by 2
_MOST_STRETCHED = 1.1
_SIDE = 256  # pixels of the longer side that are enough for a mean
_LEAST_SHARE = 0.02  # of the pixels, from which a mean is taken
_LEAST_DEVIATION = 1.0


class Light(NamedTuple):
    """The colours of a scene in CIELAB: mean and deviation, float `[3]` each."""

    mean: np.ndarray
    deviation: np.ndarray


def light_of(images: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None = None) -> Light | None:
    """The light of the pixels of some images together.

    Args:
        images: uint8 RGB `[H, W, 3]`.
        weights: `[H, W]` of each in [0, 1], how much a pixel counts; None: all the same.

    Returns:
        None where hardly any pixel counts.
    """
    colours, counts = [], []
    for number, image in enumerate(images):
        scale = min(1.0, _SIDE / max(image.shape))
        size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
        weight = np.ones(image.shape[:2]) if weights is None else weights[number]
        colours.append(_to_lab(cv2.resize(image, size, interpolation=cv2.INTER_AREA)).reshape(-1, 3))
        counts.append(cv2.resize(np.float32(weight), size, interpolation=cv2.INTER_AREA).ravel())
    every, count = np.concatenate(colours), np.concatenate(counts)
    if count.mean() < _LEAST_SHARE:
        return None
    mean = np.average(every, axis=0, weights=count)
    return Light(mean, np.sqrt(np.average((every - mean) ** 2, axis=0, weights=count)))


def relight(image: np.ndarray, person: Light, own: Light, other: Light) -> np.ndarray:
    """An image of a person as another scene would show that person.

    Args:
        image: uint8 RGB `[H, W, 3]`.
        person: their light, around which colours are stretched.
        own: that of the scene that they are in.
        other: that of the scene that they are to be in.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    moved = np.clip(other.mean - own.mean, -_MOST_MOVED, _MOST_MOVED)
    stretched = np.maximum(other.deviation, _LEAST_DEVIATION) / np.maximum(own.deviation, _LEAST_DEVIATION)
    stretched = np.clip(stretched, 1 / _MOST_STRETCHED, _MOST_STRETCHED)
    lab = (_to_lab(image) - person.mean) * stretched + person.mean + moved
    rgb = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.rint(255 * rgb), 0, 255).astype(np.uint8)


def _to_lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
