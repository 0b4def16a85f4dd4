"""What the networks see of a pose, computed in the graph from joints `[..., 14, 3]`.

    joint_heatmaps        14 Gaussians, one a joint
    part_log_priors       log of a soft mask of the background and of each body part, a Gaussian along the part
    part_log_confidence   how sure it is that each part is seen
    part_transforms       the similarity that carries each part from the source to the target

The sizes of the Gaussians are those of Balakrishnan et al. 2018 ("posewarp"), given for 256 pixels and
scaled with the image. A joint of confidence 0 is missing: it has an empty heatmap, and a part that
needs it has no mask and the identity as its transform.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.pose.skeleton import PARTS

_REFERENCE_SIZE = 256.0
_HEATMAP_SIGMA = 7.0 / 4.0  # pixels of the half-size map
_PART_SIGMA_ACROSS = 11.0
_TORSO_SIGMA_ACROSS = 13.0
_PART_MIN_VARIANCE_ALONG = 5.0
_PRIOR_FLOOR = 1e-10
_LEAST_CONFIDENCE = 0.02


def scaled_joints(joints: tf.Tensor, scale: float | tf.Tensor) -> tf.Tensor:
    """Joints `[..., 14, 3]` in pixels of frames `scale` times as large: a pixel's centre keeps its place."""
    places = (joints[..., :2] + 0.5) * tf.cast(scale, joints.dtype) - 0.5
    return tf.concat([places, joints[..., 2:]], -1)


