"""LPIPS: how different two pictures look to people, by the features of a network.

The VGG16 variant, version 0.1: at each of five layers, feature vectors are scaled to unit length, their
squared differences are weighted per channel by a linear head that was fitted to people's judgements, and
averaged over the picture; the five sums are added up. 0 for equal pictures; about 0.1 for differences that
one must look for, 0.5 and more for different pictures. Lower is better.

Reference:
    Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import tensorflow as tf

from stmt_tf import assets
from stmt_tf.features import vgg

LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")


class LPIPS:
    """The distance as a callable; it is differentiable, so it serves as a loss too.

    Args:
        weights_file: a copy of the asset `vgg16`; None takes it from the cache, fetching it if need be.

    Raises:
        stmt_tf.assets.AssetError: the weights cannot be had or are damaged.
    """

    def __init__(self, weights_file: str | os.PathLike[str] | None = None) -> None:
        path = weights_file or assets.fetch("vgg16")
        self._features = vgg.create_perceptual_features("vgg16", path, LAYERS)
        weights = assets.load_pickle(path)
        self._heads = [
            weights[f"NetLinLayer_{i}"]["Conv_0"]["kernel"][0, 0, :, 0] for i in range(len(LAYERS))
        ]

    def __call__(self, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Returns the distances [N] of RGB images [N, H, W, 3] in [-1, 1]; H and W at least 16."""
        return self.distance(self.describe(a), self.describe(b))

    def describe(self, images: tf.Tensor) -> list[tf.Tensor]:
        """What `distance` compares, of such images: of each layer [N, h, w, C]."""
        return [_unit_length(maps) for maps in self._features(images)]

    def distance(self, a: Sequence[tf.Tensor], b: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the distances [N] of images that `describe` has described."""
        layers = zip(a, b, self._heads)
        return tf.add_n([
            tf.reduce_mean(tf.tensordot(tf.square(maps_a - maps_b), head, axes=1), axis=[1, 2])
            for maps_a, maps_b, head in layers
        ])


def _unit_length(maps: tf.Tensor) -> tf.Tensor:
    # Unlike a division by the square root, this has a finite gradient where all features are zero.
    return tf.math.l2_normalize(maps, axis=-1, epsilon=1e-20)
