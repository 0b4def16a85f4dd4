"""Fusion of the K source frames' preliminary features (paper 3.2, 3.3), behind one name table.

Every fusion is a Keras layer called as

    fusion(features [N, K, H, W, C], source_joints [N, K, 14, 3], target_joints [N, T, 14, 3])
        -> (fused [N, T, H, W, C], attention [N, T, K, h, w] or None)

with joints in pixels and h = H / attention_stride. T poses share one set of features: what does not depend on the
pose is computed once for all of them. Foreground features are one pose's own (T = 1), background features are the
same for every pose.

    avg        the mean over the source frames
    max        their maximum
    rb6        a mean weighted by attention over the source frames, by `FrameAttention`
    sa3d_rb6   self-attention over space and source frames ("SA3D"), then rb6
    rb6_sa2d   rb6, then self-attention over space ("SA2D")

Average and maximum take any number of source frames, the others that which they were built with; `num_source_frames`
tells it, None for any.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.config import FUSIONS
from stmt_tf.models.attention import SelfAttention
from stmt_tf.models.axes import merge_axes, split_axes
from stmt_tf.models.composition import pose_nearness
from stmt_tf.models.residual import ResidualBlock
from stmt_tf.models.unet import scaled
from stmt_tf.pose.maps import joint_heatmaps

_NUM_BLOCKS = 6
_BLOCK_CHANNELS = 64
_LEAST_NEARNESS = 1e-6  # of a frame that is further off, only this much is told


class PoolingFusion(tf.keras.layers.Layer):
    """Average or maximum over the source frames ("Avg" and "Max" of Table 1); the poses do not matter.

    Args:
        pool: `tf.reduce_mean` or `tf.reduce_max`.
    """

    num_source_frames = None

    def __init__(self, pool, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.pool = pool

    def call(
        self, features: tf.Tensor, source_joints: tf.Tensor, target_joints: tf.Tensor
    ) -> tuple[tf.Tensor, None]:
        del source_joints
        fused = self.pool(features, axis=1)
        return tf.repeat(fused[:, None], tf.shape(target_joints)[1], axis=1), None


class FrameAttention(tf.keras.layers.Layer):
    """"RB6": six residual blocks on the features and poses of all frames -> one attention map a source frame.

    The maps are a softmax over the source frames of what the blocks say. The paper says no more: so it is at a nearness
    of None. With one, `nearness_weight * log(pose_nearness)` is added to what the blocks say; the last layer starts
    at zero, so that training starts from the average: plain at a nearness of 0, weighted by `pose_nearness` at 1; and
    the K source frames, which come in random order, are shown to the blocks with the nearest pose first, so that what
    is learned does not depend on that order.

    Args:
        width: multiplier of the blocks' channels, 64 at width 1.
        stride: the maps are computed at 1 / stride of the features' side.
        nearness: initial `nearness_weight`, or None.
    """

    def __init__(self, width: float, stride: int, nearness: float | None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.stride = stride
        self._nearness = nearness
        self.first = tf.keras.layers.Conv2D(scaled(_BLOCK_CHANNELS, width), 3, padding="same", name="first")
        self.blocks = [ResidualBlock(scaled(_BLOCK_CHANNELS, width)) for _ in range(_NUM_BLOCKS)]
        self.last = self.nearness_weight = None

    def build(self, features_shape):
        start = "glorot_uniform" if self._nearness is None else "zeros"
        self.last = tf.keras.layers.Conv2D(
            features_shape[1], 3, padding="same", kernel_initializer=start, dtype="float32", name="last"
        )
        if self._nearness is not None:
            self.nearness_weight = self.add_weight(
                name="nearness_weight",
                shape=(),
                initializer=tf.keras.initializers.Constant(self._nearness),
                dtype="float32",
            )
        self.built = True

    def call(self, features: tf.Tensor, source_joints: tf.Tensor, target_joints: tf.Tensor) -> tf.Tensor:
        """Takes what a fusion takes; returns the maps `[N, T, K, h, w]`, which sum to 1 over K."""
        size = features.shape[2]
        targets = tf.shape(target_joints)[1]
        poses = merge_axes(target_joints)  # [N * T, 14, 3]
        joints = tf.repeat(source_joints, targets, axis=0)
        small = tf.repeat(_shrunk(features, self.stride), targets, axis=0)
        if self._nearness is None:
            return split_axes(tf.nn.softmax(self._logits(small, joints, poses, size), axis=1), [-1, targets])
        nearness = pose_nearness(joints, poses, size)
        order = tf.argsort(nearness, axis=1, direction="DESCENDING", stable=True)
        logits = self._logits(*(tf.gather(x, order, batch_dims=1) for x in (small, joints)), poses, size)
        logits = tf.gather(logits, tf.argsort(order, axis=1), batch_dims=1)  # in the frames' own order again
        log_nearness = tf.math.log(tf.maximum(nearness, _LEAST_NEARNESS))
        # A layer in mixed precision casts its own weights when it reads them.
        prior = tf.cast(self.nearness_weight, tf.float32) * log_nearness
        maps = tf.nn.softmax(logits + prior[:, :, None, None], axis=1)
        return split_axes(maps, [-1, targets])

    def _logits(self, small: tf.Tensor, joints: tf.Tensor, poses: tf.Tensor, size: int) -> tf.Tensor:
        """What the blocks say of features `[M, K, h, w, C]`, their poses and the target's: `[M, K, h, w]`."""
        sources = small.shape[1]
        seen = [
            *tf.unstack(small, sources, axis=1),
            *(self._heatmaps(joints[:, k], size, small.dtype) for k in range(sources)),
            self._heatmaps(poses, size, small.dtype),
        ]
        x = self.first(tf.concat(seen, axis=-1))
        for block in self.blocks:
            x = block(x)
        return tf.transpose(self.last(tf.nn.leaky_relu(x)), [0, 3, 1, 2])

    def _heatmaps(self, joints: tf.Tensor, size: int, dtype: tf.DType) -> tf.Tensor:
        """Joint heatmaps, which are half as large as the image, at the maps' size."""
        heatmaps = joint_heatmaps(joints, size)
        if self.stride == 1:
            heatmaps = tf.image.resize(heatmaps, [size, size], "nearest")
        else:
            # The same as resizing by "area", which TFLite cannot.
            heatmaps = tf.nn.avg_pool2d(heatmaps, self.stride // 2, self.stride // 2, "VALID")
        return tf.cast(heatmaps, dtype)


class AttentionFusion(tf.keras.layers.Layer):
    """The three attention fusions: `FrameAttention`, and self-attention before or after it, or none.

    Args:
        width: multiplier of the attention network's channels.
        stride: the maps are computed at 1 / stride of the features' side.
        nearness: see `FrameAttention`.
        over_frames: self-attention over space and source frames before the fusion ("SA3D"), or None.
        over_space: self-attention over the fused features ("SA2D"), or None.
    """

    def __init__(
        self,
        width: float,
        stride: int,
        nearness: float | None,
        over_frames: SelfAttention | None = None,
        over_space: SelfAttention | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.frame_attention = FrameAttention(width, stride, nearness, name="frame_attention")
        self.over_frames = over_frames
        self.over_space = over_space

    @property
    def num_source_frames(self) -> int:
        """K; known once the layer has been called."""
        return self.frame_attention.last.filters

    def call(
        self, features: tf.Tensor, source_joints: tf.Tensor, target_joints: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if self.over_frames is not None:
            features = self.over_frames(features)
        attention = self.frame_attention(features, source_joints, target_joints)
        fused = _weighted_sum(features, attention)
        if self.over_space is not None:
            fused = split_axes(self.over_space(merge_axes(fused)), tf.shape(fused)[:2])
        return fused, attention


def create_fusion(
    fusion: str, width: float, stride: int, pool: int, map_stride: int, nearness: float | None, name: str
) -> tf.keras.layers.Layer:
    """The fusion of that name.

    Args:
        fusion: one of `FUSIONS`.
        width: multiplier of the attention network's channels.
        stride: self-attention is computed at 1 / stride of the features' side.
        pool: max pooling of self-attention's keys and values.
        map_stride, nearness: of `FrameAttention`.
        name: the layer's name.

    Raises:
        ValueError: no such fusion.
    """
    if fusion not in FUSIONS:
        raise ValueError(f"no fusion is called {fusion!r}; there are: {', '.join(FUSIONS)}")
    if fusion in ("avg", "max"):
        return PoolingFusion(tf.reduce_mean if fusion == "avg" else tf.reduce_max, name=name)
    over_frames = SelfAttention(stride, pool, name="over_frames") if fusion == "sa3d_rb6" else None
    over_space = SelfAttention(stride, pool, name="over_space") if fusion == "rb6_sa2d" else None
    return AttentionFusion(width, map_stride, nearness, over_frames, over_space, name=name)


def _shrunk(features: tf.Tensor, stride: int) -> tf.Tensor:
    """Average pooling of `[N, K, H, W, C]` in H and W."""
    if stride == 1:
        return features
    pooled = tf.nn.avg_pool2d(merge_axes(features), stride, stride, "VALID")
    return tf.reshape(pooled, [-1, features.shape[1], *pooled.shape[1:]])


def upsampled(attention: tf.Tensor, side: int) -> tf.Tensor:
    """Attention maps `[N, K, h, w]` to `[N, K, side, side]`; they still sum to 1 over K."""
    maps = tf.image.resize(tf.transpose(attention, [0, 2, 3, 1]), [side, side], "bilinear")
    return tf.transpose(maps, [0, 3, 1, 2])


def _weighted_sum(features: tf.Tensor, attention: tf.Tensor) -> tf.Tensor:
    """`sum_k F_k * A_k` (paper 3.2): `[N, K, H, W, C]` and `[N, T, K, h, w]` to `[N, T, H, W, C]`."""
    maps = upsampled(merge_axes(attention), features.shape[2])
    maps = tf.cast(split_axes(maps, tf.shape(attention)[:2]), features.dtype)
    # Of slices, TFLite takes five axes at most.
    return tf.add_n([features[:, k][:, None] * maps[:, :, k][..., None] for k in range(features.shape[1])])
