"""The discriminators of a training, with all their variables made."""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.discriminators import PatchDiscriminator, temporal_windows
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.train.settings import LossConfig


def create_discriminators(config: LossConfig, size: int) -> dict[str, PatchDiscriminator]:
    """D_I under "frame", D_V^n under "video_n", untrained; none whose loss has weight 0."""
    discriminators = {}
    if config.discriminates_frames:
        model = PatchDiscriminator(config.discriminator_width, config.spectral_norm, name="frame")
        model(tf.zeros([1, size, size, 3]), tf.zeros([1, size // 2, size // 2, NUM_JOINTS]))
        discriminators["frame"] = model
    for n in config.discriminated_ranges:
        model = PatchDiscriminator(config.discriminator_width, config.spectral_norm, name=f"video_{n}")
        model(temporal_windows(tf.zeros([1, n, size, size, 3]), tf.zeros([1, n - 1, size, size, 2]), n))
        discriminators[f"video_{n}"] = model
    return discriminators
