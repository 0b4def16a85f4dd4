import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.models.composition import pose_distance
from stmt_tf.models.part_choice import nearest_frames, part_affinity, part_preference
from stmt_tf.pose import skeleton
from stmt_tf.pose.maps import part_log_priors
from stmt_tf.pose.skeleton import (
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_SHOULDER,
    LEFT_WRIST,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

SIZE = 256
PART = {part.name: i for i, part in enumerate(skeleton.PARTS)}
FOREARM, UPPER_ARM, TORSO = PART["right_forearm"], PART["right_upper_arm"], PART["torso"]
LEGS = [PART[f"{side}_{name}"] for side in ("right", "left") for name in ("thigh", "shin")]
NOT_ARMS = [i for name, i in PART.items() if "arm" not in name]
MIDDLE = (128.0, 125.0)  # of the torso, whose half is 25 pixels long
# What the most different facing costs each part: the head and the torso look otherwise from behind, limbs do not.
FACING = np.array([1 / 0.15**2 if name in ("head", "torso") else 1 / 0.4**2 for name in PART])
POSE, FARTHEST_POSE = 0.00057, 49.0  # the distance of two poses that costs one, and what the farthest pose costs


@pytest.fixture
def pose():
    """Faces the camera and holds up both arms. All limbs are upright, so that left and right ones are alike."""
    rows = [70, 95, 100, 60, 20, 100, 60, 20, 150, 195, 240, 150, 195, 240]
    columns = 128 + np.array([0, 0, -10, -10, -10, 10, 10, 10, -6, -6, -6, 6, 6, 6])
    return np.stack([columns, rows, np.ones(14)], -1).astype(np.float32)


def affinity_of(source, target):
    """`[N, P]` of source poses `[N, 14, 3]` for one target pose."""
    return part_affinity(tf.constant(source)[None], tf.constant(target)[None], SIZE).numpy()[0]


def pose_cost(one, other):
    """What the difference of two whole poses costs every part."""
    return float(pose_distance(one, other, SIZE)) / POSE


def with_forearm(pose, angle=0.0, stretch=1.0):
    """The pose with its right forearm turned by so many radians, and so many times as long."""
    turned = pose.copy()
    elbow = pose[RIGHT_ELBOW, :2]
    along = pose[RIGHT_WRIST, :2] - elbow
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned[RIGHT_WRIST, :2] = elbow + stretch * turn @ along
    return turned


def with_joint(pose, joint, **values):
    """The pose with another x, y or confidence of one joint."""
    changed = pose.copy()
    for name, value in values.items():
        changed[joint, ("x", "y", "confidence").index(name)] = value
    return changed


def test_the_same_pose_elsewhere_is_as_near_as_can_be(pose):
    np.testing.assert_allclose(affinity_of([pose + np.float32([9, -5, 0])], pose), 0.0, atol=1e-4)


# Each part's own.


@pytest.mark.parametrize("angle, cost", [(0.19, 1.0), (-0.38, 4.0)])
def test_a_fifth_of_a_radian_of_a_part_costs_one(pose, angle, cost):
    turned = with_forearm(pose, angle)
    expected = np.full(10, -pose_cost(turned, pose))
    expected[FOREARM] -= cost
    np.testing.assert_allclose(affinity_of([turned], pose)[0], expected, atol=0.01)


@pytest.mark.parametrize("log_length, cost", [(0.1, 1.0), (-0.2, 4.0)])
def test_a_tenth_of_a_parts_log_length_costs_one(pose, log_length, cost):
    stretch = (41 * np.exp(log_length) - 1) / 40  # of 40 pixels, and the one that keeps the logarithm finite
    stretched = with_forearm(pose, stretch=stretch)
    expected = np.full(10, -pose_cost(stretched, pose))
    expected[FOREARM] -= cost
    np.testing.assert_allclose(affinity_of([stretched], pose)[0], expected, atol=0.01)


def test_a_part_seen_end_on_has_no_angle(pose):
    down, up = (with_joint(pose, RIGHT_WRIST, y=60 + offset) for offset in (0.5, -0.5))
    assert affinity_of([down], up)[0, FOREARM] == pytest.approx(0.0, abs=0.01)


def test_a_part_that_a_frame_does_not_show_is_never_near(pose):
    hidden = pose.copy()
    hidden[RIGHT_WRIST] = 0
    found = affinity_of([hidden], pose)[0]
    assert found[FOREARM] == -10_000
    np.testing.assert_allclose(np.delete(found, FOREARM), 0.0, atol=1e-4)


def test_a_part_that_the_target_lacks_costs_no_frame_its_angle_or_length(pose):
    lacking = pose.copy()
    lacking[RIGHT_WRIST] = 0
    np.testing.assert_allclose(affinity_of([with_forearm(pose, 0.5, 1.2)], lacking), 0.0, atol=1e-4)


@pytest.mark.parametrize("confidence, cost", [(0.5, 8 * np.log(2)), (0.01, 8 * np.log(50))])
def test_parts_that_a_frame_hardly_shows_are_less_near_by_their_log_confidence(pose, confidence, cost):
    expected = np.zeros(10)
    expected[[UPPER_ARM, FOREARM]] = -cost
    found = affinity_of([with_joint(pose, RIGHT_ELBOW, confidence=confidence)], pose)[0]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_confidence_of_the_target_makes_no_frame_nearer(pose):
    np.testing.assert_allclose(affinity_of([pose], pose * np.float32([1, 1, 0.3])), 0.0, atol=1e-4)


# The side that the body shows.


def narrower(pose):
    """Turned to the side: the shoulders are half as wide and the hips as wide as before, 22 pixels of 32 in all."""
    turned = with_joint(pose, RIGHT_SHOULDER, x=123)
    return with_joint(turned, LEFT_SHOULDER, x=133)


def from_behind(pose):
    """The same places, left and right exchanged."""
    return pose[list(skeleton.MIRROR)]


def facing_cost(sources, target):
    """What each source pose's facing costs the parts that have the target's angle and length, `[N, P]`."""
    costs = -affinity_of(sources, target)
    return costs - np.array([pose_cost(source, target) for source in sources])[:, np.newaxis]


def test_facing_costs_head_and_torso_more_than_limbs(pose):
    found = facing_cost([pose, narrower(pose), from_behind(narrower(pose))], pose)[:, NOT_ARMS]
    expected = np.array([0, (10 / 32) ** 2, 1])[:, np.newaxis] * FACING[NOT_ARMS]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_the_back_is_no_farther_from_the_front_than_the_side_is(pose):
    edge_on = pose.copy()
    edge_on[[RIGHT_SHOULDER, LEFT_SHOULDER, RIGHT_HIP, LEFT_HIP], 0] = 128
    found = facing_cost([from_behind(pose), edge_on], pose)
    np.testing.assert_allclose(found[0], FACING, rtol=1e-3)
    np.testing.assert_allclose(found[1, [PART["head"], TORSO]], 1 / 0.15**2, rtol=1e-3)


def test_facing_is_measured_by_the_widest_view_of_either_side(pose):
    found = facing_cost([from_behind(pose), narrower(pose)], pose)
    np.testing.assert_allclose(found[1, NOT_ARMS], (10 / 32) ** 2 * FACING[NOT_ARMS], rtol=1e-3)


def test_facing_is_measured_by_the_widest_view_of_each_targets_own_frames(pose):
    sources, targets = tf.constant([[pose, pose], [narrower(pose), narrower(pose)]]), tf.constant([pose, pose])
    found = part_affinity(sources, targets, SIZE)
    np.testing.assert_allclose(found[1], affinity_of(sources[1], pose), atol=1e-3)


@pytest.mark.parametrize(
    ("lacking", "facing"), [([RIGHT_SHOULDER], 0.0), ([LEFT_HIP], 10 / 20), ([RIGHT_HIP, LEFT_HIP], 10 / 20)]
)
def test_facing_is_compared_by_what_both_poses_show(pose, lacking, facing):
    """Whose hips are out of view is not turned to the side."""
    target = pose.copy()
    target[lacking] = 0
    found = facing_cost([pose, narrower(pose)], target)[:, PART["head"]]
    np.testing.assert_allclose(found, [0, (facing / 0.15) ** 2], rtol=1e-3, atol=1e-3)
    found = facing_cost([target, narrower(target)], pose)[:, PART["head"]]
    np.testing.assert_allclose(found, [0, (facing / 0.15) ** 2], rtol=1e-3, atol=1e-3)


# The whole pose.


def test_another_pose_costs_every_part_up_to_a_bound(pose):
    for shift, bounded in ((20, False), (200, True)):
        moved = pose.copy()
        moved[[9, 10, 12, 13], 0] += shift  # knees and ankles
        cost = pose_cost(moved, pose)
        assert (cost > FARTHEST_POSE) == bounded
        found = np.delete(affinity_of([moved], pose)[0], LEGS)
        np.testing.assert_allclose(found, -min(cost, FARTHEST_POSE), atol=1e-3)


# Hands before the torso.


def with_hand_at(pose, x, y, elbow=RIGHT_ELBOW, wrist=RIGHT_WRIST):
    """The pose with the middle of a hand there: 0.3 forearms behind the wrist."""
    moved = pose.copy()
    moved[wrist, :2] = (np.array([x, y]) + 0.3 * pose[elbow, :2]) / 1.3
    return moved


@pytest.mark.parametrize("elbow, wrist", [(RIGHT_ELBOW, RIGHT_WRIST), (LEFT_ELBOW, LEFT_WRIST)])
def test_a_hand_before_the_torso_costs_the_torso_thirty(pose, elbow, wrist):
    before = with_hand_at(pose, *MIDDLE, elbow, wrist)
    expected = np.zeros(10)
    expected[TORSO] = -30
    # Also where the target has its hand there: the arm is shown by itself.
    np.testing.assert_allclose(affinity_of([before], before)[0], expected, atol=1e-3)


def test_the_targets_hand_costs_nothing(pose):
    before = with_hand_at(pose, *MIDDLE)
    found = affinity_of([pose], before)[0, TORSO]
    assert found == pytest.approx(-min(pose_cost(pose, before), FARTHEST_POSE), abs=1e-3)


@pytest.mark.parametrize("x, y", [(128, 151), (102, 125)])
def test_a_hand_half_a_torso_from_its_middle_costs_e_times_less(pose, x, y):
    beside = with_hand_at(pose, x, y)
    assert affinity_of([beside], beside)[0, TORSO] == pytest.approx(-30 / np.e, abs=1e-2)


def test_a_hand_that_may_be_behind_the_torso_costs_as_much_less_as_it_is_less_sure(pose):
    unsure = with_joint(with_hand_at(pose, *MIDDLE), RIGHT_WRIST, confidence=0.25)
    assert affinity_of([unsure], unsure)[0, TORSO] == pytest.approx(-30 / 4, abs=1e-3)


def test_a_hand_without_an_elbow_lies_at_its_wrist(pose):
    before = pose.copy()
    before[RIGHT_ELBOW], before[RIGHT_WRIST, :2] = 0, MIDDLE
    assert affinity_of([before], before)[0, TORSO] == pytest.approx(-30, abs=1e-3)


def test_two_hands_cost_twice_as_much(pose):
    both = with_hand_at(with_hand_at(pose, *MIDDLE), *MIDDLE, LEFT_ELBOW, LEFT_WRIST)
    assert affinity_of([both], both)[0, TORSO] == pytest.approx(-60, abs=1e-3)


# The nearest frames.


def choose(affinity, count):
    indices, shares = nearest_frames(tf.constant(affinity, tf.float32), count)
    return indices.numpy(), shares.numpy()


def test_each_part_has_its_own_nearest_frames():
    affinity = np.array([[[-1.0, -9.0], [-2.0, -1.0], [-3.0, -2.0], [-9.0, -3.0]]])
    indices, shares = choose(affinity, 2)
    np.testing.assert_array_equal(indices[0].T, [[0, 1], [1, 2]])
    # Weights count from that of the first frame left out.
    weights = np.exp([0.0, -1.0]) - np.exp(-2.0)
    np.testing.assert_allclose(shares[0], np.tile(weights / weights.sum(), [2, 1]).T, atol=1e-5)


def test_all_frames_are_taken_where_there_are_few():
    indices, shares = choose(np.array([[[-1.0], [0.0]]]), 3)
    np.testing.assert_array_equal(indices[0, :, 0], [1, 0])
    np.testing.assert_allclose(shares[0, :, 0], np.array([1.0, np.exp(-1)]) / (1 + np.exp(-1)), atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_frames_are_chosen_alike_where_their_number_is_not_known_before(frames):
    affinity = -np.random.default_rng(0).uniform(0, 3, [2, frames, 10]).astype(np.float32)
    dynamic = tf.function(lambda x: nearest_frames(x, 2), input_signature=[tf.TensorSpec([None, None, None])])
    for found, expected in zip(dynamic(affinity), choose(affinity, 2)):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_where_no_frame_is_near_the_nearest_are_taken():
    affinity = np.array([[[-1000.0], [-1001.0], [-9000.0]]])
    _, shares = choose(affinity, 2)
    np.testing.assert_allclose(shares[0, :, 0], np.array([1.0, np.exp(-1)]) / (1 + np.exp(-1)), atol=1e-5)


def test_frames_that_are_alike_share_alike():
    _, shares = choose(np.zeros([1, 5, 2]), 3)
    np.testing.assert_allclose(shares, 1 / 3, rtol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-8, 0), min_size=5, max_size=5), st.integers(0, 4))
