"""Fusion of the K source frames' preliminary features (paper 3.2, 3.3), behind one name table.

Every fusion is a Keras layer called as

    fusion(features [N, K, H, W, C], source_heatmaps [N, K, h, w, 14], target_heatmaps [N, h, w, 14])
        -> (fused [N, H, W, C], attention [N, K, h, w] or None)

`uses_poses` tells whether the poses matter; where they do not, they may be left out, and background features, which
depend on the source alone, are fused once for all targets.
"""

from __future__ import annotations

import tensorflow as tf


class AverageFusion(tf.keras.layers.Layer):
    """The mean over the source frames ("Avg" of Table 1); the poses play no part."""

    uses_poses = False

    def call(
        self, features: tf.Tensor, source_heatmaps: tf.Tensor = None, target_heatmaps: tf.Tensor = None
    ) -> tuple[tf.Tensor, None]:
        del source_heatmaps, target_heatmaps
        return tf.reduce_mean(features, axis=1), None


FUSIONS = {"avg": AverageFusion}


def create_fusion(fusion: str, **kwargs) -> tf.keras.layers.Layer:
    """The fusion of that name.

    Raises:
        ValueError: no such fusion.
    """
    if fusion not in FUSIONS:
        raise ValueError(f"no fusion is called {fusion!r}; there are: {', '.join(sorted(FUSIONS))}")
    return FUSIONS[fusion](**kwargs)
