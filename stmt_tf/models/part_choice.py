"""Which of a source's N frames show each part as a target pose needs it.

The paper takes K random frames for all of a video and leaves "a more sophisticated strategy" to future work. Here each
part of each pose has its own K nearest frames, so that only small warps are left to make.

    part_affinity    how near each frame shows each part
    part_preference  how whole each frame shows each part, whatever the target
    nearest_frames   the K nearest of each part, and how much each of them counts

Axes: M target poses, N source frames, P = 10 parts, K chosen frames.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.composition import pose_distance
from stmt_tf.pose import skeleton
from stmt_tf.pose.maps import part_log_confidence, part_segments

_NAMES = [part.name for part in skeleton.PARTS]
_TORSO = _NAMES.index("torso")
_HAND = 0.3  # how far the middle of a hand lies behind the wrist, in forearms

# Differences at which a frame counts e times less in a part. They are small: three faces that are each a little off
# blend into none, and one alone looks real.
_ANGLE = 0.19  # radians between the part's axes
_LOG_LENGTH = 0.1
_FACING = [0.15 if name in ("head", "torso") else 0.4 for name in _NAMES]  # limbs are much alike all round
_POSE = 0.00057  # mean squared distance of all joints, in squared frame sides
_FARTHEST_POSE = 49.0  # what a wholly different pose costs at most: its parts may be near all the same
_HAND_BEFORE = 30.0  # what a hand before the torso costs it
_CONFIDENCE = 8.0  # for each e times less confidence that the part is seen
_SHOWN = 40.0  # for each e times less of the part that is shown,
_ENOUGH = 0.6  # than this much of what the best frame shows
_LEAST_SHOWN = 0.02  # of the same
_MISSING = -1e4  # affinity of a part that a frame does not show
_LEAST_SHARE = 1e-6


def part_affinity(source_joints: tf.Tensor, target_joints: tf.Tensor, size: int) -> tf.Tensor:
    """How near each source frame shows each part to how the target pose has it.

    The nearness of the part's angle, of its length, of the side that the body shows, and of the whole pose; and how
    sure it is that the frame shows the part at all.

    Args:
        source_joints: `[M, N, 14, 3]` in pixels.
        target_joints: `[M, 14, 3]` in pixels.
        size: side of the frames in pixels.

    Returns:
        `[M, N, P]`, at most 0, the logarithm of how much a frame counts; -10,000 of parts that the frame does not show.
    """
    target_joints = target_joints[:, None]
    source_segments, found = part_segments(source_joints)
    target_segments, wanted = part_segments(target_joints)
    source, target = (segments[..., 1, :] - segments[..., 0, :] for segments in (source_segments, target_segments))
    cross = source[..., 0] * target[..., 1] - source[..., 1] * target[..., 0]
    # A part seen end-on has no angle; the square pixel makes it 0 there.
    angle = tf.atan2(cross, tf.reduce_sum(source * target, -1) + 1.0)
    log_length = tf.math.log((tf.norm(target, axis=-1) + 1.0) / (tf.norm(source, axis=-1) + 1.0))
    facing = _facing(source_joints, target_joints)[..., None]
    pose = tf.minimum(pose_distance(source_joints, target_joints, size) / _POSE, _FARTHEST_POSE)
    affinity = -wanted * (tf.square(angle / _ANGLE) + tf.square(log_length / _LOG_LENGTH)) - tf.square(facing / _FACING)
    affinity += _CONFIDENCE * part_log_confidence(source_joints) - pose[..., None]
    hands = _hands_before_torso(source_joints, source_segments)
    affinity -= _HAND_BEFORE * hands[..., None] * tf.one_hot(_TORSO, skeleton.NUM_PARTS)
    return tf.where(found > 0, affinity, _MISSING)


def part_preference(log_priors: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """How whole each source frame shows each part, beside the frame that shows it best.

    A part that another limb hides, or whose joints were laid elsewhere, has little of its mask along its axis.

    Args:
        log_priors: `[B, N, n, n, 1 + P]`, see `stmt_tf.pose.maps.part_log_priors`.
        masks: `[B, N, n, n, P]` in [0, 1].

    Returns:
        `[B, 1, N, P]`, at most 0, to be added to the affinities; without a gradient.
    """
    priors = tf.exp(log_priors[..., 1:])
    shown = tf.reduce_sum(priors * masks, [2, 3]) / tf.reduce_sum(priors, [2, 3])
    share = shown / tf.maximum(_ENOUGH * tf.reduce_max(shown, 1, keepdims=True), _LEAST_SHOWN)
    preference = _SHOWN * tf.math.log(tf.clip_by_value(share, _LEAST_SHOWN, 1.0))
    return tf.stop_gradient(preference)[:, tf.newaxis]


def nearest_frames(affinity: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Chooses the frames of each part.

    A frame counts by how much exp(affinity) passes that of the nearest frame that is not chosen. So the shares change
    continuously with the affinities, and the last of the chosen frames fades to nothing before another one takes its
    place.

    Args:
        affinity: `[M, N, P]`.
        count: K; all N frames are chosen where there are fewer.

    Returns:
        indices: int32 `[M, K, P]`, nearest first.
        shares: `[M, K, P]` in (0, 1], which sum to 1 over K.
    """
    frames = affinity.shape[1]
    if frames is None:
        frames = tf.shape(affinity)[1]
        count, ranks = tf.minimum(count, frames), tf.minimum(count + 1, frames)
    else:
        count, ranks = min(count, frames), min(count + 1, frames)
    ranked, indices = tf.math.top_k(tf.transpose(affinity, [0, 2, 1]), ranks)
    weights = tf.exp(ranked - ranked[..., :1])
    # The first frame that is not chosen any more is the zero from which weights count. The small number keeps frames
    # that are all alike, also with that one, alike.
    beyond = tf.where(frames > count, weights[..., -1:], 0.0)
    weights = tf.maximum(weights[..., :count] - beyond, 0.0) + _LEAST_SHARE
    shares = weights / tf.reduce_sum(weights, -1, keepdims=True)
    return tf.transpose(indices[..., :count], [0, 2, 1]), tf.transpose(shares, [0, 2, 1])


