"""What the benchmarks time with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import tensorflow as tf

_MATRIX_SIZES = (512, 1024, 2048)


def median_seconds(function: Callable, *arguments, repeats: int) -> float:
    """Median wall time of a call, after two that do not count (the first traces)."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def interleaved_seconds(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median wall time of each function, after two calls of each that do not count.

    They take turns, so that what else the machine does falls on all alike and differences can be trusted.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats + 2):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each[2:]) for name, each in times.items()}


def matmul_rate(repeats: int = 5) -> float:
    """The machine's best rate of float32 matrix products, in FLOP/s."""
    best = 0.0
    product = tf.function(tf.matmul)
    for size in _MATRIX_SIZES:
        matrix = tf.random.stateless_uniform([size, size], [0, size])
        for _ in range(repeats):
            start = time.perf_counter()
            product(matrix, matrix)
            best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
