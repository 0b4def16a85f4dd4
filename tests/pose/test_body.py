import numpy as np
import tensorflow as tf

from stmt_tf.pose import body, maps


def poses(*shape):
    joints = np.random.default_rng(0).uniform(0, 64, (*shape, 14, 3)).astype(np.float32)
    joints[..., 2] = 1.0
    return joints


def test_a_person_is_visible_by_any_joint():
    joints = poses(3, 2)
    joints[0, 1, 1:, 2] = 0.0
    joints[2, 0, :, 2] = 0.0
    np.testing.assert_array_equal(body.visible(joints), [[True, True], [True, True], [False, True]])


def test_poses_are_as_far_apart_as_the_joints_they_share():
    one = poses()
    other = one.copy()
    other[:, 0] += 3.0
    other[0, 1] += 4.0  # 5 pixels off, the others 3
    assert np.isclose(body.mean_distance(one, other), (5 + 13 * 3) / 14, rtol=1e-5)
    other[1:, 2] = 0.0
    assert np.isclose(body.mean_distance(one, other), 5, rtol=1e-5)
    one[0, 2] = 0.0
    assert body.mean_distance(one, other) == np.inf


def test_parts_run_between_their_joints_and_the_torso_between_the_middles():
    joints = poses(2)
    start, end = body.part_ends(joints)
    segments, _ = maps.part_segments(tf.constant(joints))
    np.testing.assert_allclose(np.stack([start, end], -2), segments, rtol=1e-6)
    np.testing.assert_array_equal(start[:, 2], joints[:, 3, :2])  # the right forearm begins at the elbow
    np.testing.assert_allclose(end[:, -1], joints[:, [8, 11], :2].mean(1), rtol=1e-6)


def test_scaled_joints_stay_on_their_pixels():
    joints = poses(2)
    joints[0, 0, :2] = 0.0, 63.0  # the centres of the first and the last pixel of 64
    joints[0, 1, :2] = -0.5, 63.5  # their outer edges
    small = body.scaled_joints(joints, 0.25)
    np.testing.assert_allclose(small[0, :2, :2], [[-0.375, 15.375], [-0.5, 15.5]])
    np.testing.assert_array_equal(small[..., 2], joints[..., 2])
    np.testing.assert_allclose(body.scaled_joints(small, 4.0), joints, rtol=1e-5)
    np.testing.assert_array_equal(maps.scaled_joints(tf.constant(joints), 0.25), small)
    assert joints[0, 0, 0] == 0.0  # what was given is left alone
