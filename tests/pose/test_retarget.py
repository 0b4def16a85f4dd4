"""Carrying a motion over to another body and place."""

from __future__ import annotations

import numpy as np
import pytest
from dancer import ANKLES, LENGTHS, dance
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.pose import body, skeleton
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.retarget import MODES, fit, retarget

LEGS = [skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE, *ANKLES]


def hide(joints, indices):
    hidden = joints.copy()
    hidden[:, indices] = 0.0
    return hidden


def lengths_of(joints, bones):
    joints = body.with_pelvis(joints)
    return np.stack([np.linalg.norm(joints[:, c, :2] - joints[:, p, :2], axis=-1) for p, c in bones], axis=-1)


@pytest.mark.parametrize("hidden", [[], LEGS, ANKLES, [0], [1], [0, 1], list(range(2, 14))])
@pytest.mark.parametrize("mode", MODES)
def test_retargeting_to_oneself_changes_nothing(mode, hidden):
    joints = hide(dance(), hidden)
    np.testing.assert_allclose(retarget(joints, joints, mode), joints, atol=1e-3)


@given(
    scale=st.floats(0.2, 5.0),
    shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
    hidden=st.lists(st.integers(0, 13), max_size=5),
)
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize("mode", ["global", "bone"])
def test_size_and_place_of_the_target_do_not_matter(mode, scale, shift, hidden):
    target, source = hide(dance(1), hidden), dance(2, x=300.0)
    moved = target.copy()
    moved[..., :2] = np.where(target[..., 2:] > 0, scale * target[..., :2] + shift, 0.0)
    expected = retarget(target, source, mode)
    np.testing.assert_allclose(retarget(moved, source, mode), expected, atol=0.05)


@given(scale=st.floats(0.3, 3.0), x=st.floats(-200, 200), ground=st.floats(-200, 200))
@settings(max_examples=20, deadline=None)
def test_same_dance_elsewhere_is_carried_over_exactly(scale, x, ground):
    lengths = {kind: scale * length for kind, length in LENGTHS.items()}
    source = dance(3, lengths=lengths, x=x, ground=ground)
    target = dance(3, x=100.0)
    expected = scale * target[..., :2] + source[:1, :1, :2] - scale * target[:1, :1, :2]
    result = retarget(target, source, "global")
    np.testing.assert_allclose(result[..., 1], expected[..., 1], atol=0.05)
    np.testing.assert_allclose(np.diff(result[..., :2], axis=0), np.diff(expected, axis=0), atol=0.05)


def test_global_stands_on_the_sources_ground_at_its_place():
    target, source = dance(4, x=50.0, ground=90.0), dance(5, x=400.0, ground=500.0)
    result = retarget(target, source)
    np.testing.assert_allclose(result[:, ANKLES, 1].max(1), 500.0, atol=0.1)
    trunk = [1, 2, 5, 8, 11]
    assert np.median(result[:, trunk, 0].mean(1)) == pytest.approx(np.median(source[:, trunk, 0].mean(1)), abs=0.1)


def test_global_scales_by_standing_height():
    lengths = {kind: 1.7 * length for kind, length in LENGTHS.items()}
    result = retarget(dance(4), dance(5, lengths=lengths))
    bones = body.CHAINS["shin"]
    np.testing.assert_allclose(lengths_of(result, bones), 1.7 * LENGTHS["shin"], rtol=1e-4)


def test_bones_get_the_sources_lengths():
    lengths = dict(LENGTHS, thigh=50.0, shin=45.0, torso=45.0, upper_arm=32.0, head=25.0)
    target, source = dance(6), dance(7, lengths=lengths, ground=300.0)
    result = retarget(target, source, "bone")
    for kind, bones in body.CHAINS.items():
        np.testing.assert_allclose(lengths_of(result, bones), lengths[kind], rtol=1e-3)
        before = body.with_pelvis(target)
        after = body.with_pelvis(result)
        for parent, child in bones:
            a = before[:, child, :2] - before[:, parent, :2]
            b = after[:, child, :2] - after[:, parent, :2]
            np.testing.assert_allclose(a[:, 0] * b[:, 1], a[:, 1] * b[:, 0], atol=0.5)