def _hands_before_torso(joints: tf.Tensor, segments: tf.Tensor) -> tf.Tensor:
    """About how many hands, of `[..., 14, 3]`, lie before the torso, whose axis is among `[..., P, 2, 2]`: `[...]`."""
    top, bottom = segments[..., _TORSO, 0, :], segments[..., _TORSO, 1, :]
    middle, reach = (top + bottom) / 2.0, tf.norm(bottom - top, axis=-1) / 2.0 + 1.0
    count = 0.0
    for elbow, wrist in (
        (skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
        (skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
    ):
        found = tf.cast(joints[..., elbow, 2:] > 0, joints.dtype)
        hand = joints[..., wrist, :2] + found * _HAND * (joints[..., wrist, :2] - joints[..., elbow, :2])
        away = tf.norm(hand - middle, axis=-1) / reach
        count += joints[..., wrist, 2] * tf.exp(-tf.square(away))
    return count


def _facing(source_joints: tf.Tensor, target_joints: tf.Tensor) -> tf.Tensor:
    """How differently source `[M, N, 14, 3]` and target `[M, 1, 14, 3]` face the camera: `[M, N]` in [-1, 1].

    By the signed widths of shoulders and hips that both show, over the widest of the source's.
    """
    (source, found), (target, wanted) = _widths(source_joints), _widths(target_joints)
    both = found * wanted
    widest = tf.reduce_max(tf.abs(tf.reduce_sum(both * source, -1)), 1, keepdims=True)
    # Who is never seen from the wanted side is as well seen from the other side as from between.
    return tf.clip_by_value(tf.reduce_sum(both * (target - source), -1) / tf.maximum(widest, 1.0), -1.0, 1.0)


def _widths(joints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Signed widths in pixels of shoulders and hips, positive of who faces the camera, and 1 where both are found.

    `[..., 14, 3]` to `[..., 2]` each.
    """
    left = tf.gather(joints, [skeleton.LEFT_SHOULDER, skeleton.LEFT_HIP], axis=-2)
    right = tf.gather(joints, [skeleton.RIGHT_SHOULDER, skeleton.RIGHT_HIP], axis=-2)
    found = tf.cast(tf.minimum(left[..., 2], right[..., 2]) > 0, joints.dtype)
    return left[..., 0] - right[..., 0], found
