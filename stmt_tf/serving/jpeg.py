"""JPEG pictures as a SavedModel takes and gives them, in the graph."""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.axes import merge_axes, split_axes

JPEG_QUALITY = 95
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"


def decoded(pictures: tf.Tensor, side: int | None) -> tf.Tensor:
    """JPEG strings `[B, N]` to uint8 `[B, N, side, side, 3]`; None: all of one size."""

    def shape_of(picture):
        # A JPEG's own word for its size is read before the picture is given memory.
        is_jpeg = tf.debugging.Assert(
            tf.image.is_jpeg(picture),
            ["source_jpeg_bytes must hold JPEG pictures; one has no JPEG's first bytes. Its length:",
             tf.strings.length(picture)],
        )
        with tf.control_dependencies([is_jpeg]):
            scan = tf.strings.split([picture], sep=_JPEG_SCAN).values[-1:]  # a thumbnail before it has an end, too
            is_whole = tf.debugging.Assert(
                tf.size(tf.strings.split(scan, sep=_JPEG_END).values) > 1,
                ["source_jpeg_bytes must hold whole pictures; one is cut off. Its length:", tf.strings.length(picture)],
            )
        with tf.control_dependencies([is_whole]):
            return tf.image.extract_jpeg_shape(picture)[:2]

    flat = tf.reshape(pictures, [-1])
    shapes = tf.map_fn(shape_of, flat, fn_output_signature=tf.TensorSpec([2], tf.int32))
    wanted = shapes[0] if side is None else tf.constant([side, side])
    right_size = tf.debugging.Assert(
        tf.reduce_all(shapes == wanted),
        ["source_jpeg_bytes must hold pictures of one size, which is", wanted, "got heights and widths", shapes],
        summarize=64,
    )
    with tf.control_dependencies([right_size]):
        flat = tf.identity(flat)
    decoded = tf.map_fn(
        lambda picture: tf.ensure_shape(tf.io.decode_jpeg(picture, channels=3), [side, side, 3]),
        flat,
        fn_output_signature=tf.TensorSpec([side, side, 3], tf.uint8),
    )
    return split_axes(decoded, tf.shape(pictures))


def encoded(frames: tf.Tensor) -> tf.Tensor:
    """uint8 `[B, L, H, W, 3]` to JPEG strings `[B, L]`."""
    flat = merge_axes(frames)
    encoded = tf.map_fn(
        lambda frame: tf.io.encode_jpeg(frame, quality=JPEG_QUALITY), flat, fn_output_signature=tf.string
    )
    return tf.reshape(encoded, tf.shape(frames)[:2])