def test_bone_keeps_the_feet_on_the_ground():
    lengths = dict(LENGTHS, thigh=52.0, shin=32.0)
    result = retarget(dance(6), dance(7, lengths=lengths, ground=300.0), "bone")
    np.testing.assert_allclose(result[:, ANKLES, 1].max(1), 300.0, atol=0.1)


def test_jump_stays_a_jump_of_the_same_height():
    target = dance(8)
    target[10:15, :, 1] -= 30.0
    for mode in ("global", "bone"):
        result = retarget(target, dance(8, ground=400.0), mode)
        np.testing.assert_allclose(result[10:15, ANKLES, 1].max(1), 370.0, atol=0.1)


def test_without_ankles_the_neck_is_held_in_place():
    target, source = hide(dance(9), LEGS), dance(9, ground=400.0)
    lengths = dict(LENGTHS, torso=60.0)
    for mode in ("global", "bone"):
        result = retarget(target, source, mode)
        np.testing.assert_allclose(result[:, 1], source[:, 1], atol=0.1)
    result = retarget(target, dance(9, lengths=lengths, ground=400.0), "bone")
    moved = retarget(target, dance(9, lengths=lengths, ground=400.0), "global")
    np.testing.assert_allclose(result[:, 1, 1], moved[:, 1, 1], atol=0.1)


def test_seated_source_does_not_shrink_the_target():
    source = dance(10)
    for hip, knee, ankle in ((8, 9, 10), (11, 12, 13)):
        thigh = 0.8 * (source[:, knee, :2] - source[:, hip, :2])  # seen end on
        source[:, knee, :2] -= thigh
        source[:, ankle, :2] -= thigh
    result = retarget(dance(11), source)
    np.testing.assert_allclose(lengths_of(result, body.CHAINS["shin"]), LENGTHS["shin"], rtol=0.02)


def test_bone_of_a_source_seen_from_the_side_keeps_plausible_shoulders():
    source = dance(12)
    source[:, [2, 5], 0] = source[:, [1], 0]
    result = retarget(dance(12), source, "bone")
    assert lengths_of(result, body.CHAINS["shoulders"]).min() > 0.7 * LENGTHS["shoulders"]


@given(
    missing=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 13)), max_size=60),
    confidence=st.floats(0.05, 1.0),
)
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize("mode", MODES)
def test_joints_that_are_found_keep_their_confidence_and_others_have_little(mode, missing, confidence):
    target = dance(13, frames=12)
    target[..., 2] = confidence
    for frame, joint in missing:
        target[frame, joint] = 0.0
    result = retarget(target, dance(14), mode)
    assert result.dtype == np.float32 and result.shape == target.shape
    assert np.isfinite(result).all()
    found = target[..., 2] > 0.0
    np.testing.assert_array_equal(result[found, 2], target[found, 2])
    assert result[~found, 2].max(initial=0.0) <= min(confidence, 0.1) + 1e-6
    gone = ~found if mode == "none" else result[..., 2] == 0.0
    np.testing.assert_array_equal(result[gone], 0.0)


@pytest.mark.parametrize("mode", ["global", "bone"])
def test_a_target_that_is_filmed_to_the_waist_gets_the_sources_legs(mode):
    source = dance(14, lengths={kind: 2 * length for kind, length in LENGTHS.items()}, ground=400.0)
    result = retarget(hide(dance(13), LEGS), source, mode)
    for hip, knee, ankle in ((8, 9, 10), (11, 12, 13)):
        np.testing.assert_allclose(result[:, knee, :2] - result[:, hip, :2], [[0, 84]] * 30, atol=0.5)
        np.testing.assert_allclose(result[:, ankle, :2] - result[:, knee, :2], [[0, 80]] * 30, atol=0.5)
    np.testing.assert_allclose(result[:, LEGS, 2], 0.1)


