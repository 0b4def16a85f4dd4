import numpy as np
import pytest

from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.metrics.identity import LAYERS, PersonFeatures, similarity, similarity_within

SIZE = 32


@pytest.fixture
def persons(small_vgg16):
    return PersonFeatures(small_vgg16)


def frames(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def half(count):
    regions = np.zeros((count, SIZE, SIZE), bool)
    regions[:, :, : SIZE // 2] = True
    return regions


def test_vectors_have_the_length_of_1_and_equal_persons_are_alike(persons):
    vectors = persons(frames(3), half(3))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), np.ones(3), rtol=1e-5)
    assert similarity(vectors[:1], vectors[:1])[0] == pytest.approx(1)


def test_similarity_is_the_mean_of_the_layers_cosines(persons, small_vgg16):
    a, b = frames(1, 1), frames(1, 2)
    whole = np.ones((1, SIZE, SIZE), bool)
    network = create_perceptual_features("vgg16", small_vgg16, LAYERS)
    means = [[maps.numpy().mean((0, 1, 2)) for maps in network(x.astype(np.float32) / 127.5 - 1)] for x in (a, b)]
    cosines = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(*means)]
    assert similarity(persons(a, whole), persons(b, whole))[0] == pytest.approx(np.mean(cosines), rel=1e-4)


def test_an_empty_region_is_unknown(persons):
    vectors = persons(frames(2), np.stack([half(1)[0], np.zeros((SIZE, SIZE), bool)]))
    assert np.isfinite(vectors[0]).all() and np.isnan(vectors[1]).all()


def test_batches_change_nothing(persons):
    many = persons(frames(11), half(11))
    np.testing.assert_allclose(many[9:], persons(frames(11)[9:], half(2)), rtol=1e-4, atol=1e-6)


def test_persons_are_compared_with_each_source_frame():
    source = np.array([[1.0, 0.0], [0.6, 0.8]])
    np.testing.assert_allclose(similarity(np.array([[1.0, 0.0], [0.0, 1.0]]), source), [0.8, 0.4])


def test_source_is_compared_with_its_other_frames():
    source = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    np.testing.assert_allclose(similarity_within(source), [0.3, 0.7, 0.4])
    assert np.isnan(similarity_within(source[:1])).all()
