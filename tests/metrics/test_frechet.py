import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stmt_tf.metrics.frechet import Moments, bootstrap_interval, distance_of_features, frechet_distance


def gaussian(mean, covariance):
    """The moments of 1001 vectors with exactly this mean and covariance."""
    return Moments(1001, np.array(mean, float), 1000 * np.array(covariance, float))


def features(seed, count, dimensions, scale=1.0):
    rng = np.random.default_rng(seed)
    mix, mean = rng.normal(size=[dimensions, dimensions]), rng.normal(size=dimensions)
    return scale * (rng.normal(size=[count, dimensions]) @ mix + mean)


def moments(x):
    return Moments.none(x.shape[1]).add(x)


def random_covariance(rng, dimensions):
    root = rng.normal(size=[dimensions] * 2)
    return root @ root.T


@pytest.mark.parametrize(
    "first, second, distance",
    [
        (([0, 0], np.eye(2)), ([3, 4], np.eye(2)), 25),
        (([0, 0, 0], 4 * np.eye(3)), ([0, 0, 0], 9 * np.eye(3)), 3),  # (2 - 3)^2 a dimension
        (([1, 2], np.diag([1, 16])), ([1, 3], np.diag([9, 4])), 1 + 4 + 4),
        (([0], [[0]]), ([2], [[25]]), 4 + 25),  # to a single point
        (([0, 0], [[1, 1], [1, 1]]), ([0, 0], [[1, -1], [-1, 1]]), 4),  # on lines at right angles
    ],
)
def test_distance_of_known_gaussians(first, second, distance):
    assert frechet_distance(gaussian(*first), gaussian(*second)) == pytest.approx(distance, abs=1e-6)
    assert frechet_distance(gaussian(*second), gaussian(*first)) == pytest.approx(distance, abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_distance_of_gaussians_that_do_not_commute(seed):
    rng = np.random.default_rng(seed)
    first, second = random_covariance(rng, 2), random_covariance(rng, 2)
    # The trace of the root of a 2 x 2 matrix with positive eigenvalues, by Cayley and Hamilton.
    product = first @ second
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(max(np.linalg.det(product), 0)))
    expected = np.trace(first) + np.trace(second) - 2 * root
    actual = frechet_distance(gaussian([0, 0], first), gaussian([0, 0], second))
    assert actual == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("count", [3, 40])  # fewer and more than dimensions
def test_distance_of_a_set_from_itself_is_zero(count):
    x = features(0, count, 16, scale=10)
    assert frechet_distance(moments(x), moments(x)) == pytest.approx(0, abs=1e-8)
    assert distance_of_features(x, x) == pytest.approx(0, abs=1e-8)


@given(
    st.integers(2, 30), st.integers(2, 30), st.integers(1, 8), st.floats(0.01, 100), st.integers(0, 2**32 - 1)
)
def test_distance_from_moments_and_from_features_is_the_same(n, m, dimensions, scale, seed):
    a, b = features(seed, n, dimensions, scale), features(seed + 1, m, dimensions, scale)
    distance = frechet_distance(moments(a), moments(b))
    assert distance >= 0
    assert distance == pytest.approx(distance_of_features(a, b), rel=1e-6, abs=1e-6 * scale**2)
    assert distance == pytest.approx(distance_of_features(b, a), rel=1e-6, abs=1e-6 * scale**2)


@given(st.integers(0, 2**32 - 1))
def test_distance_minds_neither_rotation_nor_shift_and_grows_with_the_square_of_the_scale(seed):
    a, b = features(seed, 20, 4), features(seed + 1, 12, 4)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=[4, 4]))[0]
    distance = distance_of_features(a, b)
    assert distance_of_features(a @ rotation + 5, b @ rotation + 5) == pytest.approx(distance, rel=1e-6, abs=1e-6)
    assert distance_of_features(3 * a, 3 * b) == pytest.approx(9 * distance, rel=1e-6, abs=1e-6)


