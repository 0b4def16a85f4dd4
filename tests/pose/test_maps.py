import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from records import STANDING, make_joints

from stmt_tf.pose.maps import joint_heatmaps, part_log_confidence, part_log_priors, part_segments, part_transforms
from stmt_tf.pose.skeleton import HEAD, LEFT_HIP, LEFT_WRIST, NECK, NUM_PARTS, PARTS, RIGHT_ELBOW

PART = {part.name: i for i, part in enumerate(PARTS)}
POSES = hnp.arrays(np.float32, (14, 2), elements=st.floats(0, 64, width=32))


def pose(places, missing=()) -> np.ndarray:
    joints = np.concatenate([places, np.ones((14, 1))], -1).astype(np.float32)
    joints[list(missing), 2] = 0.0
    return joints


def apply(transforms, points) -> np.ndarray:
    """Carries points `[10, 2]`, each by its part's transform `[10, 6]`."""
    matrices = np.asarray(transforms).reshape(-1, 2, 3)
    return np.einsum("pij,pj->pi", matrices[..., :2], points) + matrices[..., 2]


def test_heatmap_peaks_with_one_at_its_joint():
    joints = np.zeros((14, 3), np.float32)
    joints[NECK] = (20.5, 8.5, 0.3)  # between image pixels 20 and 21: the half-size map's pixel 10
    heatmaps = joint_heatmaps(joints, 64).numpy()
    assert heatmaps.shape == (32, 32, 14)
    assert heatmaps[4, 10, NECK] == heatmaps[..., NECK].max() == 1.0


def test_heatmap_falls_as_a_gaussian_of_seven_quarters_at_256():
    joints = np.zeros((14, 3), np.float32)
    joints[NECK] = (100.5, 60.5, 1.0)
    heatmap = joint_heatmaps(joints, 256).numpy()[..., NECK]
    np.testing.assert_allclose(heatmap[30, 52], np.exp(-(2**2) / (2 * 1.75**2)), rtol=1e-4)
    np.testing.assert_allclose(heatmap[31, 51], np.exp(-2 / (2 * 1.75**2)), rtol=1e-4)


def test_heatmap_scales_with_the_image():
    small, large = np.zeros((2, 14, 3), np.float32)
    small[NECK], large[NECK] = (20.5, 8.5, 1.0), (82.5, 34.5, 1.0)  # map pixels (10, 4), (41, 17)
    one = joint_heatmaps(small, 64).numpy()[4, 11, NECK]
    four = joint_heatmaps(large, 256).numpy()[17, 45, NECK]
    np.testing.assert_allclose(one, four, rtol=1e-4)


def test_missing_joint_has_an_empty_heatmap():
    joints = pose(STANDING * 64, missing=[LEFT_WRIST])
    mass = joint_heatmaps(joints, 64).numpy().sum((0, 1))
    assert mass[LEFT_WRIST] == 0.0
    assert (np.delete(mass, LEFT_WRIST) > 0.1).all()


def test_heatmaps_take_any_leading_axes():
    joints = make_joints(2, 3)
    whole = joint_heatmaps(joints, 32)
    np.testing.assert_array_equal(whole[1, 2], joint_heatmaps(joints[1, 2], 32))


def test_priors_peak_within_their_segments():
    joints = pose(np.round(STANDING * 128))
    log_priors = part_log_priors(joints, 128).numpy()
    segments, _ = part_segments(joints)
    for part in range(NUM_PARTS):
        y, x = np.unravel_index(log_priors[..., 1 + part].argmax(), (128, 128))
        np.testing.assert_allclose((x, y), np.mean(segments[part], 0), atol=1.0)
    assert log_priors.max() <= 1e-6
    np.testing.assert_allclose(log_priors.min(), np.log(1e-10), rtol=1e-5)


def test_prior_of_a_limb_has_posewarps_gaussian():
    places = np.full((14, 2), 10.0)
    places[2:4] = (100, 120), (160, 120)  # right upper arm, level and 60 pixels long
    prior = np.exp(part_log_priors(pose(places), 256).numpy()[..., 1 + PART["right_upper_arm"]])
    np.testing.assert_allclose(prior[120, 130], 1.0, rtol=1e-5)
    np.testing.assert_allclose(prior[131, 130], np.exp(-0.5), rtol=1e-4)  # 11 px across
    np.testing.assert_allclose(prior[120, 160], np.exp(-(30**2) / (2 * 60**2 / 1.5)), rtol=1e-4)


def test_background_prior_is_the_complement_of_the_strongest_part():
    priors = np.exp(part_log_priors(pose(STANDING * 64), 64).numpy())
    np.testing.assert_allclose(priors[..., 0], 1.0 - priors[..., 1:].max(-1), atol=1e-5)


