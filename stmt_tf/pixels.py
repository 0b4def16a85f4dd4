"""Pixels as files have them, uint8, and as networks do: colours float32 in [-1, 1], masks in [0, 1]."""

from __future__ import annotations

import tensorflow as tf


def from_uint8(colours: tf.Tensor) -> tf.Tensor:
    """Colours uint8 `[...]` to float32 in [-1, 1]."""
    return tf.cast(colours, tf.float32) / 127.5 - 1.0


def to_uint8(colours: tf.Tensor) -> tf.Tensor:
    """Colours `[...]` about [-1, 1] to uint8, rounded; what is beyond is cut off."""
    return share_to_uint8(colours / 2.0 + 0.5)


def share_to_uint8(shares: tf.Tensor) -> tf.Tensor:
    """`[...]` about [0, 1], such as a mask, to uint8, rounded; what is beyond is cut off."""
    return tf.cast(tf.round(tf.clip_by_value(shares, 0.0, 1.0) * 255.0), tf.uint8)
