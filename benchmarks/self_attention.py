"""What tiling costs self-attention: `python -m benchmarks.self_attention [--positions=4096,16384] [--blocks=64,512]`.

Times attention and its gradient, dense and in tiles of so many queries, by turns. Prints the processor seconds of each,
those over the dense ones, and the share that its matrix products, 2 operations for each multiply-add, reach of the best
rate of large products by the same cores. RB6+SA2D has 4,096 positions at 256 pixels, SA3D+RB6 16,384, of which the
dense scores do not fit a small machine.
"""

from __future__ import annotations

from benchmarks.speed_settings import SelfAttentionConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.self_attention", SelfAttentionConfig)

import functools
from collections.abc import Callable

import tensorflow as tf

from benchmarks.timing import interleaved
from stmt_tf.evaluate.report import markdown
from stmt_tf.models.attention import dense_attention, tiled_attention

_NARROW, _HALF = 8, 32  # channels of queries and keys, and of values, at width 1
_MATRIX = 1024


def step_of(attend: Callable, positions: int) -> Callable[[], object]:
    """Attention among so many positions, and its gradient."""
    query, key, value, upstream = (
        tf.random.stateless_normal([1, positions, channels], [0, seed])
        for seed, channels in enumerate((_NARROW, _NARROW, _HALF, _HALF))
    )

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch([query, key, value])
            attended = attend(query, key, value)
        return attended, tape.gradient(attended, [query, key, value], output_gradients=upstream)

    return step


def operations(positions: int, tiled: bool) -> int:
    """Of the products of a step: two forward, four backward, and the scores once more where they are made anew."""
    narrow = 4 if tiled else 3  # the scores, the gradients of queries and keys
    return 2 * positions**2 * (narrow * _NARROW + 3 * _HALF)


def main(config: SelfAttentionConfig) -> None:
    product, matrix = tf.function(tf.matmul), tf.random.stateless_uniform([_MATRIX, _MATRIX], [0, 0])
    rows = [["positions", "attention", "processor seconds", "over dense", "of the matmul rate"]]
    for positions in config.positions:
        ways = {f"tiles of {block}": functools.partial(tiled_attention, block=block) for block in config.blocks}
        if positions <= config.densest:
            ways = {"dense": dense_attention, **ways}
        functions = {name: step_of(way, positions) for name, way in ways.items()}
        timings = interleaved({**functions, "product": lambda: product(matrix, matrix)}, config.repeats)
        rate = 2 * _MATRIX**3 / timings.pop("product").cpu_seconds
        dense = timings["dense"].cpu_seconds if "dense" in timings else None
        for name, timing in timings.items():
            seconds = timing.cpu_seconds
            share = operations(positions, name != "dense") / seconds / rate
            rows.append(
                [str(positions), name, f"{seconds:.3f}", f"{seconds / dense:.2f}" if dense else "", f"{share:.2f}"]
            )
    print(markdown(rows))
