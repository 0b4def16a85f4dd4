"""Whether made frames show the source's person: how alike VGG16 finds the persons' regions, wherever they are.

No network that tells people apart is at work here; colours and textures of clothes, hair and skin are what counts.
Values lie close together near 1: read them beside those of the source's own frames and of somebody else.
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

from stmt_tf import assets
from stmt_tf.features import vgg
from stmt_tf.metrics.lpips import LAYERS
from stmt_tf.pixels import from_uint8

_BATCH = 8


class PersonFeatures:
    """One vector a person: VGG16's maps averaged over the region, at each layer scaled to one length.

    Args:
        weights_file: a copy of the asset `vgg16`; None takes it from the cache, fetching it if need be.

    Raises:
        stmt_tf.assets.AssetError: the weights cannot be had or are damaged.
    """

    def __init__(self, weights_file: str | os.PathLike[str] | None = None) -> None:
        self._maps = vgg.create_perceptual_features("vgg16", weights_file or assets.fetch("vgg16"), LAYERS)

    def __call__(self, frames: np.ndarray, regions: np.ndarray) -> np.ndarray:
        """Describes the persons in frames.

        Args:
            frames: uint8 `[N, H, W, 3]`, H and W at least 16.
            regions: bool `[N, H, W]`, where the person is.

        Returns:
            float32 `[N, D]` of length 1, so that a product of two is the mean over the layers of their cosines; NaN
            where the region is empty.
        """
        starts = range(0, len(frames), _BATCH)
        return np.concatenate([self._describe(frames[i : i + _BATCH], regions[i : i + _BATCH]) for i in starts])

    def _describe(self, frames: np.ndarray, regions: np.ndarray) -> np.ndarray:
        weights = tf.constant(regions[..., None].astype(np.float32))
        parts = []
        for maps in self._maps(from_uint8(frames)):
            share = tf.image.resize(weights, maps.shape[1:3], "area")
            mean = tf.reduce_sum(maps * share, [1, 2]) / tf.reduce_sum(share, [1, 2])
            parts.append(tf.math.l2_normalize(mean, axis=-1, epsilon=1e-20))
        return (tf.concat(parts, -1) / np.sqrt(len(parts))).numpy()


def similarity(persons: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Mean cosine of each person with the source's: `[N]` in [0, 1] for vectors `[N, D]` and `[K, D]`."""
    return (persons @ source.T).mean(-1)


def similarity_within(source: np.ndarray) -> np.ndarray:
    """Mean cosine of each of a source's K frames with the others: `[K]`, NaN of a single one."""
    count = len(source)
    if count < 2:
        return np.full(count, np.nan)
    cosines = source @ source.T
    return (cosines.sum(-1) - np.diagonal(cosines)) / (count - 1)
