import numpy as np
import pytest
import tensorflow as tf
from records import make_frames, make_joints

from stmt_tf.models.composition import (
    PredictionHeads,
    background_base,
    compose,
    foreground_base,
    pose_nearness,
)

SIZE = 32


def head_inputs(seed: int = 0, visible: float = 0.5, alpha: float = 0.5):
    random = np.random.default_rng(seed)
    features = [tf.constant(random.normal(size=(2, SIZE, SIZE, 4)), tf.float32) for _ in range(2)]
    bases = [tf.constant(make_frames(2, size=SIZE, seed=seed + i)) for i in range(2)]
    ones = tf.ones([2, SIZE, SIZE, 1])
    return (*features, (bases[0], alpha * ones), (bases[1], visible * ones))


def test_composition_is_exact():
    frame = compose(tf.fill([1, 2, 2, 3], 0.5), tf.fill([1, 2, 2, 3], -1.0), tf.fill([1, 2, 2, 1], 0.25))
    np.testing.assert_array_equal(frame, np.full([1, 2, 2, 3], -0.625))


@pytest.mark.parametrize("residual", [False, True])
def test_frame_is_the_composition_of_what_the_heads_give(residual):
    outputs = PredictionHeads(residual)(*head_inputs())
    expected = outputs["foreground"] * outputs["mask"] + outputs["background"] * (1 - outputs["mask"])
    np.testing.assert_array_equal(outputs["frame"], expected)
    assert 0.0 <= np.min(outputs["mask"]) <= np.max(outputs["mask"]) <= 1.0


def test_plain_heads_know_no_bases():
    heads, inputs = PredictionHeads(residual=False), head_inputs(0)
    other = (*inputs[:2], *head_inputs(5)[2:])
    one, two = heads(*inputs), heads(*other)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert np.abs(one["frame"]).max() <= 1.0


def test_new_residual_heads_give_about_the_bases():
    tf.keras.utils.set_random_seed(0)
    inputs = head_inputs(alpha=0.3, visible=0.0)
    outputs = PredictionHeads(residual=True)(*inputs)
    assert np.abs(outputs["foreground"] - inputs[2][0]).mean() < 0.1
    assert np.abs(outputs["background"] - inputs[3][0]).mean() < 0.1
    np.testing.assert_allclose(outputs["mask"], np.full([2, SIZE, SIZE, 1], 0.3), atol=0.15)


def test_residual_heads_with_zero_kernels_give_the_bases():
    heads, inputs = PredictionHeads(residual=True), head_inputs(alpha=0.3)
    heads(*inputs)
    heads.set_weights([np.zeros_like(weight) for weight in heads.get_weights()])
    outputs = heads(*inputs)
    np.testing.assert_allclose(outputs["foreground"], inputs[2][0], atol=1e-6)
    np.testing.assert_allclose(outputs["background"], inputs[3][0], atol=1e-6)
    np.testing.assert_allclose(outputs["mask"], np.full([2, SIZE, SIZE, 1], 0.3), atol=1e-5)


