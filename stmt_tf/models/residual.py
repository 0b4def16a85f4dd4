"""The residual block of the fusion's attention ("RB6", paper 3.2) and of the discriminators (3.5)."""

from __future__ import annotations

import tensorflow as tf

from stmt_tf import compat


class ResidualBlock(tf.keras.layers.Layer):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes.

    Args:
        channels: of the output.
        strides: of the first convolution, and of the pixels that the shortcut takes.
        spectral_norm: normalise every convolution's kernel by its largest singular value.
    """

    def __init__(self, channels: int, strides: int = 1, spectral_norm: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.strides, self.spectral_norm = channels, strides, spectral_norm
        self.first = self._normalised(tf.keras.layers.Conv2D(channels, 3, strides, padding="same"))
        self.second = self._normalised(tf.keras.layers.Conv2D(channels, 3, padding="same"))
        self.shortcut = None

    def _normalised(self, conv: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        return compat.spectral_normalization(conv) if self.spectral_norm else conv

    def build(self, input_shape):
        if self.strides != 1 or input_shape[-1] != self.channels:
            self.shortcut = self._normalised(tf.keras.layers.Conv2D(self.channels, 1, use_bias=False))
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`training` moves the spectral norms' estimates on by one step."""
        options = {"training": training} if self.spectral_norm else {}
        shortcut = x
        if self.shortcut is not None:
            # What a 1x1 convolution with strides does; the kernel gradient of that one reads freed memory in
            # TF 2.15 with oneDNN, and crashes at times.
            shortcut = self.shortcut(x[:, :: self.strides, :: self.strides], **options)
        x = self.first(tf.nn.leaky_relu(x), **options)
        x = self.second(tf.nn.leaky_relu(x), **options)
        # Under mixed precision Keras 3's spectral norm gives float32.
        return tf.cast(shortcut, self.compute_dtype) + tf.cast(x, self.compute_dtype)
