"""What a SavedModel's functions check of what they are given, in the graph."""

from __future__ import annotations

import tensorflow as tf

_FARTHEST = 100  # frame sides that a joint may lie off; squares of what is much further overflow


def usable(joints: tf.Tensor, name: str, side: tf.Tensor) -> tf.Tensor:
    """The joints as they are, after checks that one can compute with them."""
    near = tf.reduce_all(tf.abs(joints) <= float(_FARTHEST) * tf.cast(side, tf.float32))  # not so of NaN
    message = f"{name} must be finite, in pixels, and at most {_FARTHEST} frame sides off; the side is"
    with tf.control_dependencies([tf.debugging.Assert(near, [message, side])]):
        return tf.identity(joints)


def source_checks(
    frames: tf.Tensor, joints: tf.Tensor, most: int | None, size: int, mattes: tf.Tensor | None = None
) -> list[tf.Operation]:
    """Checks that there are as many source frames as poses and not too many, and that all have a size that fits."""
    counts = tf.shape(frames)[:2], tf.shape(joints)[:2]
    alike = tf.debugging.Assert(
        tf.reduce_all(counts[0] == counts[1]),
        ["source frames and source_joints must be as many: [B, N] of the frames and of the joints are", *counts],
    )
    sources = counts[0][1]
    enough = sources >= 1 if most is None else (sources >= 1) & (sources <= most)
    allowed = "at least 1" if most is None else f"1 to {most}"
    sides = tf.shape(frames)[2:4]
    whole = tf.debugging.Assert(
        (sides[0] == sides[1]) & (sides[0] >= size) & (sides[0] % size == 0),
        [f"source frames must be square, of a multiple of {size} pixels; their height and width are", sides],
    )
    checks = [alike, tf.debugging.Assert(enough, [f"a source must have {allowed} frames, got", sources]), whole]
    if mattes is not None:
        shape = tf.shape(mattes)
        fits = (shape[1] == 0) | tf.reduce_all(shape[:4] == tf.shape(frames)[:4])
        checks.append(
            tf.debugging.Assert(
                fits, ["source_mattes must be none, or one a frame and as large; [B, N, H, W, 1] is", shape]
            )
        )
        # False of what is no number, too.
        checks.append(tf.debugging.Assert(tf.reduce_all(mattes <= 1.0), ["source_mattes must be at most 1"]))
    return checks