@given(st.lists(st.integers(0, 7), min_size=1, max_size=8), st.booleans(), st.integers(0, 2**32 - 1))
def test_moments_are_numpys_whatever_the_batches_and_their_order(sizes, backwards, seed):
    x = features(seed, sum(sizes) + 2, 3).astype(np.float32)
    batches = np.split(x, np.cumsum(sizes))
    gathered = Moments.none(3)
    for batch in reversed(batches) if backwards else batches:
        gathered = gathered.add(batch)
    assert gathered.count == len(x)
    x = x.astype(np.float64)
    np.testing.assert_allclose(gathered.mean, x.mean(0), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(gathered.covariance, np.cov(x, rowvar=False, ddof=1), rtol=1e-9, atol=1e-9)


def test_moments_of_two_workers_merge():
    x = features(0, 11, 3)
    both = moments(x[:4]).merge(moments(x[4:]))
    np.testing.assert_allclose(both.covariance, np.cov(x, rowvar=False), rtol=1e-10)
    assert Moments.none(3).merge(Moments.none(3)).count == 0


def test_moments_far_from_zero_lose_nothing():
    x = 1e6 + features(0, 50, 2)
    gathered = Moments.none(2)
    for vector in x:
        gathered = gathered.add(vector[None])
    np.testing.assert_allclose(gathered.covariance, np.cov(x, rowvar=False), rtol=1e-6)


@pytest.mark.parametrize("count, deficient", [(2, True), (4, True), (5, False)])
def test_too_few_vectors_for_the_dimensions_are_told(count, deficient):
    assert moments(features(0, count, 4)).is_rank_deficient == deficient


def test_fewer_than_two_vectors_have_no_covariance():
    with pytest.raises(ValueError, match="at least two videos. Received: 1"):
        frechet_distance(moments(np.zeros([1, 3])), moments(np.zeros([5, 3])))
    with pytest.raises(ValueError, match="at least two videos. Received: 1"):
        distance_of_features(np.zeros([5, 3]), np.zeros([1, 3]))


def test_sets_of_different_dimensions_are_an_error():
    with pytest.raises(ValueError, match="Received: 3 and 4"):
        frechet_distance(moments(np.zeros([5, 3])), moments(np.zeros([5, 4])))
    with pytest.raises(ValueError, match="\\[n, 3\\]. Received: shape \\(5, 4\\)"):
        distance_of_features(np.zeros([5, 3]), np.zeros([5, 4]))


def test_features_that_are_not_finite_are_an_error_naming_the_rows():
    x = np.zeros([4, 3])
    x[2, 1] = np.nan
    with pytest.raises(ValueError, match="rows \\[2\\]"):
        Moments.none(3).add(x)
    with pytest.raises(ValueError, match="shape \\(3,\\)"):
        Moments.none(3).add(np.zeros(3))


def test_distance_of_few_samples_of_one_gaussian_is_above_zero_and_falls_with_their_number():
    def mean_distance(count):
        rng = np.random.default_rng(0)
        return np.mean([distance_of_features(*rng.normal(size=[2, count, 8])) for _ in range(20)])

    assert mean_distance(10) > 2 * mean_distance(40) > 4 * mean_distance(160) > 0


def test_interval_holds_the_value_and_is_repeatable():
    truth = features(0, 30, 5)
    made = truth + features(1, 30, 5, scale=0.2)
    interval = bootstrap_interval(made, truth, resamples=50, seed=3)
    assert interval.value == distance_of_features(made, truth)
    assert 0 <= interval.low < interval.value < interval.high
    assert interval == bootstrap_interval(made, truth, resamples=50, seed=3)
    assert interval != bootstrap_interval(made, truth, resamples=50, seed=4)
    narrower = bootstrap_interval(made, truth, resamples=50, level=0.5, seed=3)
    assert interval.low < narrower.low < narrower.high < interval.high


def test_interval_of_equal_sets_is_zero():
    truth = features(0, 10, 5)
    interval = bootstrap_interval(truth, truth, resamples=10)
    assert interval.low == pytest.approx(0, abs=1e-8) and interval.high == pytest.approx(0, abs=1e-8)


@pytest.mark.slow
def test_interval_is_as_wide_as_new_videos_would_show():
    rng = np.random.default_rng(0)

    def draw():
        truth = rng.normal(size=[60, 6]) * np.linspace(1, 3, 6)
        return 1.1 * truth + 0.5 * rng.normal(size=[60, 6]) + 0.2, truth

    expected = np.mean([distance_of_features(*draw()) for _ in range(500)])
    intervals = [bootstrap_interval(*draw(), resamples=100) for _ in range(100)]
    assert 85 <= sum(interval.low <= expected <= interval.high for interval in intervals) <= 100


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"truth": np.zeros([4, 2])}, "pairs. Received: features \\(3, 2\\) and \\(4, 2\\)"),
        ({"resamples": 0}, "Received: resamples=0"),
        ({"level": 1.0}, "level=1.0"),
    ],
)
def test_interval_of_wrong_arguments_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(**{"made": np.zeros([3, 2]), "truth": np.zeros([3, 2]), **arguments})
