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

_UNKNOWN_MATTES = 0.15  # share of the examples
_WRONG_MATTES = 0.4  # share of the frames whose matte loses something, and of those where something sticks to it
_WRONG_RADII = (0.02, 0.08)  # of what that is, in frame sides
_SOFTEST_EDGE = 2  # pixels by which a matte is blurred at most


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


def disturbed_mattes(masks: tf.Tensor, joints: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Exact masks of persons made into mattes as one finds them in pictures.

    Edges get soft, hands and feet are lost, round things beside the body stick to it; and some examples have none.

    Args:
        masks: `[N, H, W, 1]` in [0, 1], or -1 where not known.
        joints: `[N, 14, 3]` in pixels.
        seed: int64 `[2]`; decides how.

    Returns:
        `[N, H, W, 1]` in [0, 1], or -1 everywhere where not known.
    """
    count, size = tf.shape(masks)[0], masks.shape[1]
    draws = tf.random.stateless_uniform([7, count], seed)
    ends = tf.gather(joints, [4, 7, 10, 13], axis=1)  # wrists and ankles: what is lost or held is there
    low, high = _WRONG_RADII
    mattes = masks
    for wrong, joint, reach, value in ((0, 1, 2, 0.0), (3, 4, 5, 1.0)):
        chosen = tf.gather(ends, tf.cast(draws[joint] * 4.0, tf.int32), axis=1, batch_dims=1)
        radius = size * (low + (high - low) * draws[reach])
        # What sticks lies beside the joint, what is lost around it.
        centre = chosen[:, :2] + (value * radius)[:, None]
        grid = tf.range(size, dtype=tf.float32)
        across, down = (tf.square(grid - centre[:, i : i + 1]) for i in (0, 1))
        inside = across[:, None, :] + down[:, :, None] < tf.square(radius)[:, None, None]
        hit = inside & ((draws[wrong] < _WRONG_MATTES) & (chosen[:, 2] > 0))[:, None, None]
        mattes = tf.where(hit[..., None], value, mattes)
    for step in range(_SOFTEST_EDGE):
        softer = tf.nn.avg_pool2d(mattes, 3, 1, "SAME")
        mattes = tf.where((draws[6] * (_SOFTEST_EDGE + 1) > step + 1)[:, None, None, None], softer, mattes)
    known = (tf.random.stateless_uniform([], seed + [1, 0]) > _UNKNOWN_MATTES) & (tf.reduce_min(masks) >= 0.0)
    return tf.where(known, mattes, -1.0)
