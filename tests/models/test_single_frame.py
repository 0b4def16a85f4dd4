import numpy as np
import pytest
import tensorflow as tf
from records import conv_ops, make_example, make_joints

from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_single_frame
from stmt_tf.models.single_frame import SingleFrameTransfer

CONFIG = ModelConfig(size=32, width=0.05)


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(0)
    return create_single_frame(CONFIG)


@pytest.fixture(scope="module")
def residual_model():
    tf.keras.utils.set_random_seed(0)
    return create_single_frame(ModelConfig(size=32, width=0.05, residual_heads=True))


@pytest.fixture(scope="module")
def full_size_graph():
    """The function graph at width 1 and 256 pixels, one source and one target frame; never run."""
    model = SingleFrameTransfer(256)
    spec = {
        "source_frames": tf.TensorSpec([1, 1, 256, 256, 3]),
        "source_joints": tf.TensorSpec([1, 1, 14, 3]),
        "target_joints": tf.TensorSpec([1, 1, 14, 3]),
    }
    return model, tf.function(lambda inputs: model(inputs)).get_concrete_function(spec).graph


def test_full_size_has_7_9_million_parameters(full_size_graph):
    model, _ = full_size_graph
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert parameters == pytest.approx(7.9e6, rel=0.01)


def test_full_size_takes_113_gflop_a_frame(full_size_graph):
    _, graph = full_size_graph
    flops = 0
    for op in conv_ops(graph):
        _, height, width, _ = op.outputs[0].shape
        flops += 2 * height * width * int(np.prod(op.inputs[1].shape))
    assert flops == pytest.approx(113e9, rel=0.01)


@pytest.mark.parametrize("name", ["model", "residual_model"])
def test_outputs_have_their_shapes_and_ranges(name, request):
    outputs = request.getfixturevalue(name)(make_example(batch=2, targets=3))
    for image in ("frame", "foreground", "background"):
        assert outputs[image].shape == [2, 3, 32, 32, 3]
    assert outputs["mask"].shape == [2, 3, 32, 32, 1]
    assert outputs["background_mask"].shape == [2, 1, 32, 32, 1]
    for mask in ("mask", "background_mask"):
        assert 0.0 <= np.min(outputs[mask]) <= np.max(outputs[mask]) <= 1.0


def test_masks_sum_to_one(model):
    example = make_example(batch=2, sources=3)
    source = model.encode_source(example["source_frames"], example["source_joints"])
    total = source["background_mask"][..., 0] + tf.reduce_sum(source["parts"][..., 3], 2)
    assert source["parts"].shape == [2, 3, 10, 32, 32, 4]
    np.testing.assert_allclose(total, np.ones([2, 3, 32, 32]), atol=1e-5)


@pytest.mark.parametrize("name", ["model", "residual_model"])
def test_targets_together_equal_each_alone(name, request):
    model, example = request.getfixturevalue(name), make_example(batch=2, targets=3)
    together = model(example)
    for i in range(3):
        alone = model({**example, "target_joints": example["target_joints"][:, i : i + 1]})
        for image in ("frame", "foreground", "background", "mask"):
            np.testing.assert_allclose(together[image][:, i], alone[image][:, 0], atol=1e-5)


def test_background_does_not_depend_on_the_target(model):
    example = make_example()
    other = {**example, "target_joints": tf.constant(make_joints(2, 1, seed=9))}
    one, two = model(example), model(other)
    np.testing.assert_array_equal(one["background"], two["background"])
    assert not np.allclose(one["frame"], two["frame"], atol=1e-4)


def test_examples_of_a_batch_do_not_mix(model):
    example = make_example(batch=2)
    alone = model({name: value[1:] for name, value in example.items()})
    np.testing.assert_allclose(model(example)["frame"][1], alone["frame"][0], atol=1e-5)


def test_new_residual_model_in_its_own_pose_nearly_shows_the_source(residual_model):
    example = make_example(batch=1)
    outputs = residual_model({**example, "target_joints": example["source_joints"]})
    error = np.abs(outputs["frame"] - example["source_frames"])
    assert error.mean() < 0.06


def test_pose_without_any_joint_gives_finite_frames(residual_model):
    example = make_example(batch=1)
    for role in ("source_joints", "target_joints"):
        outputs = residual_model({**example, role: tf.zeros_like(example[role])})
        assert np.isfinite(outputs["frame"]).all()


def test_mask_network_learns_through_the_warp(residual_model):
    # Only the warped parts can carry this gradient: the background is held fixed.
    example = make_example()
    with tf.GradientTape() as tape:
        source = residual_model.encode_source(example["source_frames"], example["source_joints"])
        composites = residual_model.foreground(source, example["target_joints"])["composites"]
        loss = tf.reduce_sum(tf.square(composites))
    gradients = tape.gradient(loss, residual_model.mask_unet.trainable_variables)
    assert all(float(tf.norm(gradient)) > 0 for gradient in gradients)


def test_masks_look_at_the_frame(model):
    example = make_example()
    frames, joints = example["source_frames"], example["source_joints"]
    one, other = (model.encode_source(x, joints)["background_mask"] for x in (frames, frames[:, :, ::-1]))
    assert np.abs(one - other).max() > 1e-4


def test_the_background_network_sees_the_place_without_the_person_and_where_it_is(model, monkeypatch):
    example, seen = make_example(), []

    def background_unet(image, heatmaps):
        seen.append(image)
        return tf.zeros([*image.shape[:3], 4])

    monkeypatch.setattr(model, "background_unet", background_unet)
    source = model.encode_source(example["source_frames"], example["source_joints"])
    mask = source["background_mask"][:, 0].numpy()
    assert mask.min() < 0.5
    np.testing.assert_allclose(seen[0][..., :3], example["source_frames"][:, 0] * mask, atol=1e-6)
    np.testing.assert_allclose(seen[0][..., 3:], mask, atol=1e-6)


def test_the_foreground_network_sees_the_target_pose(model):
    example = make_example()
    source = model.encode_source(example["source_frames"], example["source_joints"])
    source["parts"] = tf.zeros_like(source["parts"])  # so that nothing is carried over
    joints = example["target_joints"]
    one, other = (model.foreground(source, x)["features"] for x in (joints, joints * [0.5, 0.5, 1.0]))
    assert np.abs(one - other).max() > 1e-4


def test_parts_are_carried_to_the_target_pose(model):
    example = make_example(batch=1)
    joints = example["source_joints"]
    source = model.encode_source(example["source_frames"], joints)
    here, there = (model.foreground(source, x)["alphas"][0, 0].numpy() for x in (joints, joints + [4.0, 0.0, 0.0]))
    np.testing.assert_allclose(there[:, 6:], here[:, 2:-4], atol=0.05)
    assert np.abs(there[:, 6:] - here[:, 6:]).max() > 0.3


def test_size_that_is_no_multiple_of_32_is_refused():
    with pytest.raises(ValueError, match="multiple of 32, got 40"):
        create_single_frame(ModelConfig(size=40, width=0.05))
