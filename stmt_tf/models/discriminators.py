"""Patch discriminators of six residual blocks (paper 3.5), after Isola et al. 2017 and Wang et al. 2018.

The output is a map of one score a patch, for the least-squares GAN loss: 1 is real, 0 is made.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.unet import scaled

BLOCK_CHANNELS = (64, 128, 256, 256, 512, 512)
BLOCK_STRIDES = (2, 2, 2, 1, 1, 1)


class ResidualBlock(tf.keras.layers.Layer):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, channels: int, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.strides = channels, strides
        self.first = tf.keras.layers.Conv2D(channels, 3, strides, padding="same")
        self.second = tf.keras.layers.Conv2D(channels, 3, padding="same")
        self.shortcut = None

    def build(self, input_shape):
        if self.strides != 1 or input_shape[-1] != self.channels:
            self.shortcut = tf.keras.layers.Conv2D(self.channels, 1, self.strides, use_bias=False)
            self.shortcut.build(input_shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        x = self.first(tf.nn.leaky_relu(x))
        return shortcut + self.second(tf.nn.leaky_relu(x))


class PatchDiscriminator(tf.keras.Model):
    """Scores patches of what it is shown: image `[N, H, W, C]`, heatmaps `[N, H/2, W/2, 14]` -> `[N, H/16, W/16, 1]`.

    As D_I it is shown one frame and its target pose.

    Args:
        width: multiplier of every layer's channels; 1 is the full size.
    """

    def __init__(self, width: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.stem = tf.keras.layers.Conv2D(
            scaled(BLOCK_CHANNELS[0], width), 4, 2, padding="same", activation=tf.nn.leaky_relu
        )
        self.blocks = [
            ResidualBlock(scaled(channels, width), strides)
            for channels, strides in zip(BLOCK_CHANNELS, BLOCK_STRIDES)
        ]
        self.score = tf.keras.layers.Conv2D(1, 3, padding="same", dtype="float32")

    def call(self, image: tf.Tensor, heatmaps: tf.Tensor) -> tf.Tensor:
        x = self.stem(image)
        x = tf.concat([x, tf.cast(heatmaps, x.dtype)], axis=-1)
        for block in self.blocks:
            x = block(x)
        return self.score(tf.nn.leaky_relu(x))
