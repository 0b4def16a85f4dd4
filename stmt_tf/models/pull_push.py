"""Parameter-free filling of holes by pull-push (Gortler et al. 1996, "The Lumigraph").

The background branch starts from it: what no source frame shows is filled with its surroundings' colours, and
the network has only the detail to add.
"""

from __future__ import annotations

import tensorflow as tf


def pull_push(images: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Fills the pixels of low weight from ever wider surroundings.

    Args:
        images: `[N, H, W, C]`, of static H and W (powers of two reach the whole image).
        weights: `[N, H, W, 1]` in [0, 1]: 1 keeps a pixel, 0 fills it.

    Returns:
        `[N, H, W, C]`: `weights * images + (1 - weights) * surroundings`.
    """
    height, width = images.shape[1:3]
    if min(height, width) < 2 or height % 2 or width % 2:
        mean = tf.reduce_sum(images * weights, [1, 2], keepdims=True)
        mean /= tf.maximum(tf.reduce_sum(weights, [1, 2], keepdims=True), 1e-4)
        return weights * images + (1.0 - weights) * mean
    pooled_weights = tf.nn.avg_pool2d(weights, 2, 2, "VALID")
    pooled = tf.nn.avg_pool2d(images * weights, 2, 2, "VALID") / tf.maximum(pooled_weights, 1e-4)
    # One known pixel of four is enough to know the coarser one.
    coarse = pull_push(pooled, tf.minimum(4.0 * pooled_weights, 1.0))
    surroundings = tf.image.resize(coarse, (height, width), "bilinear")
    return weights * images + (1.0 - weights) * surroundings
