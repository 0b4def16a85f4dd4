import numpy as np
import pytest
import tensorflow as tf

from stmt_tf import assets
from stmt_tf.features import vgg
from stmt_tf.metrics import lpips


def pictures(seed, count=2, size=32):
    """Smooth random pictures [count, size, size, 3] in [-1, 1]."""
    noise = np.random.default_rng(seed).uniform(-1, 1, size=[count, size // 8, size // 8, 3])
    return tf.image.resize(noise.astype(np.float32), [size, size], "bicubic")


@pytest.fixture
def distance(small_vgg16):
    return lpips.LPIPS(small_vgg16)


def test_identical_pictures_are_at_distance_zero(distance):
    images = pictures(0, count=3)
    np.testing.assert_array_equal(distance(images, images), np.zeros(3))


def test_distance_is_symmetric_and_positive(distance):
    a, b = pictures(0), pictures(1)
    np.testing.assert_allclose(distance(a, b), distance(b, a), rtol=1e-6)
    assert np.all(distance(a, b) > 0)


def test_each_pair_has_its_own_distance(distance):
    a, b = pictures(0), pictures(1)
    together = distance(a, b)
    assert together.shape == (2,)
    for i in range(2):
        np.testing.assert_allclose(distance(a[i : i + 1], b[i : i + 1]), together[i : i + 1], rtol=1e-5)


def test_distance_is_the_published_formula(distance, small_vgg16):
    a, b = pictures(0, count=1), pictures(1, count=1)
    features = vgg.create_perceptual_features("vgg16", small_vgg16, lpips.LAYERS)
    weights = assets.load_pickle(small_vgg16)
    expected = 0.0
    for i, (x, y) in enumerate(zip(features(a), features(b))):
        x, y = (m.numpy() / (np.linalg.norm(m, axis=-1, keepdims=True) + 1e-10) for m in (x, y))
        head = weights[f"NetLinLayer_{i}"]["Conv_0"]["kernel"].reshape(-1)
        expected += np.mean(np.sum(head * (x - y) ** 2, axis=-1))
    np.testing.assert_allclose(distance(a, b), [expected], rtol=1e-5)


def test_gradient_is_finite_for_blank_and_equal_pictures(distance):
    for a in (tf.zeros([1, 16, 16, 3]), -tf.ones([1, 16, 16, 3]), pictures(0, 1)):
        with tf.GradientTape() as tape:
            tape.watch(a)
            value = distance(a, tf.identity(a))
        assert np.all(np.isfinite(tape.gradient(value, a)))


@pytest.mark.asset("vgg16")
def test_trained_distance_grows_with_the_distortion():
    distance = lpips.LPIPS()
    image = pictures(0, count=1, size=64)
    noise = np.random.default_rng(2).normal(size=image.shape).astype(np.float32)
    noisy = [float(distance(image, image + s * noise)[0]) for s in (0, 0.05, 0.1, 0.2, 0.4)]
    assert noisy[0] == 0 and noisy == sorted(noisy)
    assert noisy[1] < 0.2 and noisy[-1] > 0.3


@pytest.mark.asset("vgg16")
def test_trained_distance_minds_a_blur_more_than_a_change_of_brightness():
    distance = lpips.LPIPS()
    edges = np.kron(np.indices([8, 8]).sum(0) % 2, np.ones([8, 8])) - 0.5
    image = tf.cast(np.broadcast_to(edges[None, :, :, None], [1, 64, 64, 3]), tf.float32)
    blurred = tf.image.resize(tf.image.resize(image, [12, 12], antialias=True), [64, 64])
    # Brightened so that the mean squared error is that of the blur, which PSNR could not tell from it.
    brighter = image + tf.sqrt(tf.reduce_mean(tf.square(blurred - image)))
    assert distance(image, brighter)[0] < 0.6 * distance(image, blurred)[0]
