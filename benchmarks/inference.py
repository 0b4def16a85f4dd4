"""How many frames a second the generator makes: `python -m benchmarks.inference [--sizes=128] [--widths=0.25,0.5] ...`.

Two tables, with and without oneDNN, each in a process of its own; then, as the last line, the same as JSON.

1. For every size, width and K: a frame as `transfer` makes it (the source encoded once, several frames at once, the
   background left out, which it takes from the first frame alone), the whole frame by what was encoded once, and
   naively, the source encoded anew for every frame; the floating-point operations of the first (as
   `stmt_tf.train.flops` counts them) and their rate against the best rate of matrix products in the same process.
2. For the first size and width and every K: the ways to run `generate` on a processor, for several numbers of target
   frames at once.

All functions of a table take turns. Beside the wall time stands the processor time of all cores: on a machine that does
other things, it is the one to compare. The weights are untrained, which costs the same.
"""

from __future__ import annotations

from benchmarks.speed_settings import InferenceConfig, OnednnConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.inference", InferenceConfig, OnednnConfig)

import functools
import json
import os
import tempfile
from collections.abc import Callable, Iterator

import tensorflow as tf
from absl import logging
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.timing import interleaved, matmul_rate, run_with_onednn
from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator, made_up_example
from stmt_tf.models.generator import Generator
from stmt_tf.serving.inference import TransferModel, save_model
from stmt_tf.train.flops import count_flops

ASKED_BY_TRANSFER = ("foreground", "mask")
FRAMES_OF_TRANSFER = 4

Inputs = dict[str, tf.Tensor]


def concrete(function: Callable, *arguments) -> tf.types.experimental.ConcreteFunction:
    """The function's graph for arguments of these shapes."""
    specs = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), arguments)
    return tf.function(function).get_concrete_function(*specs)


def costs(config: ModelConfig, sources: int, repeats: int) -> dict:
    """The row of the first table of one model; operations and times are of one frame."""
    generator = create_generator(config, sources)
    example = made_up_example(config.size, sources, FRAMES_OF_TRANSFER, 1)
    frames, joints, poses = (example[name] for name in ("source_frames", "source_joints", "target_joints"))
    encoded = concrete(generator.encode_source, frames, joints)(frames, joints)

    def transfer(source, poses):
        made = generator.generate(source, poses)
        return {name: made[name] for name in ASKED_BY_TRANSFER}

    def cached(source, poses):
        return generator.generate(source, poses)

    def naive(frames, joints, poses):
        return generator.generate(generator.encode_source(frames, joints), poses)

    pose = poses[:, :1]
    calls = {
        "transfer": (concrete(transfer, encoded, poses), (encoded, poses), FRAMES_OF_TRANSFER),
        "cached": (concrete(cached, encoded, pose), (encoded, pose), 1),
        "naive": (concrete(naive, frames, joints, pose), (frames, joints, pose), 1),
    }
    timings = interleaved(
        {name: functools.partial(graph, *inputs) for name, (graph, inputs, _) in calls.items()}, repeats
    )
    return {
        "size": config.size,
        "width": config.width,
        "sources": sources,
        "gflop": {name: count_flops(graph.graph).flops / count / 1e9 for name, (graph, _, count) in calls.items()},
        "timings": {
            name: {measure: value / calls[name][2] for measure, value in timing._asdict().items()}
            for name, timing in timings.items()
        },
    }


def ways(generator: Generator, directory: str, encoded: Inputs, poses: tf.Tensor) -> Iterator[tuple[str, Callable]]:
    """Name and function of each way to make the frames of these poses."""
    generate = tf.function(generator.generate)
    yield "Keras model in a tf.function", lambda: generate(encoded, poses)
    model = TransferModel(directory)
    yield "SavedModel", lambda: model.generate(encoded, poses[0].numpy())
    yield "SavedModel, what transfer asks for", lambda: model.generate(encoded, poses[0].numpy(), ASKED_BY_TRANSFER)
    loaded = tf.saved_model.load(directory)
    frozen = convert_variables_to_constants_v2(concrete(loaded.generate, encoded, poses))
    inputs = [*tf.nest.flatten(encoded), poses]
    yield "SavedModel, frozen", lambda: frozen(*inputs)


