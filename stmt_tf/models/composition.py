"""Prediction heads and composition (paper 3.2 to 3.4), and the bases that residual heads add to.

Plain heads are the paper's: one 3x3 convolution with tanh each for the foreground, its mask and the
background. Residual heads add that tanh to a base that needs no training: the warped parts of the source
frames for the foreground and its mask, and the source frames' visible background for the background, whose
holes alone the head may repaint. Content losses wash out what a network redraws; what it keeps stays sharp.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.pull_push import pull_push

# Mean squared joint distance, in squared image sides, at which a source frame's say falls by 1/e.
_NEARNESS_TEMPERATURE = 0.002
_OPAQUE = 0.02  # a base's mask is taken as no surer than this to either side


def compose(foreground: tf.Tensor, background: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """`O = O_fg * M + O_bg * (1 - M)` (paper 3.4); images `[..., H, W, 3]`, mask `[..., H, W, 1]`."""
    return foreground * mask + background * (1.0 - mask)


def background_base(frames: tf.Tensor, visible: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Merges K source frames' backgrounds, each pixel from the frames that show it, and fills the rest.

    Args:
        frames: `[B, K, H, W, 3]` in [-1, 1].
        visible: `[B, K, H, W, 1]` in [0, 1], 1 where the background is seen.

    Returns:
        base `[B, H, W, 3]` in [-1, 1]; shown by any frame `[B, H, W, 1]` in [0, 1].
    """
    # A pixel that is more person than background would tint the merged pixel, and from the person's outline the
    # whole filled hole.
    shown = tf.nn.relu(2.0 * visible - 1.0)
    merged = tf.reduce_mean(frames * shown, 1) / tf.maximum(tf.reduce_mean(shown, 1), 1e-4)
    anywhere = tf.reduce_max(shown, 1)
    return pull_push(merged, anywhere), anywhere


def foreground_base(
    composites: tf.Tensor, alphas: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Merges the warped parts of K source frames.

    Args:
        composites: `[N, K, H, W, 3]`, warped parts times their masks, summed over the parts.
        alphas: `[N, K, H, W, 1]`, the warped masks, summed over the parts.
        weights: `[N, K, 1 or H, 1 or W, 1]`, the say of each frame, sum to 1 over K.

    Returns:
        base `[N, H, W, 3]`; its mask `[N, H, W, 1]` in [0, 1].
    """
    colour = tf.reduce_sum(weights * composites, 1)
    alpha = tf.reduce_sum(weights * alphas, 1)
    return colour / tf.maximum(alpha, 1e-2), tf.minimum(alpha, 1.0)


def pose_nearness(source_joints: tf.Tensor, target_joints: tf.Tensor, size: int) -> tf.Tensor:
    """How near each source pose is to the target's, wherever they stand.

    Args:
        source_joints: `[N, K, 14, 3]` in pixels.
        target_joints: `[N, 14, 3]` in pixels.
        size: side of the image in pixels.

    Returns:
        `[N, K]`, a softmax over K.
    """
    distance = pose_distance(source_joints, target_joints[:, None], size)
    return tf.nn.softmax(-distance / _NEARNESS_TEMPERATURE, axis=1)


def pose_distance(one: tf.Tensor, other: tf.Tensor, size: int) -> tf.Tensor:
    """Mean squared distance of the joints that both poses have, once their means lie on each other.

    Args:
        one, other: `[..., 14, 3]` in pixels; their leading axes broadcast.
        size: side of the image in pixels.

    Returns:
        `[...]` in squared image sides; 0 where the poses share no joint.
    """
    both = tf.cast((one[..., 2:] > 0) & (other[..., 2:] > 0), one.dtype)
    shared = tf.reduce_sum(both, -2, keepdims=True) + 1e-6
    offsets = (other[..., :2] - one[..., :2]) / size
    offsets -= tf.reduce_sum(offsets * both, -2, keepdims=True) / shared
    return tf.reduce_sum(tf.square(offsets) * both, [-2, -1]) / shared[..., 0, 0]


class PredictionHeads(tf.keras.layers.Layer):
    """Features to foreground, foreground mask, background and the composed frame.

    Args:
        residual: add to the bases (see the module's text) instead of painting anew.
    """

    def __init__(self, residual: bool, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.residual = residual
        self.foreground, self.mask, self.background = (
            tf.keras.layers.Conv2D(
                channels,
                3,
                padding="same",
                # A residual starts at nearly nothing, so that the first frames are the bases.
                kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.01)
                if residual
                else "glorot_uniform",
                dtype="float32",  # under mixed precision, images stay float32
                name=name,
            )
            for name, channels in (("foreground", 3), ("mask", 1), ("background", 3))
        )

    def call(
        self,
        foreground_features: tf.Tensor,
        background_features: tf.Tensor,
        foreground_base: tuple[tf.Tensor, tf.Tensor],
        background_base: tuple[tf.Tensor, tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        """All of one leading size N; see `foreground_base` and `background_base` for the bases.

        Returns:
            `foreground`, `background`, `frame` `[N, H, W, 3]` about [-1, 1] (residual heads may pass it a
            little), `mask` `[N, H, W, 1]` in [0, 1].
        """
        foreground = self.foreground(foreground_features)
        mask = self.mask(foreground_features)
        background = tf.tanh(self.background(background_features))
        if self.residual:
            colour, alpha = foreground_base
            foreground = colour + tf.tanh(foreground)
            alpha = tf.clip_by_value(alpha, _OPAQUE, 1.0 - _OPAQUE)
            mask += tf.math.log(alpha / (1.0 - alpha)) / 2.0  # atanh(2 alpha - 1), of which TFLite knows no atanh
            filled, visible = background_base
            background = filled + (1.0 - visible) * background
        else:
            foreground = tf.tanh(foreground)
        mask = (tf.tanh(mask) + 1.0) / 2.0
        return {
            "foreground": foreground,
            "background": background,
            "mask": mask,
            "frame": compose(foreground, background, mask),
        }
