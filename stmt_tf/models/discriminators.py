"""Patch discriminators (paper 3.5), after Isola et al. 2017 and Wang et al. 2018.

    D_I     sees one frame and its pose
    D_V^n   sees n consecutive frames and the n - 1 flows between them (`temporal_windows`)

The paper's "six residual blocks following [26]" leaves the rest open: vid2vid's discriminator has none. Here a
4x4 convolution of stride 2 comes before the six, of which the first three have stride 2, and a 3x3 one after them.

The output is a map of one score a patch, for the least-squares GAN loss: 1 is real, 0 is made. Scores lie
16 pixels apart; each looks at 312 x 312 pixels, most of all at the middle ones.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf import compat
from stmt_tf.models.axes import merge_axes
from stmt_tf.models.residual import ResidualBlock
from stmt_tf.models.unet import scaled

BLOCK_CHANNELS = (64, 128, 256, 256, 512, 512)
BLOCK_STRIDES = (2, 2, 2, 1, 1, 1)
_FLOW_SCALE = 20.0  # pixels; brings flows to about the frames' range


def temporal_windows(frames: tf.Tensor, flows: tf.Tensor, n: int) -> tf.Tensor:
    """What D_V^n sees: every n consecutive frames and the flows between them, on channels.

    Args:
        frames: `[B, L, H, W, 3]` in [-1, 1].
        flows: `[B, L - 1, H, W, 2]`, frame t to t + 1, in pixels.
        n: from 2 to L.

    Returns:
        `[B * (L - n + 1), H, W, 3 n + 2 (n - 1)]`: the frames in their order, then the flows over 20.

    Raises:
        ValueError: n is less than 2 or more than L.
    """
    length = frames.shape[1]
    if not 2 <= n <= length:
        raise ValueError(f"n must be from 2 to the number of frames, {length}; got {n}")
    windows = length - n + 1
    shown = [frames[:, i : i + windows] for i in range(n)]
    shown += [flows[:, i : i + windows] / _FLOW_SCALE for i in range(n - 1)]
    return merge_axes(tf.concat(shown, axis=-1))


class PatchDiscriminator(tf.keras.Model):
    """Scores patches: image `[N, H, W, C]`, and for D_I heatmaps `[N, H/2, W/2, 14]`, to `[N, H/16, W/16, 1]`.

    C is 3 for D_I, and what `temporal_windows` gives for D_V^n. The scores are float32 in mixed precision too.

    Args:
        width: multiplier of every layer's channels; 1 is the full size.
        spectral_norm: normalise every convolution's kernel by its largest singular value (Miyato et al. 2018).
    """

    def __init__(self, width: float = 1.0, spectral_norm: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.spectral_norm = spectral_norm
        self.stem = self._normalised(
            tf.keras.layers.Conv2D(
                scaled(BLOCK_CHANNELS[0], width), 4, 2, padding="same", activation=tf.nn.leaky_relu
            )
        )
        self.blocks = [
            ResidualBlock(scaled(channels, width), strides, spectral_norm)
            for channels, strides in zip(BLOCK_CHANNELS, BLOCK_STRIDES)
        ]
        self.score = self._normalised(tf.keras.layers.Conv2D(1, 3, padding="same", dtype="float32"))

    def _normalised(self, conv: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        return compat.spectral_normalization(conv) if self.spectral_norm else conv

    def call(self, image: tf.Tensor, heatmaps: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """`training` moves the spectral norms' estimates on by one step; without it they stay as they are."""
        options = {"training": training} if self.spectral_norm else {}
        x = self.stem(image, **options)
        if heatmaps is not None:
            x = tf.concat([x, tf.cast(heatmaps, x.dtype)], axis=-1)
        for block in self.blocks:
            x = block(x, training=training)
        return self.score(tf.nn.leaky_relu(x), **options)