def compare_ways(config: ModelConfig, sources: int, asked: InferenceConfig) -> list[dict]:
    """The rows of the second table for one K."""
    generator = create_generator(config, sources)
    functions = {}
    with tempfile.TemporaryDirectory() as scratch:
        directory = os.path.join(scratch, "model")
        save_model(generator, config, directory)
        for targets in asked.targets:
            example = made_up_example(config.size, sources, targets, 1)
            encoded = generator.encode_source(example["source_frames"], example["source_joints"])
            for name, function in ways(generator, directory, encoded, example["target_joints"]):
                functions[name, targets] = function
        timings = interleaved(functions, asked.repeats)
    return [
        {"way": name, "sources": sources, "targets": targets, **timing._asdict()}
        for (name, targets), timing in timings.items()
    ]


def measure_here(asked: InferenceConfig) -> dict:
    """Both tables, in this process."""
    before = matmul_rate()
    configs = [
        ModelConfig(size=size, width=width, fusion=asked.fusion, residual_heads=True)
        for size in asked.sizes
        for width in asked.widths
    ]
    run = {
        "tensorflow": tf.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
        "costs": [costs(config, count, asked.repeats) for config in configs for count in asked.sources],
        "ways": [row for count in asked.sources for row in compare_ways(configs[0], count, asked)],
    }
    # Again at the end: other work on the machine would show as a difference.
    return {**run, "matmul_gflop_per_second": [rate / 1e9 for rate in (before, matmul_rate())]}


def table(run: dict) -> str:
    """What was measured, for people."""
    matmul = run["matmul_gflop_per_second"]
    lines = [
        f"TensorFlow {run['tensorflow']}, TF_ENABLE_ONEDNN_OPTS={run['onednn']}, matmul {matmul[0]:.0f} GFLOP/s before "
        f"and {matmul[1]:.0f} after",
        "  size width K   frames/s: transfer  cached  naive   naive / transfer, / cached (processor time)   "
        "GFLOP  GFLOP/s  of matmul",
    ]
    for row in run["costs"]:
        transfer, cached, naive = (row["timings"][name] for name in ("transfer", "cached", "naive"))
        rate = row["gflop"]["transfer"] / transfer["seconds"]
        ratios = [
            f"{naive['seconds'] / other['seconds']:.2f} ({naive['cpu_seconds'] / other['cpu_seconds']:.2f})"
            for other in (transfer, cached)
        ]
        lines.append(
            f"  {row['size']:4d} {row['width']:5.2f} {row['sources']} {1 / transfer['seconds']:20.2f} "
            f"{1 / cached['seconds']:7.2f} {1 / naive['seconds']:6.2f} {', '.join(ratios):>45s} "
            f"{row['gflop']['transfer']:9.2f} {rate:8.1f} {rate / max(matmul):10.2f}"
        )
    lines.append("  way to generate                     K  frames at once   frames/s  processor ms a frame")
    for row in run["ways"]:
        lines.append(
            f"  {row['way']:35s} {row['sources']} {row['targets']:15d} {row['targets'] / row['seconds']:10.2f} "
            f"{1e3 * row['cpu_seconds'] / row['targets']:21.1f}"
        )
    return "\n".join(lines)


def main(config: InferenceConfig, process: OnednnConfig) -> None:
    if process.here:
        tf.get_logger().setLevel("ERROR")  # it warns of the many functions traced here, which are meant
        logging.set_verbosity(logging.ERROR)  # and tells of its saving
        print(json.dumps(measure_here(config)))
        return
    run_with_onednn("benchmarks.inference", process.onednn, table)
