"""The U-Net that the single-frame model uses three times (Balakrishnan et al. 2018; paper 3.1).

A 7x7 convolution at full size, five times a stride-2 convolution and a plain one down to 1/32, then five
bilinear upsamplings with skip connections. A pose enters at half size. All other kernels are 3x3, all
activations LeakyReLU(0.2). The upsampling's grid is `tf.image.resize`'s, which is several times faster on a
CPU than posewarp's.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

ENCODER_CHANNELS = (64, 64) + (128,) * 9
DECODER_CHANNELS = (128,) * 4
SMALLEST_SCALE = 32


def scaled(channels: int, width: float) -> int:
    """`channels` times the width multiplier, at least 4."""
    return max(4, int(round(channels * width)))


def conv(channels: int, kernel: int = 3, strides: int = 1) -> tf.keras.layers.Conv2D:
    """A convolution with LeakyReLU(0.2), He-normal."""
    return tf.keras.layers.Conv2D(
        channels,
        kernel,
        strides,
        padding="same",
        activation=tf.nn.leaky_relu,  # its default slope is 0.2
        kernel_initializer="he_normal",
    )


class UNet(tf.keras.layers.Layer):
    """Image `[N, H, W, C]` and heatmaps `[N, H/2, W/2, 14]` to features `[N, H, W, out_channels * width]`.

    Args:
        out_channels: channels of the last layer at width 1.
        width: multiplier of every layer's channels, > 0.

    Raises:
        ValueError: H or W is not a multiple of 32.

    Example:
        >>> UNet(64, width=0.25)(tf.zeros([2, 64, 64, 3]), tf.zeros([2, 32, 32, 14])).shape
        TensorShape([2, 64, 64, 16])
    """

    def __init__(self, out_channels: int, width: float, **kwargs):
        super().__init__(**kwargs)
        encoder = [scaled(channels, width) for channels in ENCODER_CHANNELS]
        decoder = [scaled(channels, width) for channels in (*DECODER_CHANNELS, out_channels)]
        self.stem = conv(encoder[0], kernel=7)
        self.downs = [conv(channels, strides=2) for channels in encoder[1::2]]
        self.plains = [conv(channels) for channels in encoder[2::2]]
        self.ups = [conv(channels) for channels in decoder]

    def call(self, image: tf.Tensor, heatmaps: tf.Tensor) -> tf.Tensor:
        _require_multiple(image.shape[1:3])
        x = self.stem(image)
        skips = [x]
        for level, (down, plain) in enumerate(zip(self.downs, self.plains)):
            x = down(x)
            if level == 0:
                x = tf.concat([x, tf.cast(heatmaps, x.dtype)], axis=-1)
            x = plain(x)
            skips.append(x)
        for up, skip in zip(self.ups, reversed(skips[:-1])):
            x = tf.cast(tf.image.resize(x, skip.shape[1:3], "bilinear"), skip.dtype)
            x = up(tf.concat([x, skip], axis=-1))
        return x


def _require_multiple(size: Sequence[int]) -> None:
    if any(side % SMALLEST_SCALE for side in size):
        raise ValueError(
            f"the image's height and width must be multiples of {SMALLEST_SCALE}, got {tuple(size)}"
        )
