import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models.residual import ResidualBlock


def make_input(channels: int = 4) -> tf.Tensor:
    return tf.random.stateless_normal([1, 8, 8, channels], [0, 0])


def test_block_of_one_shape_adds_to_its_input():
    block, x = ResidualBlock(4), make_input()
    block(x)
    assert block.shortcut is None
    block.set_weights([np.zeros_like(weight) for weight in block.get_weights()])
    np.testing.assert_array_equal(block(x), x)


@pytest.mark.parametrize("channels, strides", [(4, 2), (6, 1)])
def test_shortcut_brings_the_input_to_the_outputs_shape(channels, strides):
    block = ResidualBlock(channels, strides)
    assert block(make_input()).shape == [1, 8 // strides, 8 // strides, channels]
    assert block.shortcut is not None


def test_spectral_norm_brings_the_largest_singular_value_to_one():
    block, x = ResidualBlock(4, spectral_norm=True), make_input()
    for _ in range(60):
        block(x, training=True)
    # What the wrapped convolution computes with, after the last training call.
    before = block(x)
    np.testing.assert_allclose(block(x), before, atol=1e-6)  # nothing moves outside training
    kernel = max((w for w in block.first.weights if len(w.shape) == 4), key=lambda w: np.prod(w.shape))
    largest = np.linalg.svd(np.reshape(kernel, [-1, 4]), compute_uv=False)[0]
    assert largest == pytest.approx(1.0, rel=0.05)


def test_shortcut_is_a_strided_convolution():
    block, x = ResidualBlock(6, strides=2), make_input()
    block(x)
    for layer in (block.first, block.second):
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    expected = tf.nn.conv2d(x, block.shortcut.get_weights()[0], strides=2, padding="SAME")
    np.testing.assert_allclose(block(x), expected, atol=1e-6)
