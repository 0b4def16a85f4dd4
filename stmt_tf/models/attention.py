"""Self-attention over space, or over space and source frames ("SA2D" and "SA3D" of paper 3.2), after SAGAN.

Every position looks at every other, so that P positions have P * P scores: at 4 frames of 256x256 pixels 275 GB of
them. Two functions give the same value: `dense_attention` holds all scores at once, `tiled_attention` those of a
few queries at a time, and makes them anew for the gradient, so that its memory grows with P alone.

Reference:
    Zhang et al. 2018, "Self-Attention Generative Adversarial Networks", section 3.
"""

from __future__ import annotations

import math

import tensorflow as tf

from stmt_tf.models.axes import sizes

_DENSE_SCORES = 2**22  # an example with more scores than this (16 MiB of them) is attended to in tiles
_BLOCK = 512  # queries at a time: with fewer, TensorFlow is slower (`benchmarks.self_attention`)


def dense_attention(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """`softmax(query key') value`, the softmax over the keys, unscaled as in SAGAN, in float32.

    Args:
        query: `[N, P, d]`.
        key: `[N, Q, d]`.
        value: `[N, Q, c]`.

    Returns:
        `[N, P, c]` of the value's dtype.
    """
    dtype = value.dtype
    query, key, value = (tf.cast(x, tf.float32) for x in (query, key, value))
    return tf.cast(tf.matmul(_weights(query, key), value), dtype)


def tiled_attention(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, block: int = _BLOCK) -> tf.Tensor:
    """`dense_attention` in memory that is linear in P and in Q; takes and returns the same.

    Queries do not depend on each other: `block` of them at a time meet all the keys, so that each softmax is whole.
    The gradient makes the weights anew, block by block, and has no second derivative that is cheap in memory.

    Args:
        query: `[N, P, d]`.
        key: `[N, Q, d]`.
        value: `[N, Q, c]`.
        block: queries at a time, > 0; P need not be a multiple of it.

    Returns:
        `[N, P, c]` of the value's dtype.
    """

    @tf.custom_gradient
    def attend(query, key, value):
        queries = _split(query, block)
        attended = tf.map_fn(lambda q: tf.matmul(_weights(q, key), value), queries, parallel_iterations=1)

        def gradient(upstream):
            upstreams = _split(upstream, block)
            count = tf.shape(queries)[0]

            def add_block(i, query_gradients, key_gradient, value_gradient):
                q, g = queries[i], upstreams[i]
                weights = _weights(q, key)
                by_weight = tf.matmul(g, value, transpose_b=True)
                mean = tf.reduce_sum(g * attended[i], -1, keepdims=True)  # of by_weight, weighted
                by_score = weights * (by_weight - mean)
                return (
                    i + 1,
                    query_gradients.write(i, tf.matmul(by_score, key)),
                    key_gradient + tf.matmul(by_score, q, transpose_a=True),
                    value_gradient + tf.matmul(weights, g, transpose_a=True),
                )

            _, query_gradients, key_gradient, value_gradient = tf.while_loop(
                lambda i, *_: i < count,
                add_block,
                (
                    0,
                    tf.TensorArray(tf.float32, count, element_shape=queries.shape[1:]),
                    tf.zeros_like(key),
                    tf.zeros_like(value),
                ),
                parallel_iterations=1,
            )
            return _join(query_gradients.stack(), query), key_gradient, value_gradient

        return _join(attended, query), gradient

    dtype = value.dtype
    return tf.cast(attend(*(tf.cast(x, tf.float32) for x in (query, key, value))), dtype)


def _weights(query: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """`[N, P, d]` and `[N, Q, d]` to `[N, P, Q]`, which sums to 1 over Q."""
    return tf.nn.softmax(tf.matmul(query, key, transpose_b=True))


def _split(x: tf.Tensor, block: int) -> tf.Tensor:
    """`[N, P, d]` to `[ceil(P / block), N, block, d]`, the last block filled up with zeros."""
    count, positions, channels = sizes(x)
    blocks = -(-positions // block)
    x = tf.pad(x, [[0, 0], [0, blocks * block - positions], [0, 0]])
    return tf.transpose(tf.reshape(x, [count, blocks, block, channels]), [1, 0, 2, 3])


def _join(blocks: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Undoes `_split`: `[blocks, N, block, c]` to `[N, P, c]`, N and P from `like` `[N, P, ...]`."""
    count, positions = sizes(like)[:2]
    padded = math.prod(sizes(blocks)[::2])
    return tf.reshape(tf.transpose(blocks, [1, 0, 2, 3]), [count, padded, blocks.shape[-1]])[:, :positions]


class SelfAttention(tf.keras.layers.Layer):
    """`x + gamma * attention(x)`: "SA2D" on `[N, H, W, C]`, "SA3D" on `[N, K, H, W, C]`; keeps shape and dtype.

    Positions are those of all axes between the first and the last. Query, key, value and result are 1x1 convolutions
    without bias, of C/8, C/8, C/2 and C channels. gamma is a weight that starts at 0, so that training starts from
    the identity. Attention is exact in either form (see the module's text); the number of scores decides which.

    Args:
        stride: the features are averaged over squares of this side first, and what attention adds is upsampled.
        pool: keys and values are max-pooled over squares of this side; 1: not at all, 2: as in SAGAN's code.

    Raises:
        ValueError: H or W is not a multiple of stride * pool.

    Example:
        >>> SelfAttention(stride=4)(tf.zeros([2, 4, 64, 64, 16])).shape
        TensorShape([2, 4, 64, 64, 16])
    """

    def __init__(self, stride: int = 1, pool: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.stride, self.pool = stride, pool

    def build(self, input_shape):
        *_, height, width, channels = input_shape
        if any(side is not None and side % (self.stride * self.pool) for side in (height, width)):
            raise ValueError(
                f"height and width must be multiples of stride * pool = {self.stride} * {self.pool}, "
                f"got {height} and {width}; choose a smaller stride or pool"
            )
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.query = self._convolution(channels, narrow, "query")
        self.key = self._convolution(channels, narrow, "key")
        self.value = self._convolution(channels, half, "value")
        self.result = self._convolution(half, channels, "result")
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        _, *frames, height, width, channels = sizes(x)
        images = tf.reshape(x, [-1, height, width, channels])
        if self.stride > 1:
            images = tf.nn.avg_pool2d(images, self.stride, self.stride, "VALID")
        key, value = self.key(images), self.value(images)
        if self.pool > 1:
            key, value = (tf.nn.max_pool2d(y, self.pool, self.pool, "VALID") for y in (key, value))

        rows, columns = height // self.stride, width // self.stride
        positions = math.prod([*frames, rows, columns])
        keys = math.prod([*frames, rows // self.pool, columns // self.pool])
        few = isinstance(positions, int) and positions * keys <= _DENSE_SCORES
        attended = (dense_attention if few else tiled_attention)(
            tf.reshape(self.query(images), [-1, positions, self.query.filters]),
            tf.reshape(key, [-1, keys, self.key.filters]),
            tf.reshape(value, [-1, keys, self.value.filters]),
        )

        # Upsampling and a 1x1 convolution without bias commute; this order is the cheap one.
        added = self.result(tf.reshape(attended, [-1, rows, columns, self.value.filters]))
        if self.stride > 1:
            added = tf.cast(tf.image.resize(added, [height, width], "bilinear"), x.dtype)
        return x + tf.cast(self.gamma, x.dtype) * tf.reshape(added, [-1, *frames, height, width, channels])

    def _convolution(self, in_channels: int, out_channels: int, name: str) -> tf.keras.layers.Conv2D:
        convolution = tf.keras.layers.Conv2D(out_channels, 1, use_bias=False, dtype=self.dtype_policy, name=name)
        convolution.build([None, None, None, in_channels])
        return convolution
