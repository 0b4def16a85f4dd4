"""Attention over frames and parts: the fusion of `stmt_tf.models.part_generator`.

Axes: M target frames, K source frames of each part, P = 10 parts, n the network's size.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.pose.skeleton import NUM_PARTS

_LEAST_ALPHA = 1e-3  # of a part's warped mask, for its logarithm


class PartAttention(tf.keras.layers.Layer):
    """Attention over K frames and P parts, and what is painted where no part covers.

    A softmax over all K x P warped parts of four terms: what the network says of a part at a pixel; the logarithm of
    the part's warped mask there, by a trained weight; that of the frame's share in the part; and that of how sure it is
    that the target shows the part, so that a limb behind the body does not come before it.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.head = late_head(NUM_PARTS + 3 + 1, "head")
        self.mask_weight = self.add_weight(name="mask_weight", shape=(), initializer="ones", dtype="float32")

    def call(
        self, features: tf.Tensor, masks: tf.Tensor, shares: tf.Tensor, log_confidence: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Attends.

        Args:
            features: `[M, n, n, C]`.
            masks: `[M, K, P, n, n]` in [0, 1], the warped masks of the parts.
            shares: `[M, K, P]` in (0, 1], those of the frames in each part.
            log_confidence: `[M, P]`, see `part_log_confidence`.

        Returns:
            attention `[M, K, P, n, n]`, which sums to 1 over K and P; painted colours `[M, n, n, 3]` in [-1, 1]; what
            is added to the logit of the foreground mask, `[M, n, n, 1]`.
        """
        said, paint, mask_logit = tf.split(self.head(features), [NUM_PARTS, 3, 1], axis=-1)
        logits = tf.transpose(said, [0, 3, 1, 2])[:, None] + log_confidence[:, None, :, None, None]
        logits += tf.cast(self.mask_weight, tf.float32) * tf.math.log(tf.maximum(masks, _LEAST_ALPHA))
        logits += tf.math.log(shares)[..., None, None]
        flat = tf.reshape(logits, [tf.shape(masks)[0], -1, *masks.shape[3:]])
        return tf.reshape(tf.nn.softmax(flat, axis=1), tf.shape(logits)), tf.tanh(paint), mask_logit


def late_head(channels: int, name: str) -> tf.keras.layers.Conv2D:
    """A 3x3 convolution that starts at nearly nothing, so that the first frames are those of the warped parts."""
    start = tf.keras.initializers.RandomNormal(stddev=1e-3)
    return tf.keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer=start, dtype="float32", name=name)
