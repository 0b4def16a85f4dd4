"""Pose distance and the choice of source frames."""

from __future__ import annotations

import numpy as np
import pytest
from dancer import dance
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.pose import body, skeleton
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.selection import METHODS, pose_distance, select_source_frames

MIRROR = list(skeleton.MIRROR)


def turned(joints):
    """The same silhouette seen from behind: left and right change sides, the image does not."""
    return joints[..., MIRROR, :]


def test_distance_of_a_pose_to_itself_is_zero():
    joints = dance(0)
    np.testing.assert_allclose(pose_distance(joints, joints, 160.0), 0.0, atol=1e-6)


@given(shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
@settings(max_examples=20, deadline=None)
def test_distance_does_not_depend_on_place(shift):
    a, b = dance(0).astype(np.float64), dance(1).astype(np.float64)
    moved = b + np.array([*shift, 0.0])
    np.testing.assert_allclose(pose_distance(a, moved, 160.0), pose_distance(a, b, 160.0), atol=1e-6)
    np.testing.assert_allclose(pose_distance(b, a, 160.0), pose_distance(a, b, 160.0), atol=1e-6)


def test_distance_is_in_statures():
    a, b = dance(0), dance(1)
    bigger = (2.0, 2.0, 1.0)
    np.testing.assert_allclose(pose_distance(a * bigger, b * bigger, 320.0), pose_distance(a, b, 160.0), rtol=1e-4)


def test_one_wrist_that_moves_counts_a_fourteenth():
    a = dance(0, frames=1)
    b = a.copy()
    b[0, skeleton.LEFT_WRIST, 0] += 70.0
    assert pose_distance(a, b, 100.0)[0] == pytest.approx(0.7 / 14, rel=1e-5)


def test_back_is_farther_from_front_than_any_step_of_the_dance():
    joints = dance(0)
    steps = [pose_distance(joints, pose, 160.0).max() for pose in joints]
    assert pose_distance(joints, turned(joints), 160.0).min() > max(steps)


def test_poses_that_share_too_little_cannot_be_compared():
    a, b = dance(0, frames=1), dance(0, frames=1)
    a[:, :7], b[:, 7:] = 0.0, 0.0
    assert np.isinf(pose_distance(a, b, 160.0)).all()


def test_a_pose_is_at_no_distance_from_itself_wherever_it_stands():
    joints = dance(0)
    for i in (0, 7, 20):
        assert np.argmin(pose_distance(joints, joints[i] + np.array([50.0, -20.0, 0.0]), 160.0)) == i


def test_poses_that_look_the_same_way_are_nearer():
    front = dance(0, frames=5)
    source = np.concatenate([front, turned(front)])
    assert np.argmin(pose_distance(source, turned(front)[2], 160.0)) == 7


@pytest.mark.parametrize("method", METHODS)
@given(k=st.integers(1, 12), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_k_different_frames_in_order(method, k, seed):
    chosen = select_source_frames(dance(seed, frames=12), k, method, seed)
    assert len(chosen) == k and (np.diff(chosen) > 0).all()
    assert 0 <= chosen.min() and chosen.max() < 12


def test_random_choice_follows_its_seed():
    joints = dance(0, frames=50)
    first, again, other = (select_source_frames(joints, 4, "random", s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_coverage_shows_front_and_back():
    front = dance(0, frames=40)
    joints = np.concatenate([front, turned(front[-6:])])
    chosen = select_source_frames(joints, 2, "coverage")
    assert chosen[0] < 40 <= chosen[1]


def test_coverage_spreads_better_than_chance():
    joints = dance(0, frames=80)
    stature = body.stature(joints)

    def farthest(chosen):
        to_chosen = [pose_distance(joints, joints[i], stature) for i in chosen]
        return np.min(to_chosen, axis=0).max()

    random = [farthest(select_source_frames(joints, 4, "random", seed)) for seed in range(20)]
    assert farthest(select_source_frames(joints, 4, "coverage")) < np.median(random)


def test_coverage_of_frames_that_are_all_alike():
    joints = np.repeat(dance(0, frames=1), 10, axis=0)
    assert len(set(select_source_frames(joints, 5, "coverage"))) == 5


def test_misdetected_frame_is_not_chosen():
    joints = dance(0, frames=40)
    joints[17, :, 0] = 100 + 3.0 * (joints[17, :, 0] - 100)
    for k in (2, 4, 8):
        assert 17 not in select_source_frames(joints, k, "coverage")


@pytest.mark.parametrize("method", METHODS)
def test_incomplete_frames_are_chosen_only_when_there_are_no_others(method):
    joints = dance(0, frames=20)
    joints[5:, 8:] = 0.0
    for seed in range(5):
        assert select_source_frames(joints, 5, method, seed).max() < 5
    assert len(select_source_frames(joints, 12, method)) == 12


@pytest.mark.parametrize("method", METHODS)
def test_video_that_never_shows_the_legs_can_be_used(method):
    joints = dance(0, frames=20)
    joints[:, [9, 10, 12, 13]] = 0.0
    joints[3] = 0.0
    assert 3 not in select_source_frames(joints, 19, method)


def test_more_frames_than_show_a_person_is_an_error():
    joints = dance(0, frames=6)
    joints[4:] = 0.0
    with pytest.raises(PoseError, match="5 source frames asked for, but 4 of 6"):
        select_source_frames(joints, 5)
    with pytest.raises(PoseError, match="0 source frames"):
        select_source_frames(joints, 0)
    with pytest.raises(PoseError, match="'best'.*random, coverage"):
        select_source_frames(joints, 2, "best")
