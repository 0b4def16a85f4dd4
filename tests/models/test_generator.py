import functools

import numpy as np
import pytest
import tensorflow as tf
from records import conv_ops, make_example

from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator

IMAGES = ("frame", "foreground", "background", "mask")
UNET_CONVS, HEAD_CONVS = 16, 3


@functools.cache
def make_generator(residual_heads: bool):
    tf.keras.utils.set_random_seed(0)
    config = ModelConfig(size=32, width=0.05, residual_heads=residual_heads)
    generator = create_generator(config, num_source_frames=2)
    generator.heads.set_weights(generator.single_frame.heads.get_weights())
    return generator


@pytest.fixture(params=[False, True], ids=["plain_heads", "residual_heads"])
def generator(request):
    return make_generator(request.param)


@pytest.fixture
def residual_generator():
    return make_generator(True)


@pytest.fixture(scope="module")
def example():
    return make_example(batch=2, sources=3, targets=2)


def take_sources(example, order):
    turned = {name: tf.gather(value, order, axis=1) for name, value in example.items() if "source" in name}
    return {**example, **turned}


def assert_same(one, two, atol=1e-5):
    for image in IMAGES:
        np.testing.assert_allclose(one[image], two[image], atol=atol, err_msg=image)


def test_outputs_have_their_shapes(generator, example):
    outputs = generator(example)
    for image in ("frame", "foreground", "background", "warped"):
        assert outputs[image].shape == [2, 2, 32, 32, 3]
    assert outputs["mask"].shape == [2, 2, 32, 32, 1]
    assert outputs["background_mask"].shape == [2, 3, 32, 32, 1]


def test_one_source_frame_gives_the_single_frame_models_output(generator):
    example = make_example(batch=2, sources=1, targets=2)
    assert_same(generator(example), generator.single_frame(example))


def test_order_of_the_source_frames_does_not_matter(generator, example):
    assert_same(generator(example), generator(take_sources(example, [2, 0, 1])))


def test_the_same_source_frame_twice_counts_as_once(generator, example):
    once, twice = (generator(take_sources(example, order)) for order in ([1], [1, 1]))
    assert_same(once, twice)


def test_targets_together_equal_each_alone(generator, example):
    source = generator.encode_source(example["source_frames"], example["source_joints"])
    together = generator.generate(source, example["target_joints"])
    for i in range(2):
        alone = generator.generate(source, example["target_joints"][:, i : i + 1])
        for image in IMAGES:
            np.testing.assert_allclose(together[image][:, i], alone[image][:, 0], atol=1e-5)


def test_encoded_source_gives_what_the_whole_call_gives(generator, example):
    source = generator.encode_source(example["source_frames"], example["source_joints"])
    assert_same(generator(example), generator.generate(source, example["target_joints"]), atol=1e-6)


def test_source_only_work_is_left_out_of_generate(residual_generator):
    frames, joints = tf.TensorSpec([None, None, 32, 32, 3]), tf.TensorSpec([None, None, 14, 3])
    encode = tf.function(residual_generator.encode_source, [frames, joints]).get_concrete_function()
    source = {
        name: tf.TensorSpec(value.shape, value.dtype)
        for name, value in encode.structured_outputs.items()
    }
    generate = tf.function(residual_generator.generate, [source, joints]).get_concrete_function()
    assert len(conv_ops(encode.graph)) == 2 * UNET_CONVS + 1  # masks and background
    assert len(conv_ops(generate.graph)) == UNET_CONVS + HEAD_CONVS  # foreground alone


def test_source_only_work_is_done_once_a_source_frame(residual_generator):
    batch, sources, targets = 1, 3, 2
    spec = {
        name: tf.TensorSpec(value.shape, value.dtype)
        for name, value in make_example(batch, sources, targets).items()
        if name in ("source_frames", "source_joints", "target_joints")
    }
    graph = tf.function(lambda inputs: residual_generator(inputs)).get_concrete_function(spec).graph
    counts = {"mask_unet": set(), "background_unet": set(), "foreground_unet": set()}
    for op in conv_ops(graph):
        for name, found in counts.items():
            if f"{name}/" in op.name or f"{name}_" in op.name:
                found.add(op.outputs[0].shape[0])
    expected = {"mask_unet": batch * sources, "background_unet": batch * sources}
    expected["foreground_unet"] = batch * sources * targets
    for name, count in expected.items():
        assert count in counts[name] and counts[name] <= {None, count}


