"""The first two axes as one, and apart again: layers take images `[N, ...]`, an example has `[B, K, ...]` of them."""

from __future__ import annotations

import tensorflow as tf


def sizes(x: tf.Tensor) -> list[int | tf.Tensor]:
    """The shape, of plain numbers as far as it is static."""
    return [tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape)]


def merge_axes(x: tf.Tensor) -> tf.Tensor:
    """`[B, K, ...]` to `[B * K, ...]`."""
    return tf.reshape(x, [-1, *sizes(x)[2:]])


def split_axes(x: tf.Tensor, lead: tf.Tensor) -> tf.Tensor:
    """`[B * K, ...]` to `[B, K, ...]`; int32 `lead` is `[B, K]`."""
    return tf.reshape(x, tf.concat([lead, sizes(x)[1:]], 0))
