import numpy as np
import pytest
from records import make_joints

from stmt_tf.metrics.pose_error import find_joints, pose_errors
from stmt_tf.pose import body
from stmt_tf.pose.estimators import Estimator
from stmt_tf.pose.skeleton import LEFT_WRIST, RIGHT_WRIST

SIZE = 64


class Scripted(Estimator):
    """Finds what it is told, frame by frame."""

    name = "scripted"

    def __init__(self, people):
        self.people = people
        self.closed = False

    def detect(self, frame, index):
        return self.people[index]

    def close(self):
        self.closed = True


@pytest.fixture
def asked():
    return make_joints(3, size=SIZE)


def torso(joints):
    return body.bone_lengths(joints)["torso"]


def test_poses_as_asked_for_have_no_error(asked):
    pck, distance = pose_errors(asked, asked, SIZE)
    np.testing.assert_array_equal(pck, np.ones(3))
    np.testing.assert_array_equal(distance, np.zeros(3))


@pytest.mark.parametrize("share, expected", [(0.19, 1.0), (0.21, 0.0)])
def test_distances_are_in_torsos(asked, share, expected):
    found = asked.copy()
    found[..., 0] += share * torso(asked)
    pck, distance = pose_errors(found, asked, SIZE)
    np.testing.assert_array_equal(pck, [expected] * 3)
    np.testing.assert_allclose(distance, [share] * 3, rtol=1e-4)


def test_joints_not_found_are_wrong_and_a_torso_away(asked):
    found = asked.copy()
    found[0, [RIGHT_WRIST, LEFT_WRIST]] = 0
    found[1] = 0
    pck, distance = pose_errors(found, asked, SIZE)
    np.testing.assert_allclose(pck, [12 / 14, 0, 1])
    np.testing.assert_allclose(distance, [2 / 14, 1, 0])


def test_no_joint_is_farther_away_than_a_torso(asked):
    found = asked.copy()
    found[:, RIGHT_WRIST, 0] += 3 * torso(asked)
    np.testing.assert_allclose(pose_errors(found, asked, SIZE)[1], [1 / 14] * 3)


def test_joints_not_asked_for_or_outside_the_frame_do_not_count(asked):
    wanted = asked.copy()
    wanted[0, RIGHT_WRIST] = 0
    wanted[0, LEFT_WRIST, 0] = SIZE + 5
    found = asked.copy()
    found[0, [RIGHT_WRIST, LEFT_WRIST], :2] = 1
    pck, distance = pose_errors(found, wanted, SIZE)
    assert pck[0] == 1 and distance[0] == 0


def test_without_a_torso_nothing_is_known(asked):
    for joints in (np.zeros_like(asked), np.where(np.arange(14)[:, None] == RIGHT_WRIST, asked, 0)):
        assert all(np.isnan(values).all() for values in pose_errors(asked, joints, SIZE))


def test_of_several_people_the_nearest_counts(asked):
    far, near = asked + np.float32([20, 0, 0]), asked + np.float32([1, 0, 0])
    people = [np.stack([far[0], near[0]]), np.zeros((0, 14, 3), np.float32), near[2:3]]
    estimator = Scripted(people)
    found = find_joints(np.zeros((3, SIZE, SIZE, 3), np.uint8), asked, lambda: estimator)
    np.testing.assert_array_equal(found, [near[0], np.zeros((14, 3)), near[2]])
    assert estimator.closed
