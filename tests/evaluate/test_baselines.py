import numpy as np
from records import make_joints

from stmt_tf.evaluate.baselines import copy_nearest_pose, source_median


def frames_of(*values):
    return np.stack([np.full((4, 4, 3), value, np.uint8) for value in values])


def test_nearest_pose_copies_the_frame_of_the_same_pose():
    frames, joints = frames_of(10, 20, 30), make_joints(3)
    made = copy_nearest_pose(frames, joints, joints[[2, 0, 0, 1]])
    np.testing.assert_array_equal(made, frames[[2, 0, 0, 1]])


def test_nearest_pose_is_the_nearest_in_the_picture():
    pose = make_joints(1, size=64)[0]
    aside, bent = pose + np.array([20, 0, 0], np.float32), pose.copy()
    bent[:3, 0] += 9  # 27 of 14 joints together, against 20 each
    joints = np.stack([aside, bent])
    np.testing.assert_array_equal(copy_nearest_pose(frames_of(10, 20), joints, pose[None]), frames_of(20))


def test_pose_that_shares_too_little_is_never_the_nearest():
    pose = make_joints(1, size=64)[0]
    little, far = pose.copy(), pose + np.array([30, 30, 0], np.float32)
    little[6:] = 0
    joints = np.stack([little, far])
    np.testing.assert_array_equal(copy_nearest_pose(frames_of(10, 20), joints, pose[None]), frames_of(20))


def test_median_of_an_odd_number_of_frames():
    np.testing.assert_array_equal(source_median(frames_of(10, 250, 20), 2), frames_of(20, 20))


def test_median_of_an_even_number_is_rounded():
    np.testing.assert_array_equal(source_median(frames_of(0, 10, 21, 255), 1), frames_of(16))


def test_median_is_taken_pixel_by_pixel():
    frames = frames_of(1, 1, 1)
    for step in range(3):
        frames[step, step, step] = 200  # each in one frame only: someone passing by
    np.testing.assert_array_equal(source_median(frames, 1), frames_of(1))


def test_one_source_frame_is_its_own_median_and_nearest():
    frames, joints = frames_of(42), make_joints(1)
    np.testing.assert_array_equal(source_median(frames, 3), frames_of(42, 42, 42))
    np.testing.assert_array_equal(copy_nearest_pose(frames, joints, make_joints(2, seed=5)), frames_of(42, 42))
