"""Losses as pure functions (paper 3.5). Each returns a scalar; frames are `[N, H, W, 3]` in [-1, 1].

The paper sums over the target frames; these are means over pixels and frames, and over the windows of D_V^n, of which
there are fewer the larger n is. So the losses' weights mean something else than in sums.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def mean_squared(frames: tf.Tensor, truth: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """L_MSE: the mean over the frames of `mean(w (O - I)^2) / mean(w)`.

    Each frame's weights are normalised by themselves, so that the loss is the same however a batch is split
    over devices.

    Args:
        frames: `[N, H, W, 3]`.
        truth: `[N, H, W, 3]`.
        weights: `[N, H, W, 1]`, >= 0 and not all 0 in a frame; None counts all pixels alike.
    """
    squared = tf.square(frames - truth)
    if weights is None:
        return tf.reduce_mean(squared)
    axes = [1, 2, 3]
    return tf.reduce_mean(tf.reduce_mean(weights * squared, axes) / tf.reduce_mean(weights, axes))


def perceptual(features: Sequence[tf.Tensor], truth: Sequence[tf.Tensor]) -> tf.Tensor:
    """L_VGG: `sum_l mean |phi_l(O) - phi_l(I)| / mean |phi_l(I)|` over the layers' feature maps, the mean over N.

    Each layer is measured by its own scale in the same truth, so that a weight means the same for VGG16 and VGG19,
    whose published weights expect images of different scaling: their maps differ 40 to 90 times.

    Args:
        features: of the made frames, a map `[N, h, w, C]` a layer.
        truth: of the true ones.
    """
    axes = [1, 2, 3]
    return tf.add_n(
        [
            tf.reduce_mean(tf.reduce_mean(tf.abs(a - b), axes) / (tf.reduce_mean(tf.abs(b), axes) + 1e-6))
            for a, b in zip(features, truth)
        ]
    )


def lsgan_discriminator(real: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """`mean((D(real) - 1)^2) + mean(D(made)^2)` (Mao et al. 2017), over patch scores of any shape."""
    return tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(made))


def lsgan_generator(made: tf.Tensor) -> tf.Tensor:
    """`mean((D(made) - 1)^2)`, over patch scores of any shape."""
    return tf.reduce_mean(tf.square(made - 1.0))


def masked_cross_entropy(mask: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of a mask in [0, 1] against the true one, where that is known.

    Args:
        mask: `[N, H, W, 1]` in [0, 1].
        truth: `[N, H, W, 1]` in [0, 1]; negative where it is not known.

    Returns:
        The mean over all pixels in nats; those that are not known count 0.
    """
    known = tf.cast(truth >= 0.0, mask.dtype)
    mask = tf.clip_by_value(mask, 1e-3, 1.0 - 1e-3)
    entropy = -truth * tf.math.log(mask) - (1.0 - truth) * tf.math.log(1.0 - mask)
    return tf.reduce_mean(entropy * known)
