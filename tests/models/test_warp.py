import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf import compat
from stmt_tf.models.warp import affine_warp, gathering_warp

IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
SIZE = 24


def similarity(scale: float, degrees: float, shift: tuple[float, float] = (0.0, 0.0)) -> list[float]:
    """Scales and turns about the middle of the image, then shifts."""
    a, b = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    middle = (SIZE - 1) / 2
    c = middle - a * middle + b * middle + shift[0]
    f = middle - b * middle - a * middle + shift[1]
    return [a, -b, c, b, a, f]


def images(seed: int, count: int = 1, channels: int = 4) -> tf.Tensor:
    # All positive, so that <Ax, g> is large beside its rounding.
    random = np.random.default_rng(seed)
    return tf.constant(random.uniform(0, 1, (count, SIZE, SIZE, channels)), tf.float32)


def inner_products(transforms) -> tuple[float, float]:
    """<Ax, g> and <x, A'g>."""
    transforms = tf.constant(transforms, tf.float32)
    x, g = (images(seed, count=len(transforms)) for seed in (0, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        warped = affine_warp(x, transforms)
    back = tape.gradient(warped, x, output_gradients=g)
    return float(tf.reduce_sum(warped * g)), float(tf.reduce_sum(x * back))


@pytest.mark.parametrize("degrees", [0, 17, 90, 180, 301])
@pytest.mark.parametrize("scale", [0.5, 0.6, 1.0, 1.5, 2.0])
def test_gradient_is_the_adjoint(scale, degrees):
    forward, backward = inner_products([similarity(scale, degrees)])
    assert forward > 1.0
    assert backward == pytest.approx(forward, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(0.5, 2.0),
    degrees=st.floats(-180, 180),
    shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
)
def test_gradient_is_the_adjoint_partly_outside_the_image(scale, degrees, shift):
    forward, backward = inner_products([similarity(scale, degrees, shift), IDENTITY])
    assert backward == pytest.approx(forward, rel=1e-4)


def test_the_kernel_of_addons_gives_the_same(monkeypatch):
    if compat.resampler() is None:
        pytest.skip("TensorFlow Addons is not for this line of TensorFlow")
    far = [0.0, 0.0, 1e9, 0.0, 0.0, -1e9]
    transforms = tf.constant([similarity(0.7, 33, (9, -4)), similarity(1.8, -75), IDENTITY, far], tf.float32)
    x, upstream = images(0, count=4), images(1, count=4)

    def warped_and_gradient():
        with tf.GradientTape() as tape:
            tape.watch(x)
            warped = affine_warp(x, transforms)
        return warped, tape.gradient(warped, x, output_gradients=upstream)

    found = warped_and_gradient()
    monkeypatch.setattr(compat, "resampler", lambda: None)
    expected = warped_and_gradient()
    assert tf.reduce_max(expected[1]) > 1
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(0.3, 3.0),
    degrees=st.floats(-180, 180),
    shift=st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
)
def test_gathering_gives_the_same(scale, degrees, shift):
    transforms = tf.constant([similarity(scale, degrees, shift), IDENTITY, [0.0, 0.0, 1e9, 0.0, 0.0, -1e9]])
    x = images(0, count=3)
    np.testing.assert_allclose(gathering_warp(x, transforms), affine_warp(x, transforms), atol=2e-5)


def test_identity_changes_nothing():
    x = images(0)
    np.testing.assert_array_equal(affine_warp(x, tf.constant([IDENTITY])), x)


def test_whole_pixel_shift_is_exact_and_brings_in_zeros():
    x = images(0)
    shifted = affine_warp(x, tf.constant([[1.0, 0.0, 3.0, 0.0, 1.0, -2.0]])).numpy()
    np.testing.assert_array_equal(shifted[:, 2:, :-3], x[:, :-2, 3:])
    assert not shifted[:, :2].any() and not shifted[:, :, -3:].any()


def test_half_pixel_shift_is_the_mean_of_two():
    x = images(0)
    shifted = affine_warp(x, tf.constant([[1.0, 0.0, 0.5, 0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(shifted[:, :, :-1], (x[:, :, :-1] + x[:, :, 1:]) / 2, atol=1e-6)


@pytest.mark.parametrize("far", [1e3, 1e9, 1e20])
def test_far_outside_is_zero_and_gives_no_gradient(far):
    x = images(0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        warped = affine_warp(x, tf.constant([[1.0, 0.0, far, 0.0, 1.0, 0.0]]))
    assert not np.any(warped)
    assert not np.any(tape.gradient(warped, x))


def test_each_image_has_its_own_transform():
    x = images(0, count=3)
    transforms = tf.constant([similarity(0.7, 30), IDENTITY, similarity(1.4, -80, (4, 2))])
    together = affine_warp(x, transforms)
    for i in range(3):
        np.testing.assert_allclose(together[i], affine_warp(x[i : i + 1], transforms[i : i + 1])[0])


def test_gradient_agrees_between_graph_and_eager():
    x, transforms = images(0), tf.constant([similarity(1.3, 40, (2, 1))])

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(affine_warp(x, transforms)))
        return tape.gradient(loss, x)

    traced = tf.function(gradient, [tf.TensorSpec([None, SIZE, SIZE, 4])])
    np.testing.assert_allclose(traced(x), gradient(x), atol=1e-5)


def test_static_shape_survives_a_graph():
    traced = tf.function(
        affine_warp, [tf.TensorSpec([None, SIZE, SIZE, 4]), tf.TensorSpec([None, 6])]
    )
    assert traced.get_concrete_function().structured_outputs.shape.as_list() == [None, SIZE, SIZE, 4]
