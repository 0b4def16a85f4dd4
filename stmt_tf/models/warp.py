"""Bilinear warp whose image gradient is the true adjoint.

TensorFlow's own gradient of `ImageProjectiveTransformV3` samples the output's gradient by the inverse
transform. That is the adjoint for translations only: with a scale it is wrong by the scale's square and
by the filter. The mask network learns through this warp, so the gradient here adds each output pixel's
share back to the four pixels that it was read from. The kernel of TensorFlow Addons does so, too, and faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import tensorflow as tf

from stmt_tf import compat

Size = Union[int, tf.Tensor]


def affine_warp(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Samples images bilinearly at affine positions; zero outside the image.

    Args:
        images: float `[N, H, W, C]`.
        transforms: float `[N, 6]`, rows (a, b, c, d, e, f): output pixel (x, y) reads
            (a x + b y + c, d x + e y + f). No gradient flows to them.

    Returns:
        `[N, H, W, C]`.
    """
    transforms = tf.stop_gradient(transforms)
    if compat.resampler() is not None:
        places = tf.stack(_places(transforms, *tf.unstack(tf.shape(images)[1:3])), -1)
        return tf.ensure_shape(compat.resampler()(images, places), images.shape)

    @tf.custom_gradient
    def warp(images):
        return forward_warp(images, transforms), lambda upstream: _adjoint(upstream, transforms)

    return warp(images)


def forward_warp(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """`affine_warp` for models that nobody trains: its gradient is TensorFlow's, and saved models need no other."""
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.pad(transforms, [[0, 0], [0, 2]]),
        output_shape=tf.shape(images)[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    # The op forgets the spatial shape, which convolutions need to know.
    return tf.ensure_shape(warped, images.shape)


def gathering_warp(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """`affine_warp` from operations that TFLite has; slower, and its gradient is of no interest."""
    count, height, width, channels = images.shape
    pixels = tf.reshape(images, [-1, channels])
    warped = 0.0
    for index, weight, inside in _neighbours(transforms, count, height, width):
        weight = tf.where(inside, weight, 0.0)[..., None]
        warped += weight * tf.gather(pixels, tf.where(inside, index, 0))
    return warped


def _adjoint(upstream: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Scatters `[N, H, W, C]` back to the pixels that the warp read."""
    count, height, width, channels = tf.unstack(tf.shape(upstream))
    pixels, shares = [], []
    for index, weight, inside in _neighbours(transforms, count, height, width):
        pixels.append(tf.where(inside, index, -1))  # -1 tells the sum to drop the row
        shares.append(weight[..., None] * upstream)
    gradient = tf.math.unsorted_segment_sum(
        tf.reshape(tf.stack(shares), [-1, channels]),
        tf.reshape(tf.stack(pixels), [-1]),
        count * height * width,
    )
    return tf.reshape(gradient, tf.shape(upstream))


def _neighbours(
    transforms: tf.Tensor, count: Size, height: Size, width: Size
) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """The four pixels that each output pixel is read from, one after the other.

    Yields:
        Of N images, their index among all N * H * W pixels, int32; their weight; whether they lie inside the
        image. All `[N, H, W]`; the index of one outside is of some pixel of the image.
    """
    source_x, source_y = _places(transforms, height, width)
    left, top = tf.floor(source_x), tf.floor(source_y)
    first_pixel = tf.range(count)[:, None, None] * height * width
    for step_x, step_y in ((0, 0), (1, 0), (0, 1), (1, 1)):
        column, row = left + step_x, top + step_y
        weight = (1.0 - tf.abs(source_x - column)) * (1.0 - tf.abs(source_y - row))
        inside = (
            (column >= 0)
            & (column < tf.cast(width, column.dtype))
            & (row >= 0)
            & (row < tf.cast(height, row.dtype))
        )
        # Far positions would overflow the cast.
        column, row = (tf.cast(tf.where(inside, z, 0.0), tf.int32) for z in (column, row))
        yield first_pixel + row * width + column, weight, inside


def _places(transforms: tf.Tensor, height: Size, width: Size) -> tuple[tf.Tensor, tf.Tensor]:
    """Where each output pixel reads: x and y, both `[N, H, W]`."""
    x = tf.range(width, dtype=transforms.dtype)[None, None, :]
    y = tf.range(height, dtype=transforms.dtype)[None, :, None]
    a, b, c, d, e, f = tf.unstack(transforms[:, :, None, None], axis=1)
    return a * x + b * y + c, d * x + e * y + f