def test_part_with_a_missing_joint_has_no_mask():
    log_priors = part_log_priors(pose(STANDING * 64, missing=[RIGHT_ELBOW, LEFT_HIP]), 64).numpy()
    gone = ["right_upper_arm", "right_forearm", "left_thigh", "torso"]
    for name, part in PART.items():
        assert (log_priors[..., 1 + part].max() < -20.0) == (name in gone), name


def test_no_joints_at_all_are_all_background():
    log_priors = part_log_priors(np.zeros((14, 3), np.float32), 32).numpy()
    np.testing.assert_allclose(log_priors[..., 0], 0.0, atol=1e-6)


def test_part_seen_end_on_keeps_a_small_mask():
    places = STANDING * 64
    places[RIGHT_ELBOW] = places[RIGHT_ELBOW + 1]
    prior = np.exp(part_log_priors(pose(places), 64).numpy()[..., 1 + PART["right_forearm"]])
    assert prior.max() > 0.9
    assert (prior > 0.1).mean() < 0.05


def test_a_part_is_seen_as_surely_as_its_least_sure_joint():
    joints = make_joints(2, 3)
    joints[..., 2] = np.random.default_rng(0).uniform(0.1, 1, (2, 3, 14))
    found = part_log_confidence(joints)
    assert found.shape == (2, 3, NUM_PARTS)
    for part, i in zip(PARTS, PART.values()):
        least = np.min([joints[..., joint, 2] for joint in part.joints], 0)
        np.testing.assert_allclose(found[..., i], np.log(least), rtol=1e-5, err_msg=part.name)


def test_confidence_of_a_part_counts_between_a_fiftieth_and_one():
    joints = pose(STANDING * 64)
    joints[[RIGHT_ELBOW, LEFT_WRIST, LEFT_HIP, HEAD, NECK], 2] = 0.0, 0.01, 0.03, 1.5, 1.5
    found = np.exp(part_log_confidence(joints).numpy())
    expected = dict.fromkeys(PART, 1.0)
    expected |= dict.fromkeys(("right_upper_arm", "right_forearm", "left_forearm"), 0.02)
    expected |= dict.fromkeys(("left_thigh", "torso"), 0.03)
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(source=POSES, target=POSES)
def test_transforms_carry_segment_ends_from_target_to_source(source, target):
    source, target = pose(source), pose(target)
    transforms = part_transforms(source, target)
    (from_ends, _), (to_ends, _) = part_segments(target), part_segments(source)
    from_ends, to_ends = np.asarray(from_ends), np.asarray(to_ends)
    length = np.linalg.norm(from_ends[:, 1] - from_ends[:, 0], axis=-1)
    usable = length > 1.0  # shorter ones magnify the rounding
    for end in (0, 1):
        carried = apply(transforms, from_ends[:, end])
        np.testing.assert_allclose(carried[usable], to_ends[usable, end], atol=0.02)


@settings(max_examples=15, deadline=None)
@given(source=POSES, target=POSES)
def test_transforms_are_similarities_without_mirroring(source, target):
    matrices = part_transforms(pose(source), pose(target)).numpy().reshape(-1, 2, 3)[..., :2]
    np.testing.assert_array_equal(matrices[:, 0, 0], matrices[:, 1, 1])
    np.testing.assert_array_equal(matrices[:, 0, 1], -matrices[:, 1, 0])
    assert np.isfinite(matrices).all()


@pytest.mark.parametrize("role", ["source", "target"])
def test_part_missing_on_either_side_keeps_its_place(role):
    poses = {"source": pose(STANDING * 64), "target": pose(STANDING[::-1] * 64)}
    poses[role][RIGHT_ELBOW, 2] = 0.0
    transforms = part_transforms(poses["source"], poses["target"]).numpy()
    identity = (transforms == [1, 0, 0, 0, 1, 0]).all(-1)
    expected = [name in ("right_upper_arm", "right_forearm") for name in PART]
    assert identity.tolist() == expected


def test_part_without_length_in_the_target_keeps_its_place():
    target = pose(STANDING * 64)
    target[RIGHT_ELBOW] = target[RIGHT_ELBOW + 1]
    transform = part_transforms(pose(STANDING * 64), target)[PART["right_forearm"]]
    np.testing.assert_array_equal(transform, [1, 0, 0, 0, 1, 0])


def test_torso_turned_around_is_not_shrunk():
    source = pose(STANDING * 64)
    target = source.copy()
    target[[2, 5, 8, 11]] = source[[5, 2, 11, 8]]  # seen from behind
    transform = part_transforms(source, target)[PART["torso"]]
    np.testing.assert_allclose(transform, [1, 0, 0, 0, 1, 0], atol=1e-5)