def test_what_a_frame_gives_changes_without_a_jump(values, moved):
    path = np.tile(np.array(values), [400, 1])
    path[:, moved] += np.linspace(-1, 1, 400)
    indices, shares = choose(path[..., np.newaxis], 3)
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


@pytest.fixture
def shown():
    """Two frames of the same pose: logarithms of the priors and masks, of which the first shows every part wholly."""
    pose = np.array([[32, y, 1] for y in (8, 16, 18, 26, 34, 18, 26, 34, 36, 46, 56, 36, 46, 56)], np.float32)
    priors = part_log_priors(tf.constant(pose), 64)
    masks = np.ones([1, 2, 64, 64, 10], np.float32)
    return tf.tile(priors[None, None], [1, 2, 1, 1, 1]), masks


@pytest.mark.parametrize(("share", "cost"), [(1.0, 0.0), (0.75, 0.0), (0.5, 40 * np.log(1.2)), (0.0, 40 * np.log(50))])
def test_a_frame_that_shows_less_than_most_of_a_part_is_less_near_by_how_much_less(shown, share, cost):
    priors, masks = shown
    masks[0, 1, ..., FOREARM] = share
    expected = np.zeros([1, 1, 2, 10])
    expected[0, 0, 1, FOREARM] = -cost
    np.testing.assert_allclose(part_preference(priors, masks), expected, atol=1e-3)


