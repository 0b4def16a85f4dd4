"""Training examples seen otherwise: in a mirror; and scaled, turned, shifted and dimmed as posewarp does.

All frames of an example are changed alike, as if another camera had taken the clip; joints, masks and flows go with
them. Ranges are posewarp's, which scales about the corner and here is about the middle. What lies outside the frame is
the frame's edge drawn out: a background that stands still does so there too.

Reference:
    Balakrishnan et al., Synthesizing Images of Humans in Unseen Poses, CVPR 2018; `param.py` and `data_generation.py`
    of its code. What is called saturation there scales the values in [-1, 1], and is a contrast.
"""

from __future__ import annotations

import math

import tensorflow as tf

from stmt_tf.pose.skeleton import MIRROR

_SCALES = (0.90, 1.05)
_ANGLE = math.radians(5.0)  # this much at most, to either side
_SHIFT = 5 / 256  # of the frame's side at most, in either direction
_CONTRAST = 0.05  # more or less, at most


def mirror(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The example seen in a mirror: images flipped, left and right joints exchanged."""
    mirrored = {}
    for name, value in example.items():
        if name.endswith("_joints"):
            width = tf.cast(tf.shape(example["target_frames"])[-2], value.dtype)
            x, rest = width - 1.0 - value[..., :1], value[..., 1:]
            mirrored[name] = tf.gather(tf.concat([x, rest], -1), MIRROR, axis=-2)
        else:
            mirrored[name] = tf.reverse(value, axis=[-2])
    if "target_flows" in mirrored:
        mirrored["target_flows"] *= [-1.0, 1.0]
    return mirrored


def augment(example: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """The example scaled, turned, shifted and dimmed.

    Args:
        example: as `stmt_tf.data.pipeline` describes it, without a batch axis.
        seed: int64 `[2]`; decides how.
    """
    size = example["target_frames"].shape[-2]
    draws = tf.random.stateless_uniform([5], seed, -1.0, 1.0)
    middle, reach = (_SCALES[1] + _SCALES[0]) / 2, (_SCALES[1] - _SCALES[0]) / 2
    scale, angle = middle + reach * draws[0], _ANGLE * draws[1]
    linear = scale * tf.stack([[tf.cos(angle), -tf.sin(angle)], [tf.sin(angle), tf.cos(angle)]])
    centre = tf.fill([2], (size - 1) / 2)
    shift = centre + _SHIFT * size * draws[2:4] - tf.linalg.matvec(linear, centre)
    changed = {}
    for name, value in example.items():
        if name.endswith("_joints"):
            places = tf.linalg.matvec(linear, value[..., :2]) + shift
            changed[name] = tf.concat([places, value[..., 2:]], -1)
        else:
            changed[name] = _moved(value, linear, shift)
        if name.endswith("_frames"):
            changed[name] = tf.clip_by_value(changed[name] * (1.0 + _CONTRAST * draws[4]), -1.0, 1.0)
    if "target_flows" in changed:
        changed["target_flows"] = tf.linalg.matvec(linear, changed["target_flows"])
    return changed


def _moved(images: tf.Tensor, linear: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Images `[N, H, W, C]` whose pixel p has come to `linear` p + `shift`."""
    back = tf.linalg.inv(linear)
    transform = tf.concat([back, -tf.linalg.matvec(back, shift)[:, None]], 1)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.pad(tf.reshape(transform, [1, 6]), [[0, 0], [0, 2]]),
        output_shape=images.shape[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )
    return tf.ensure_shape(moved, images.shape)
