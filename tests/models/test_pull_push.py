import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models.pull_push import pull_push


def image(size: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (1, size, size, 3)), tf.float32)


def hole(size: int, low: int, high: int) -> np.ndarray:
    weights = np.ones((1, size, size, 1), np.float32)
    weights[:, low:high, low:high] = 0.0
    return weights


def test_known_pixels_are_kept():
    x, weights = image(32), hole(32, 8, 24)
    filled = pull_push(x, weights).numpy()
    known = weights[..., 0] == 1.0
    np.testing.assert_array_equal(filled[known], x.numpy()[known])
    assert (filled[~known] != x.numpy()[~known]).any()


@pytest.mark.parametrize("size", [32, 64, 96])
def test_constant_image_stays_constant(size):
    x = tf.constant([0.5, -0.25, 0.75]) * tf.ones([1, size, size, 3])
    weights = hole(size, size // 8, size // 2)
    np.testing.assert_allclose(pull_push(x * weights, weights), x, atol=1e-5)


def test_what_lies_in_the_hole_does_not_matter():
    weights = hole(32, 8, 24)
    a, b = image(32, 0), image(32, 1)
    b = weights * a + (1 - weights) * b
    np.testing.assert_array_equal(pull_push(a, weights), pull_push(b, weights))


def test_hole_takes_its_surroundings_colours():
    x = np.full((1, 64, 64, 3), -0.8, np.float32)
    x[:, :, 32:] = 0.8
    filled = pull_push(x, hole(64, 24, 40)).numpy()[0, 32, 24:40, 0]
    assert filled[0] < -0.3 and filled[-1] > 0.3
    assert (np.diff(filled) >= -1e-3).all()  # from the one to the other, no seam


def test_nothing_known_gives_finite_values_and_gradients():
    x, weights = image(32), tf.zeros([1, 32, 32, 1])
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        filled = pull_push(x, weights)
    gradients = tape.gradient(filled, [x, weights])
    assert all(np.isfinite(value).all() for value in [filled, *gradients])