def joint_heatmaps(joints: tf.Tensor, size: int) -> tf.Tensor:
    """Draws one Gaussian a joint, at half resolution.

    Args:
        joints: `[..., 14, 3]`, in pixels of a `size` x `size` image.
        size: side of the image in pixels, even.

    Returns:
        `[..., size / 2, size / 2, 14]` in [0, 1].
    """
    sigma = _HEATMAP_SIGMA * size / _REFERENCE_SIZE
    grid = tf.range(size // 2, dtype=joints.dtype)
    # The pixel centres of the half-size map lie between two pixels of the image.
    offsets = (joints[..., :2] - 0.5)[..., None] / 2.0 - grid
    profiles = tf.exp(-tf.square(offsets) / (2.0 * sigma**2))
    across, down = profiles[..., 0, :], profiles[..., 1, :]
    found = tf.cast(joints[..., 2] > 0, joints.dtype)
    return tf.einsum("...jh,...jw,...j->...hwj", down, across, found)


def part_segments(joints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The axis of each body part.

    The torso's runs from the middle of the shoulders to the middle of the hips: its four joints themselves
    would shrink it whenever source and target face opposite ways, since a similarity cannot mirror.

    Returns:
        ends: `[..., 10, 2, 2]`, (start, end) of each part as (x, y).
        found: `[..., 10]`, 1 where all of the part's joints are found, else 0.
    """
    starts, ends, found = [], [], []
    for part in PARTS:
        half = len(part.joints) // 2
        points = tf.gather(joints, part.joints, axis=-2)
        starts.append(tf.reduce_mean(points[..., :half, :2], axis=-2))
        ends.append(tf.reduce_mean(points[..., half:, :2], axis=-2))
        found.append(tf.reduce_min(points[..., 2], axis=-1) > 0)
    segments = tf.stack([tf.stack(starts, axis=-2), tf.stack(ends, axis=-2)], axis=-2)
    return segments, tf.cast(tf.stack(found, axis=-1), joints.dtype)


def part_log_confidence(joints: tf.Tensor) -> tf.Tensor:
    """Log of how sure it is that each part is seen: of its least sure joint's confidence, at least log(0.02).

    Pose estimators give the joints of a limb behind the body a place, and little confidence.

    Args:
        joints: `[..., 14, 3]`.

    Returns:
        `[..., 10]`.
    """
    least = [tf.reduce_min(tf.gather(joints[..., 2], part.joints, axis=-1), axis=-1) for part in PARTS]
    return tf.math.log(tf.clip_by_value(tf.stack(least, axis=-1), _LEAST_CONFIDENCE, 1.0))


def part_log_priors(joints: tf.Tensor, size: int) -> tf.Tensor:
    """Log of a soft mask of the background and of each part (posewarp; paper 3.1).

    Args:
        joints: `[..., 14, 3]`, in pixels of a `size` x `size` image.
        size: side of the image in pixels.

    Returns:
        `[..., size, size, 11]`: background first, then the parts; between log(1e-10) and 0.
    """
    scale = size / _REFERENCE_SIZE
    segments, found = part_segments(joints)
    start, end = segments[..., 0, :], segments[..., 1, :]
    along = end - start
    length2 = tf.reduce_sum(tf.square(along), axis=-1)
    length = tf.sqrt(tf.maximum(length2, 1e-6))
    # A part seen end-on has no direction of its own; a zero axis would spread it over the whole image.
    axis = tf.where(length2[..., None] > 1e-6, along / length[..., None], [1.0, 0.0])
    centre = (start + end) / 2.0
    variance_along = tf.maximum(_PART_MIN_VARIANCE_ALONG * scale**2, length2 / 1.5)
    across = [_PART_SIGMA_ACROSS if len(part.joints) == 2 else _TORSO_SIGMA_ACROSS for part in PARTS]
    variance_across = tf.square(tf.constant(across, joints.dtype) * scale)

    grid = tf.range(size, dtype=joints.dtype)
    per_part = (..., None, None, slice(None))  # [..., 10] -> [..., 1, 1, 10]
    dx = grid[None, :, None] - centre[..., 0][per_part]
    dy = grid[:, None, None] - centre[..., 1][per_part]
    u = dx * axis[..., 0][per_part] + dy * axis[..., 1][per_part]
    v = dy * axis[..., 0][per_part] - dx * axis[..., 1][per_part]
    exponent = -(
        tf.square(u) / (2.0 * variance_along)[per_part]
        + tf.square(v) / (2.0 * variance_across)[per_part]
    )
    masks = tf.exp(exponent) * found[per_part]
    background = 1.0 - tf.reduce_max(masks, axis=-1, keepdims=True)
    return tf.math.log(tf.concat([background, masks], axis=-1) + _PRIOR_FLOOR)


def part_transforms(source_joints: tf.Tensor, target_joints: tf.Tensor) -> tf.Tensor:
    """The similarity of each part, as the map by which the target image samples the source image.

    Args:
        source_joints: `[..., 14, 3]` in pixels.
        target_joints: `[..., 14, 3]` in pixels; leading axes broadcast with the source's.

    Returns:
        `[..., 10, 6]`, rows (a, b, c, d, e, f): the target's pixel (x, y) shows the source's pixel
        (a x + b y + c, d x + e y + f). The identity for a part with a missing joint, or shorter than a
        hundredth of a pixel in the target.
    """
    source, source_found = part_segments(source_joints)
    target, target_found = part_segments(target_joints)
    source_along = source[..., 1, :] - source[..., 0, :]
    target_along = target[..., 1, :] - target[..., 0, :]
    length2 = tf.reduce_sum(tf.square(target_along), axis=-1)
    usable = (source_found * target_found > 0) & (length2 > 1e-4)
    # As complex numbers: source = factor * target + shift.
    divisor = tf.where(usable, length2, 1.0)
    dot = tf.reduce_sum(source_along * target_along, axis=-1)
    cross = target_along[..., 0] * source_along[..., 1] - target_along[..., 1] * source_along[..., 0]
    real = tf.where(usable, dot / divisor, 1.0)
    imaginary = tf.where(usable, cross / divisor, 0.0)
    x, y = target[..., 0, 0], target[..., 0, 1]
    shift_x = tf.where(usable, source[..., 0, 0] - (real * x - imaginary * y), 0.0)
    shift_y = tf.where(usable, source[..., 0, 1] - (imaginary * x + real * y), 0.0)
    return tf.stack([real, -imaginary, shift_x, imaginary, real, shift_y], axis=-1)