def test_residual_heads_repaint_only_what_no_source_shows():
    inputs = head_inputs(visible=1.0)
    background = PredictionHeads(residual=True)(*inputs)["background"]
    np.testing.assert_array_equal(background, inputs[3][0])


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_residual_mask_stays_finite_and_movable_where_the_base_is_sure(alpha):
    heads, inputs = PredictionHeads(residual=True), head_inputs(alpha=alpha)
    heads(*inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs[2][1])
        mask = heads(*inputs)["mask"]
    gradients = tape.gradient(
        mask, [heads.mask.kernel, inputs[2][1]], unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert float(tf.norm(gradients[0])) > 1e-2
    assert np.abs(np.asarray(mask) - alpha).max() < 0.2


def test_background_hidden_in_one_frame_comes_from_the_other():
    frames = tf.constant(make_frames(1, 2, size=SIZE))
    visible = np.ones((1, 2, SIZE, SIZE, 1), np.float32)
    visible[0, 0, :16], visible[0, 1, 16:] = 0.0, 0.0
    base, anywhere = background_base(frames, tf.constant(visible))
    np.testing.assert_allclose(base[0, :16], frames[0, 1, :16], atol=1e-6)
    np.testing.assert_allclose(base[0, 16:], frames[0, 0, 16:], atol=1e-6)
    np.testing.assert_array_equal(anywhere, np.ones([1, SIZE, SIZE, 1]))


def test_background_seen_by_both_frames_is_their_mean():
    frames = tf.constant(make_frames(1, 2, size=SIZE))
    base, _ = background_base(frames, tf.ones([1, 2, SIZE, SIZE, 1]))
    np.testing.assert_allclose(base, tf.reduce_mean(frames, 1), atol=1e-6)


def test_background_hidden_everywhere_is_filled_and_so_marked():
    frames = tf.fill([1, 2, SIZE, SIZE, 3], 0.5)
    visible = np.ones((1, 2, SIZE, SIZE, 1), np.float32)
    visible[:, :, 8:24, 8:24] = 0.0
    base, anywhere = background_base(frames, tf.constant(visible))
    np.testing.assert_allclose(base, np.full([1, SIZE, SIZE, 3], 0.5), atol=1e-5)
    np.testing.assert_array_equal(anywhere, visible[:, 0])


def test_foreground_merges_by_nearness():
    composites = np.zeros((1, 2, 1, 1, 3), np.float32)
    composites[0, 0], composites[0, 1] = 0.8, -0.4
    alphas = np.ones((1, 2, 1, 1, 1), np.float32)
    colour, alpha = foreground_base(composites, alphas, tf.constant([[0.75, 0.25]])[:, :, None, None, None])
    np.testing.assert_allclose(colour, np.full([1, 1, 1, 3], 0.5), rtol=1e-6)
    np.testing.assert_allclose(alpha, [[[[1.0]]]])


def test_foreground_of_overlapping_parts_is_their_weighted_mean():
    composites = np.full((1, 1, 1, 1, 3), 2 * 0.6, np.float32)
    colour, alpha = foreground_base(composites, np.full((1, 1, 1, 1, 1), 2.0, np.float32), tf.ones([1, 1, 1, 1, 1]))
    np.testing.assert_allclose(colour, np.full([1, 1, 1, 3], 0.6), rtol=1e-6)
    np.testing.assert_array_equal(alpha, [[[[1.0]]]])


def test_foreground_merges_pixel_by_pixel():
    weights = np.zeros((1, 2, 2, 2, 1), np.float32)
    weights[0, 0, 0], weights[0, 1, 1] = 1.0, 1.0
    composites = np.stack([np.full((1, 2, 2, 3), level, np.float32) for level in (0.5, -0.5)], 1)
    colour, alpha = foreground_base(composites, np.ones((1, 2, 2, 2, 1), np.float32), weights)
    np.testing.assert_allclose(colour[0, :, :, 0], [[0.5, 0.5], [-0.5, -0.5]])
    np.testing.assert_allclose(alpha, np.ones((1, 2, 2, 1)))


def test_nearness_sums_to_one_and_prefers_the_same_pose():
    sources = make_joints(3, 4, size=SIZE)
    nearness = pose_nearness(sources, sources[:, 2], SIZE).numpy()
    np.testing.assert_allclose(nearness.sum(1), np.ones(3), rtol=1e-6)
    assert (nearness.argmax(1) == 2).all()


def test_nearness_does_not_see_where_a_person_stands():
    sources, target = make_joints(2, 3, size=SIZE), make_joints(2, size=SIZE, seed=1)
    np.testing.assert_allclose(
        pose_nearness(sources, target + [5.0, -3.0, 0.0], SIZE),
        pose_nearness(sources, target, SIZE),
        atol=1e-5,
    )


def test_nearness_looks_only_at_joints_found_in_both():
    sources, target = make_joints(1, 3, size=SIZE), make_joints(1, size=SIZE, seed=1)
    target[:, 4, 2] = 0.0
    strayed = target.copy()
    strayed[:, 4, :2] = 1e4
    np.testing.assert_array_equal(
        pose_nearness(sources, target, SIZE), pose_nearness(sources, strayed, SIZE)
    )


def test_nearness_without_a_shared_joint_is_even():
    sources = make_joints(1, 4, size=SIZE)
    nearness = pose_nearness(sources, np.zeros((1, 14, 3), np.float32), SIZE)
    np.testing.assert_allclose(nearness, np.full([1, 4], 0.25))
