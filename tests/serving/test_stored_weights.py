from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf
from records import make_joints
from tiny_model import CONFIG, SIZE

from stmt_tf.models.create import create_generator
from stmt_tf.serving.inference import TransferModel, save_model
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.serving.weights import round_weights, stored_as

SPECS = tf.TensorSpec([None, 1, 1, 2], tf.float32), tf.TensorSpec([], tf.float32)


def convolution(kernel, bias):
    """A 1 x 1 convolution as a traced function of `[N, 1, 1, 2]`, and the layer that it lives by."""
    layer = tf.keras.layers.Conv2D(2, 1)
    layer.build([None, 1, 1, 2])
    layer.set_weights([np.float32(kernel).reshape(1, 1, 2, 2), np.float32(bias)])
    function = tf.function(lambda x, y: {"sum": layer(x) + y})
    return function.get_concrete_function(*SPECS), layer


def run(convolution, weights, x, y):
    """What the stored function gives, and the types of the kernels in its graph."""
    stored = stored_as(weights, convolution[0])
    traced = tf.function(lambda x, y: stored(x, y)).get_concrete_function(*SPECS)
    constants = [op.get_attr("value") for op in traced.graph.get_operations() if op.type == "Const"]
    arrays = [tf.make_ndarray(value) for value in constants]
    assert traced.variables == ()
    types = {array.dtype.name for array in arrays if array.shape == (1, 1, 2, 2)}
    return traced(tf.constant(x, tf.float32), tf.constant(y))["sum"].numpy()[:, 0, 0], types


def test_int8_kernels_have_a_scale_for_each_output_channel():
    # Channels with maxima 127 and 1.27: steps of 1 and of 0.01. One of zeros is below.
    layer = convolution([[127.0, 0.4], [2.6, -1.273]], [0.5, 0.3])
    made, types = run(layer, "int8", [[[[1, 0]]], [[[0, 1]]]], 0.0)
    step = 1.273 / 127
    np.testing.assert_allclose(made, [[127.5, round(0.4 / step) * step + 0.3], [3.5, -0.973]], rtol=1e-6)
    assert types == {"int8"}


def test_int8_channel_of_zeros_stays_zero():
    made, _ = run(convolution([[0.0, 1.0], [0.0, 1.0]], [0.25, 0.0]), "int8", [[[[1, 1]]]], 0.0)
    np.testing.assert_allclose(made, [[0.25, 2.0]], rtol=1e-6)


def test_float16_weights_are_rounded_to_half_precision():
    made, types = run(convolution([[1.0001, 0.1], [0.0, 0.0]], [0.0, 0.3]), "float16", [[[[1, 0]]]], 1.0)
    np.testing.assert_array_equal(made, [[2.0, np.float32(np.float16(0.1)) + np.float32(np.float16(0.3)) + 1]])
    assert types == {"float16"}


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_weights_that_were_rounded_are_stored_as_they_are(weights):
    network = tf.keras.Sequential([tf.keras.layers.Conv2D(3, 3), tf.keras.layers.Conv2D(2, 1)])
    network.build([None, 8, 8, 2])
    before = network.get_weights()
    round_weights(network, weights)
    once = network.get_weights()
    round_weights(network, weights)
    for value, rounded, again in zip(before, once, network.get_weights()):
        np.testing.assert_allclose(again, rounded, rtol=1e-6)
        half_step = 2**-11 * np.abs(value)
        if weights == "int8":
            half_step = np.abs(value).max((0, 1, 2)) / 254 if value.ndim == 4 else 0.0
        assert (np.abs(rounded - value) <= half_step * 1.001 + 1e-7).all()
    assert not np.array_equal(before[0], once[0])


@pytest.mark.parametrize("fusion", [CONFIG.fusion, "parts"])
def test_a_small_model_makes_the_frames_of_its_rounded_weights(tmp_path, fusion):
    tf.keras.utils.set_random_seed(0)
    config = dataclasses.replace(CONFIG, fusion=fusion)
    generator = create_generator(config, 2)
    random = np.random.default_rng(0)
    for layer in [generator.attention, generator.background] if fusion == "parts" else [generator.heads]:
        layer.set_weights([random.normal(scale=0.2, size=w.shape) for w in layer.get_weights()])
    round_weights(generator, "int8")
    save_model(generator, config, str(tmp_path / "model"), weights="int8")
    model = TransferModel(str(tmp_path / "model"))
    frames = random.integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    source, poses = make_joints(2, size=SIZE), make_joints(3, size=SIZE, seed=5)
    made = model.generate(model.encode_source(frames, source), poses)
    encoded = generator.encode_source(tf.constant(frames[None] / 127.5 - 1.0, tf.float32), tf.constant(source[None]))
    expected = image_outputs(generator, encoded, tf.constant(poses[None]))
    assert set(made) == set(expected) and made["frame"].std() > 10
    for name, images in expected.items():
        np.testing.assert_allclose(made[name].astype(int), images[0].numpy().astype(int), atol=1, err_msg=name)
    assert os.path.getsize(tmp_path / "model" / "variables" / "variables.data-00000-of-00001") < 1000
