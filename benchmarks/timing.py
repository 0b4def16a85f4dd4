"""What the benchmarks time with."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

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


class Timing(NamedTuple):
    """Medians of a call: wall time, and processor time over all cores, which other work hardly touches."""

    seconds: float
    cpu_seconds: float


def interleaved(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Times each function, after two calls of each that do not count.

    They take turns, so that what else the machine does falls on all alike and differences can be trusted.
    """
    times: dict[str, list[Timing]] = {name: [] for name in functions}
    for _ in range(repeats + 2):
        for name, function in functions.items():
            start = time.perf_counter(), time.process_time()
            function()
            times[name].append(Timing(time.perf_counter() - start[0], time.process_time() - start[1]))
    return {name: Timing(*(statistics.median(x) for x in zip(*each[2:]))) for name, each in times.items()}


def interleaved_seconds(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """As `interleaved`, wall times alone."""
    return {name: timing.seconds for name, timing in interleaved(functions, repeats).items()}


def run_with_onednn(module: str, settings: Sequence[str], table: Callable[[dict], str]) -> None:
    """Runs a benchmark with --here for each setting of oneDNN; prints its tables and, as the last line, JSON of all.

    Each in a process of its own, since TensorFlow reads that setting when it loads.
    """
    runs = []
    for onednn in settings:
        done = subprocess.run(
            [sys.executable, "-m", module, *sys.argv[1:], "--here"],
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        print(table(runs[-1]), flush=True)
    print(json.dumps(runs))


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
