import numpy as np
import pytest
import tensorflow as tf
from dancer import dance
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.models.part_choice import nearest_frames, part_affinity
from stmt_tf.pose import skeleton
from stmt_tf.pose.maps import part_segments

SIZE = 256
RIGHT_FOREARM = [part.joints for part in skeleton.PARTS].index((skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST))


@pytest.fixture
def pose():
    return dance(frames=1)[0]


def affinity_of(source, target):
    """`[N, P]` of source poses `[N, 14, 3]` for one target pose."""
    return part_affinity(tf.constant(source)[None], tf.constant(target)[None], SIZE).numpy()[0]


def with_wrist(pose, angle=0.0, stretch=1.0):
    """The pose with its right forearm turned by so many radians, and so many times as long."""
    turned = pose.copy()
    elbow = pose[skeleton.RIGHT_ELBOW, :2]
    along = pose[skeleton.RIGHT_WRIST, :2] - elbow
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned[skeleton.RIGHT_WRIST, :2] = elbow + stretch * turn @ along
    return turned.astype(np.float32)


def pose_cost(one, other):
    """What the difference of two whole poses costs every part."""
    offsets = (other - one)[:, :2] / SIZE
    offsets -= offsets.mean(0)
    return np.square(offsets).sum(-1).mean() / 0.004


def test_the_same_pose_elsewhere_is_as_near_as_can_be(pose):
    np.testing.assert_allclose(affinity_of([pose + np.float32([9, -5, 0])], pose), 0.0, atol=1e-4)


@pytest.mark.parametrize("angle", [0.25, -0.5])
def test_half_a_radian_of_a_part_costs_one(pose, angle):
    turned = with_wrist(pose, angle)
    found = affinity_of([turned], pose)[0]
    whole = pose_cost(pose, turned)
    assert found[RIGHT_FOREARM] == pytest.approx(-((angle / 0.5) ** 2) - whole, abs=0.02)
    others = np.delete(found, RIGHT_FOREARM)
    np.testing.assert_allclose(others, -whole, atol=1e-3)


def test_a_fifth_more_of_a_parts_log_length_costs_one(pose):
    length = np.linalg.norm(np.diff(part_segments(pose)[0][RIGHT_FOREARM], axis=0))
    stretched = with_wrist(pose, stretch=1.3)
    expected = -((np.log((length + 1) / (1.3 * length + 1)) / 0.2) ** 2) - pose_cost(pose, stretched)
    assert affinity_of([stretched], pose)[0, RIGHT_FOREARM] == pytest.approx(expected, abs=0.01)


def test_who_shows_the_back_is_far_from_who_shows_the_front(pose):
    back = pose[list(skeleton.MIRROR)]  # the same places, left and right exchanged
    found = affinity_of([pose, back], pose)
    assert (found[1] < found[0] - 10).all()


def test_a_part_that_a_frame_does_not_show_is_never_near(pose):
    hidden = pose.copy()
    hidden[skeleton.RIGHT_WRIST] = 0
    found = affinity_of([hidden], pose)[0]
    assert found[RIGHT_FOREARM] == -1000
    assert (np.delete(found, RIGHT_FOREARM) > -20).all()


def test_a_wholly_different_pose_costs_no_more_than_a_bound():
    poses = dance(frames=2)
    far = poses[1].copy()
    far[:, :2] = far[::-1, :2] * 5
    segments = part_segments(np.stack([poses[0], far]))[0].numpy()
    along = segments[:, :, 1] - segments[:, :, 0]
    cross = along[1, :, 0] * along[0, :, 1] - along[1, :, 1] * along[0, :, 0]
    angle = np.arctan2(cross, (along[0] * along[1]).sum(-1) + 1)
    length = np.log(np.divide(*(np.linalg.norm(along, axis=-1) + 1)))
    own = -((angle / 0.5) ** 2) - (length / 0.2) ** 2
    found = affinity_of([far], poses[0])[0]
    assert (found - own >= -7 - 25 - 1e-2).all()  # the facing costs (2 / 0.4)^2 at most


def choose(affinity, count, sharpness=1.0):
    indices, shares = nearest_frames(tf.constant(affinity, tf.float32), count, tf.constant(sharpness))
    return indices.numpy(), shares.numpy()


def test_each_part_has_its_own_nearest_frames():
    affinity = np.array([[[-1.0, -9.0], [-2.0, -1.0], [-3.0, -2.0], [-9.0, -3.0]]])
    indices, shares = choose(affinity, 2)
    np.testing.assert_array_equal(indices[0].T, [[0, 1], [1, 2]])
    # Weights count from that of the first frame left out.
    weights = np.exp([0.0, -1.0]) - np.exp(-2.0)
    np.testing.assert_allclose(shares[0, :, 0], weights / weights.sum(), atol=1e-5)


def test_sharpness_gives_the_nearest_frame_more():
    affinity = np.array([[[-1.0], [-2.0], [-3.0], [-4.0]]])
    dull, sharp = (choose(affinity, 3, sharpness)[1][0, 0, 0] for sharpness in (1.0, 3.0))
    assert 0.5 < dull < 0.9 < sharp


def test_all_frames_are_taken_where_there_are_few():
    indices, shares = choose(np.array([[[-1.0], [0.0]]]), 3)
    np.testing.assert_array_equal(indices[0, :, 0], [1, 0])
    np.testing.assert_allclose(shares[0, :, 0], np.array([1.0, np.exp(-1)]) / (1 + np.exp(-1)), atol=1e-5)


def test_frames_that_are_alike_share_alike():
    _, shares = choose(np.zeros([1, 5, 2]), 3)
    np.testing.assert_allclose(shares, 1 / 3, rtol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-8, 0), min_size=5, max_size=5), st.integers(0, 4), st.floats(0.1, 4.0))
def test_what_a_frame_gives_changes_without_a_jump(values, moved, sharpness):
    path = np.tile(np.array(values), [400, 1])
    path[:, moved] += np.linspace(-1, 1, 400)
    indices, shares = choose(path[..., np.newaxis], 3, sharpness)
    given_by_frame = np.zeros([400, 5])
    np.add.at(given_by_frame, (np.arange(400)[:, None], indices[..., 0]), shares[..., 0])
    # Where the chosen and the next are all alike, who gives what is arbitrary.
    ranked = np.sort(path, axis=1)
    clear = ranked[1:, -1] - ranked[1:, -4] > 0.3
    jumps = np.abs(np.diff(given_by_frame, axis=0)).max(1)
    assert jumps[clear].max(initial=0.0) < 0.1


def test_order_of_the_frames_does_not_matter():
    affinity = -np.random.default_rng(0).uniform(0, 9, [2, 6, 10])
    order = np.random.default_rng(1).permutation(6)
    indices, shares = choose(affinity, 3)
    turned, turned_shares = choose(affinity[:, order], 3)
    np.testing.assert_array_equal(order[turned], indices)
    np.testing.assert_allclose(turned_shares, shares, rtol=1e-6)
