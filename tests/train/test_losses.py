import math

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.train import losses


def constant(*values) -> tf.Tensor:
    """An image `[1, 1, n, 1]` of these values."""
    return tf.constant(values, tf.float32)[None, None, :, None]


@pytest.mark.parametrize(
    "made, truth, weights, expected",
    [
        ((0.0, 0.0), (0.0, 0.0), None, 0.0),
        ((1.0, -1.0), (0.0, 1.0), None, (1 + 4) / 2),
        ((1.0, -1.0), (0.0, 1.0), (1.0, 1.0), (1 + 4) / 2),
        ((1.0, -1.0), (0.0, 1.0), (3.0, 1.0), (3 + 4) / 4),
        ((1.0, -1.0), (0.0, 1.0), (0.0, 5.0), 4.0),
    ],
)
def test_mean_squared(made, truth, weights, expected):
    weights = None if weights is None else constant(*weights)
    loss = losses.mean_squared(constant(*made), constant(*truth), weights)
    assert float(loss) == pytest.approx(expected)


def test_even_weights_change_nothing():
    random = np.random.default_rng(0)
    made, truth = tf.constant(random.normal(size=(2, 2, 4, 4, 3)), tf.float32)
    weighted = losses.mean_squared(made, truth, tf.fill([2, 4, 4, 1], 3.0))
    assert float(weighted) == pytest.approx(float(losses.mean_squared(made, truth)), rel=1e-5)


def test_loss_of_a_batch_is_the_mean_of_its_parts():
    # However a batch is split over devices.
    random = np.random.default_rng(0)
    made, truth = tf.constant(random.normal(size=(2, 4, 4, 4, 3)), tf.float32)
    weights = tf.constant(random.uniform(size=(4, 4, 4, 1)), tf.float32)
    whole = losses.mean_squared(made, truth, weights)
    parts = [losses.mean_squared(*(x[i : i + 2] for x in (made, truth, weights))) for i in (0, 2)]
    assert float(whole) == pytest.approx(np.mean(parts), rel=1e-5)


def test_perceptual_sums_the_layers_differences_each_by_its_own_scale():
    made = [constant(1.0, 2.0), constant(0.0, 0.0, 0.0)]
    truth = [constant(0.0, 4.0), constant(1.0, 0.0, -2.0)]
    assert float(losses.perceptual(made, truth)) == pytest.approx(1.5 / 2.0 + 1.0 / 1.0, rel=1e-5)


@pytest.mark.parametrize(
    "real, made, expected", [(1.0, 0.0, 0.0), (0.0, 1.0, 2.0), (0.5, 0.5, 0.5), (3.0, -2.0, 8.0)]
)
def test_discriminator_loss(real, made, expected):
    scores = (tf.fill([2, 3, 3, 1], value) for value in (real, made))
    assert float(losses.lsgan_discriminator(*scores)) == pytest.approx(expected)


@pytest.mark.parametrize("made, expected", [(1.0, 0.0), (0.0, 1.0), (-1.0, 4.0)])
def test_generator_loss(made, expected):
    assert float(losses.lsgan_generator(tf.fill([2, 3, 3, 1], made))) == pytest.approx(expected)


@pytest.mark.parametrize(
    "mask, truth, expected",
    [
        ((0.5, 0.5), (0.0, 1.0), math.log(2)),
        ((0.8, 0.2), (1.0, 0.0), -math.log(0.8)),
        ((0.8, 0.2), (1.0, -1.0), -math.log(0.8) / 2),  # the second is not known
        ((0.8,), (0.25,), -0.25 * math.log(0.8) - 0.75 * math.log(0.2)),
        ((0.3, 0.9), (-1.0, -1.0), 0.0),
        ((0.0, 1.0), (1.0, 0.0), -math.log(1e-3)),  # surely wrong is not infinite
    ],
)
def test_masked_cross_entropy(mask, truth, expected):
    loss = losses.masked_cross_entropy(constant(*mask), constant(*truth))
    assert float(loss) == pytest.approx(expected, rel=1e-3)


def test_unknown_pixels_give_no_gradient():
    mask = tf.Variable(constant(0.3, 0.9))
    with tf.GradientTape() as tape:
        loss = losses.masked_cross_entropy(mask, constant(1.0, -1.0))
    np.testing.assert_allclose(tf.reshape(tape.gradient(loss, mask), [-1]), [-0.5 / 0.3, 0.0], rtol=1e-5)