def test_number_of_source_and_target_frames_may_vary(residual_generator):
    call = tf.function(
        lambda inputs: residual_generator(inputs)["frame"],
        [
            {
                "source_frames": tf.TensorSpec([None, None, 32, 32, 3]),
                "source_joints": tf.TensorSpec([None, None, 14, 3]),
                "target_joints": tf.TensorSpec([None, None, 14, 3]),
            }
        ],
    )
    for batch, sources, targets in ((1, 1, 3), (2, 4, 1)):
        example = make_example(batch, sources, targets)
        inputs = {name: example[name] for name in ("source_frames", "source_joints", "target_joints")}
        frame = call(inputs)
        assert frame.shape == [batch, targets, 32, 32, 3]
        np.testing.assert_allclose(frame, residual_generator(example)["frame"], atol=1e-4)


def test_only_the_heads_are_trainable(generator):
    trainable = {id(v) for v in generator.trainable_variables}
    assert trainable == {id(v) for v in generator.heads.trainable_variables}
    assert len(trainable) == 6


def test_new_residual_generator_gives_about_the_warped_composite(residual_generator, example):
    outputs = residual_generator(example)
    assert np.abs(outputs["frame"] - outputs["warped"]).mean() < 0.1


FUSED = ("foreground_fusion", "background_fusion")


@pytest.fixture(scope="module")
def attentive_generator():
    """A generator with attention that is not uniform."""
    tf.keras.utils.set_random_seed(0)
    config = ModelConfig(size=32, width=0.05, residual_heads=True, fusion="rb6_sa2d")
    generator = create_generator(config, num_source_frames=3)
    random = np.random.default_rng(0)
    for fusion in FUSED:
        layer = getattr(generator, fusion)
        layer.set_weights([random.normal(scale=0.3, size=w.shape) for w in layer.get_weights()])
    return generator


def test_generator_with_attention_shows_its_maps(attentive_generator, example):
    outputs = attentive_generator(example)
    for name in ("foreground_attention", "background_attention"):
        assert outputs[name].shape == [2, 2, 3, 8, 8]
        np.testing.assert_allclose(np.sum(outputs[name], 2), 1.0, atol=1e-5)


def test_order_of_the_source_frames_does_not_matter_to_attention(attentive_generator, example):
    assert_same(attentive_generator(example), attentive_generator(take_sources(example, [2, 0, 1])), atol=1e-4)


def test_all_attention_on_one_frame_makes_that_frames_foreground(example):
    config = ModelConfig(size=32, width=0.05, residual_heads=True, fusion="rb6")
    generator = create_generator(config, num_source_frames=3)
    # Of the frames with the nearest pose first, the second.
    generator.foreground_fusion.frame_attention.last.bias.assign([0.0, 100.0, 0.0])
    one_target = {**example, "target_joints": example["target_joints"][:1, :1]}
    one_target.update({name: x[:1] for name, x in example.items() if "source" in name})
    outputs = generator(one_target)
    chosen = int(np.argmax(np.asarray(outputs["foreground_attention"])[0, 0, :, 0, 0]))
    alone = generator(take_sources(one_target, [chosen] * 3))
    for image in ("foreground", "mask"):
        np.testing.assert_allclose(outputs[image], alone[image], atol=1e-4)


def test_fusions_and_heads_alone_are_trainable(attentive_generator):
    wanted = [attentive_generator.heads, *(getattr(attentive_generator, name) for name in FUSED)]
    expected = {id(v) for layer in wanted for v in layer.trainable_variables}
    assert {id(v) for v in attentive_generator.trainable_variables} == expected
    assert len(expected) > 60


def test_no_gradient_enters_the_frozen_model(attentive_generator, example):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(attentive_generator(example)["frame"]))
    kernels = [attentive_generator.single_frame.mask_delta.kernel, attentive_generator.heads.foreground.kernel]
    frozen, trained = tape.gradient(loss, kernels)
    assert frozen is None and float(tf.norm(trained)) > 0


def test_background_features_make_the_background(attentive_generator, example):
    source = attentive_generator.encode_source(example["source_frames"], example["source_joints"])
    other = {**source, "background_features": source["background_features"][:, :, ::-1] + 1.0}
    one, two = (attentive_generator.generate(x, example["target_joints"]) for x in (source, other))
    assert np.abs(one["background"] - two["background"]).max() > 1e-4
    np.testing.assert_array_equal(one["foreground"], two["foreground"])