def test_it_counts_what_a_frame_shows_along_the_parts_axis(shown):
    priors, masks = shown
    masks[0, 1, :, :16, FOREARM] = 0
    masks[0, 1, :, 48:, FOREARM] = 0
    np.testing.assert_allclose(part_preference(priors, masks), np.zeros([1, 1, 2, 10]), atol=1e-3)
    masks[0, 1, 24:36, 28:37, FOREARM] = 0
    assert part_preference(priors, masks)[0, 0, 1, FOREARM] < -10


def test_a_part_that_no_frame_shows_well_is_compared_with_the_best(shown):
    priors, masks = shown
    masks[0, 0, ..., FOREARM], masks[0, 1, ..., FOREARM] = 0.4, 0.2
    preference = part_preference(priors, masks)[0, 0, :, FOREARM]
    np.testing.assert_allclose(preference, [0, -40 * np.log(1.2)], atol=1e-3)


def test_a_part_that_even_the_best_frame_hardly_shows_is_compared_with_a_fiftieth(shown):
    priors, masks = shown
    masks[0, 0, ..., FOREARM], masks[0, 1, ..., FOREARM] = 0.01, 0.005
    preference = part_preference(priors, masks)[0, 0, :, FOREARM]
    np.testing.assert_allclose(preference, [-40 * np.log(2), -40 * np.log(4)], atol=1e-2)


def test_masks_are_not_trained_towards_being_chosen(shown):
    priors, masks = shown
    masks = tf.constant(0.5 * masks)
    with tf.GradientTape() as tape:
        tape.watch(masks)
        preference = tf.reduce_sum(part_preference(priors, masks))
    assert tape.gradient(preference, masks) is None