def test_a_bust_gets_trunk_and_arms_too():
    target = hide(dance(13), [j for j in range(14) if j not in (0, 1, 2, 5)])
    result = retarget(target, dance(14))
    assert (result[..., 2] > 0).all()
    fall = result[:, [8, 11]] - result[:, [2, 5]]
    np.testing.assert_allclose(fall[..., 1], LENGTHS["torso"], rtol=0.01)
    width = (result[:, 11, 0] - result[:, 8, 0]) / (result[:, 5, 0] - result[:, 2, 0])
    np.testing.assert_allclose(width, LENGTHS["hips"] / LENGTHS["shoulders"], rtol=0.01)


def test_a_missing_ankle_and_wrist_go_on_along_shin_and_forearm():
    whole = dance(13)
    result = retarget(hide(whole, [4, 13]), dance(14))
    for root, middle, end, kind in ((2, 3, 4, "forearm"), (11, 12, 13, "shin")):
        upper, lower = (result[:, b, :2] - result[:, a, :2] for a, b in ((root, middle), (middle, end)))
        np.testing.assert_allclose(np.linalg.norm(lower, axis=-1), LENGTHS[kind], rtol=0.01)
        along = lower / LENGTHS[kind] * np.linalg.norm(upper, axis=-1, keepdims=True)
        np.testing.assert_allclose(along, upper, atol=0.5)


def test_what_the_source_never_shows_is_not_laid():
    result = retarget(hide(dance(13), ANKLES), hide(dance(14), ANKLES))
    np.testing.assert_array_equal(result[:, ANKLES], 0.0)


@pytest.mark.parametrize("mode", MODES)
def test_nobody_stays_nobody(mode):
    target = dance(13)
    target[5:9] = 0.0
    np.testing.assert_array_equal(retarget(target, dance(14), mode)[5:9], 0.0)


def test_one_wild_frame_hardly_matters():
    source, target = dance(15, frames=60), dance(16, frames=60)
    wild = target.copy()
    wild[7, :, :2] = np.random.default_rng(0).uniform(-1000, 1000, (14, 2))
    keep = np.arange(60) != 7
    expected, result = retarget(target, source)[keep], retarget(wild, source)[keep]
    np.testing.assert_allclose(result, expected, atol=2.0)


def test_bodies_with_nothing_in_common_cannot_be_compared():
    arms, legs = hide(dance(), [8, 9, 10, 11, 12, 13, 0]), hide(dance(), list(range(8)))
    with pytest.raises(PoseError, match="no part of the body in common"):
        retarget(arms, legs)
    with pytest.raises(PoseError, match="in common"):
        retarget(dance(), np.zeros((5, 14, 3)))
    np.testing.assert_array_equal(retarget(arms, legs, "none"), arms)


def test_unknown_mode_names_the_known_ones():
    with pytest.raises(PoseError, match="'ik'.*none, global, bone"):
        retarget(dance(), dance(), "ik")


def test_stature_is_that_of_a_standing_body():
    upright = LENGTHS["head"] + LENGTHS["torso"] + LENGTHS["thigh"] + LENGTHS["shin"]
    assert body.stature(dance()) == pytest.approx(upright, rel=0.01)
    assert body.stature(hide(dance(), LEGS)) == pytest.approx(upright, rel=0.1)
    assert body.stature(np.zeros((3, 14, 3))) == 0.0


@pytest.mark.parametrize("mode", MODES)
def test_a_fit_carries_single_poses_over_as_the_whole_video(mode):
    target, source = dance(13), dance(14, lengths=dict(LENGTHS, thigh=50.0), x=300.0, ground=400.0)
    fitted = fit(target, source, mode)
    alone = np.concatenate([fitted.apply(pose[np.newaxis]) for pose in target])
    np.testing.assert_array_equal(alone, retarget(target, source, mode))


def test_what_follows_on_a_fit_does_not_change_it():
    target, source = dance(15, frames=60), dance(16, x=300.0, ground=400.0)
    fitted = fit(target[:30], source)
    high = target[30:] - np.array([0.0, 50.0, 0.0], np.float32)  # the jump of a lifetime
    rise = fitted.apply(target[30:])[..., 1] - fitted.apply(high)[..., 1]
    np.testing.assert_allclose(rise, 50.0 * fitted.scale, rtol=1e-4)
