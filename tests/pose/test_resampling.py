"""Poses at other times than those of frames."""

from __future__ import annotations

import numpy as np
import pytest
from dancer import dance

from stmt_tf.pose.resampling import moments_at_rate, nearest, poses_at

TIMES = np.arange(10) / 25


def moving(times=TIMES):
    """A person who goes 100 pixels a second to the right."""
    joints = np.ones((len(times), 14, 3), np.float32)
    joints[..., 0] = 100 * times[:, np.newaxis]
    joints[..., 1] = 10 * np.arange(14)
    return joints


@pytest.mark.parametrize("fps", [10.0, 25.0, 30.0, 60.0, 29.97])
def test_poses_lie_where_the_person_is_at_each_moment(fps):
    moments = moments_at_rate(TIMES, 1 / 25, fps)
    assert len(moments) == np.ceil(0.4 * fps - 1e-3) and moments[0] == 0
    np.testing.assert_allclose(np.diff(moments), 1 / fps)
    found = poses_at(moving(), TIMES, moments)
    np.testing.assert_allclose(found[:, 3, 0], 100 * moments.clip(max=TIMES[-1]), atol=1e-4)


def test_a_rate_that_the_video_has_already_changes_nothing():
    times = 0.04 + np.arange(100) / 29.97
    moments = moments_at_rate(times, 1 / 29.97, 29.97)
    np.testing.assert_allclose(moments, times)
    np.testing.assert_array_equal(nearest(times, moments), np.arange(100))


def test_the_nearest_frame_belongs_to_a_moment():
    np.testing.assert_array_equal(nearest(np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.4, 0.6, 2.4, 2.6, 9.0])),
                                  [0, 0, 1, 1, 2, 2])  # fmt: skip


def test_a_joint_that_one_frame_lacks_is_that_of_the_nearer_one():
    joints = moving(TIMES[:2])
    joints[1, 5] = 0
    early, late = poses_at(joints, TIMES[:2], np.array([0.01, 0.03]))
    assert early[5, 2] == 1 and late[5, 2] == 0 and (late[5] == 0).all()
    assert early[4, 0] == pytest.approx(1) and late[4, 0] == pytest.approx(3)


def test_over_a_long_pause_a_pose_is_held():
    times = np.array([0.0, 2.0])
    found = poses_at(moving(times), times, np.array([0.5, 1.9, 2.0]))
    np.testing.assert_array_equal(found[:, 0, 0], [0, 0, 200])


def test_what_is_held_is_one_pose_and_no_mix_of_two():
    times = np.array([0.0, 2.0])
    joints = moving(times)
    joints[0, 5] = joints[1, 6] = 0
    found = poses_at(joints, times, np.array([0.5, 1.9, 2.0]))
    np.testing.assert_array_equal(found, joints[[0, 0, 1]])


def test_nobody_flies_through_a_cut():
    joints = dance(frames=4)
    joints[2:, :, 0] += 900
    found = poses_at(joints, np.arange(4) / 25, np.arange(13) / 100)
    np.testing.assert_allclose(found[2], (joints[0] + joints[1]) / 2, atol=1e-3)
    np.testing.assert_array_equal(found[[5, 7]], joints[[1, 2]])
