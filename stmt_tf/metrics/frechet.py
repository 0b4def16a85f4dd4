"""The Frechet distance between two sets of feature vectors, taken as two Gaussians.

    made, truth = Moments.none(1024), Moments.none(1024)
    for ...:
        made, truth = made.add(features_of_made), truth.add(features_of_truth)     # [n, 1024] each
    frechet_distance(made, truth)

Of I3D's pooled features of videos this is VFID, of its logits FVD (see `stmt_tf.metrics.video_features`); of anything
else it is neither. 0 for equal sets; lower is better.

**It is biased upwards.** The truth against other videos of the same kind, of which a perfect model would be an example,
is above 0, and further the fewer videos there are: for two independent sets of N the means alone add about Tr(S) 2 / N,
and the covariances more. So compare values of equally many videos, and of the same protocol, only. With fewer videos
than dimensions, covariances have no full rank (`Moments.is_rank_deficient`): the distance is defined all the same, but
mostly tells how few videos there were; say so beside it.

References:
    Dowson and Landau, "The Frechet distance between multivariate normal distributions", 1982.
    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", NIPS 2017 (FID).
    Wang et al., "Video-to-Video Synthesis", NeurIPS 2018 (of videos).
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Moments:
    """Mean and spread of vectors, gathered batch by batch: memory does not grow with their number.

    Attributes:
        count: N, how many vectors.
        mean: float64 [D].
        scatter: float64 [D, D], the sum of the outer products of the deviations from the mean.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def none(cls, dimensions: int) -> Moments:
        """Of no vector yet."""
        return cls(0, np.zeros(dimensions), np.zeros((dimensions, dimensions)))

    def add(self, features: np.ndarray) -> Moments:
        """With `features` [n, D] besides.

        Raises:
            ValueError: their shape does not fit, or one is not finite.
        """
        features = _checked(features, len(self.mean))
        if not len(features):
            return self
        mean = features.mean(0)
        return self.merge(Moments(len(features), mean, (features - mean).T @ (features - mean)))

    def merge(self, other: Moments) -> Moments:
        """Of the vectors of both, say of two workers (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        if not count:
            return self
        step = other.mean - self.mean
        between = np.outer(step, step) * (self.count * other.count / count)
        return Moments(count, self.mean + step * (other.count / count), self.scatter + other.scatter + between)

    @property
    def covariance(self) -> np.ndarray:
        """float64 [D, D], divided by N - 1.

        Raises:
            ValueError: fewer than two vectors.
        """
        _require_two(self.count)
        return self.scatter / (self.count - 1)

    @property
    def is_rank_deficient(self) -> bool:
        """Whether there are too few vectors for a covariance of full rank: N at most D."""
        return self.count <= len(self.mean)


def frechet_distance(a: Moments, b: Moments) -> float:
    """`||m - m'||^2 + Tr(S + S' - 2 sqrt(S S'))`, not negative.

    Raises:
        ValueError: fewer than two vectors in a set, or different dimensions.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"sets must have one dimension. Received: {len(a.mean)} and {len(b.mean)}")
    # S S' has the eigenvalues of R S' R with R = sqrt(S), all real and not negative. Their roots are the singular
    # values of R sqrt(S'), which come without the rounding error that the root of a zero would blow up; zeros are many
    # where vectors are few.
    overlap = np.linalg.svd(_root(a.covariance) @ _root(b.covariance), compute_uv=False).sum()
    return _distance(a.mean - b.mean, np.trace(a.covariance) + np.trace(b.covariance), overlap)


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a symmetric matrix [D, D] without negative eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    # Zeros come out as this much, above or below.
    noise = len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    return (vectors * np.sqrt(np.where(values > noise, values, 0.0))) @ vectors.T


def _distance(step: np.ndarray, traces: float, overlap: float) -> float:
    return max(float(step @ step + traces - 2.0 * overlap), 0.0)


def distance_of_features(a: np.ndarray, b: np.ndarray) -> float:
    """`frechet_distance` of vectors [N, D] and [M, D] at hand: the same, and quick where N and M are small.

    Raises:
        ValueError: fewer than two vectors in a set, different dimensions, or one is not finite.
    """
    a, b = _checked(a, None), _checked(b, None)
    b = _checked(b, a.shape[1])
    (mean_a, factor_a), (mean_b, factor_b) = _factored(a), _factored(b)
    # With S = A^T A and S' = B^T B, S S' has the eigenvalues of (A B^T)(A B^T)^T, and zeros.
    overlap = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    return _distance(mean_a - mean_b, np.square(factor_a).sum() + np.square(factor_b).sum(), overlap)


def _factored(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [D], and a factor A [at most D, D] of the covariance A^T A."""
    _require_two(len(features))
    mean = features.mean(0)
    factor = (features - mean) / np.sqrt(len(features) - 1)
    return mean, factor if len(factor) <= factor.shape[1] else np.linalg.qr(factor, mode="r")


@dataclasses.dataclass(frozen=True)
class Interval:
    """How far chance in the choice of videos may have moved a distance.

    Attributes:
        value: the distance of all videos.
        low: end of the interval, not negative.
        high: the other end.
        level: the share of resamples within.
        resamples: their number.
        shift: by how much the resamples' mean exceeds `value`; taken off both ends.
    """

    value: float
    low: float
    high: float
    level: float
    resamples: int
    shift: float


def bootstrap_interval(
    made: np.ndarray, truth: np.ndarray, resamples: int = 200, level: float = 0.95, seed: int = 0
) -> Interval:
    """The distance of videos made from their true ones, with a bootstrap interval over the videos.

    Videos are drawn with replacement, each made one together with its true one. A draw holds fewer different videos and
    so its distance has another bias; hence the interval is that of the draws moved to have the mean `value`. It tells
    nothing about the bias of `value` itself (see the module's docstring).

    Args:
        made: features [N, D], one row a video, N at least 2.
        truth: features [N, D] of the true videos, in the same order.
        resamples: how many draws.
        level: the share of draws within the interval, in (0, 1).
        seed: of the draws.

    Raises:
        ValueError: an argument out of its range, or sets that are no pairs.
    """
    if made.shape != truth.shape:
        raise ValueError(f"videos must come in pairs. Received: features {made.shape} and {truth.shape}")
    if resamples < 1 or not 0.0 < level < 1.0:
        raise ValueError(
            f"resamples must be positive and level in (0, 1). Received: resamples={resamples}, level={level}"
        )
    value = distance_of_features(made, truth)
    random = np.random.default_rng(seed)
    draws = (random.integers(len(made), size=len(made)) for _ in range(resamples))
    distances = np.array([distance_of_features(made[draw], truth[draw]) for draw in draws])
    shift = float(distances.mean() - value)
    low, high = np.quantile(distances - shift, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, max(float(low), 0.0), float(high), level, resamples, shift)


def _checked(features: np.ndarray, dimensions: int | None) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or dimensions not in (None, features.shape[1]):
        raise ValueError(f"features must be [n, {dimensions or 'D'}]. Received: shape {features.shape}")
    if not np.isfinite(features).all():
        rows = np.flatnonzero(~np.isfinite(features).all(1))
        raise ValueError(f"features must be finite. Received: infinite or NaN in rows {rows[:5].tolist()}")
    return features


def _require_two(count: int) -> None:
    if count < 2:
        raise ValueError(f"a covariance needs at least two videos. Received: {count}")
