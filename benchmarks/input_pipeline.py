"""What feeding a training costs: `python -m benchmarks.input_pipeline --records='RECORDS/*' [--sizes=64] [--step] ...`.

Reads, draws and decodes clips as a training does, of the files that --records names, and tells two things of each size:

- the processor time of each stage for an example, each timed alone, and all of them beside one another: what one core
  delivers a second is the inverse of it. Reading and parsing are shared by a clip's samples (--samples_per_clip).
- with --step, the wall time of a training step of stage 1 on one such batch, and how many times as fast as the step
  takes them the pipeline delivers batches. Both take turns, so that other work of the machine falls on both alike.

Prints a table and, as its last line, JSON.
"""

from __future__ import annotations

from benchmarks.speed_settings import PipelineConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.input_pipeline", PipelineConfig)

import json
import statistics
import time
from collections.abc import Callable, Sequence

import tensorflow as tf

from benchmarks.timing import Timing, interleaved
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.data import pipeline, schema
from stmt_tf.data.augmentation import augment, mirror
from stmt_tf.data.order import read_clips
from stmt_tf.data.record_files import find_records
from stmt_tf.models.create import create_single_frame
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import Trainer


def stages_of(config: PipelineConfig, files: Sequence[str], size: int) -> dict[str, Callable[[], object]]:
    """Functions of the stages of one example, each by itself; of one clip for reading and parsing."""
    sources, targets = config.sources, config.targets
    clips = iter(tf.data.Dataset.from_tensor_slices(files).flat_map(read_clips).repeat())
    _, record = next(clips)
    seed = tf.constant([0, 0], tf.int64)
    drawn = pipeline.draw_examples(record, seed, sources, targets, config.flows)
    drawn = {name: x[0] for name, x in drawn.items()}
    example = pipeline.decode_example(drawn, size)
    decoders = {"frames": schema.decode_frame, "masks": schema.decode_mask, "flows": schema.decode_flow}

    def decode(kind: str) -> Callable[[], object]:
        encoded = {name: x for name, x in drawn.items() if name.endswith(kind)}

        @tf.function
        def run(encoded):
            return {
                name: tf.map_fn(decoders[kind], x, fn_output_signature=tf.float32)
                for name, x in encoded.items()
                if tf.get_static_value(x[0]) != ""
            }

        return lambda: run(encoded)

    draw = tf.function(
        lambda record: pipeline.draw_examples(record, seed, sources, targets, config.flows, config.samples_per_clip)
    )
    whole = tf.function(lambda drawn: pipeline.decode_example(drawn, size))
    changes = {"mirror": tf.function(mirror), "augment": tf.function(lambda example: augment(example, seed))}
    batch = tf.function(lambda example: {name: tf.stack([x] * config.batch) for name, x in example.items()})
    return {
        "read": lambda: next(clips),
        "parse and draw": lambda: draw(record),
        **{f"decode {kind}": decode(kind) for kind in decoders if f"target_{kind}" in drawn},
        "decode and resize all": lambda: whole(drawn),
        **{name: lambda change=change: change(example) for name, change in changes.items()},
        "batch": lambda: batch(example),
    }


def example_milliseconds(config: PipelineConfig, timings: dict[str, Timing]) -> dict[str, float]:
    """Milliseconds of processor time that an example takes in each stage."""
    own = {name: 1e3 * timing.cpu_seconds for name, timing in timings.items()}
    samples = config.samples_per_clip
    for shared, times in (("read", samples), ("parse and draw", samples), ("batch", config.batch)):
        own[shared] /= times
    resized = own.pop("decode and resize all")
    decoded = sum(milliseconds for name, milliseconds in own.items() if name.startswith("decode "))
    return {**own, "resize": max(resized - decoded, 0.0)}


def batches(config: PipelineConfig, size: int, augmented: bool) -> tf.data.Dataset:
    """The batches of a training."""
    data = DataConfig(
        train_records=config.records,
        num_source_frames=config.sources,
        num_target_frames=config.targets,
        batch_size=config.batch,
        samples_per_clip=config.samples_per_clip,
        augment=augmented,
    )
    return pipeline.training_dataset(data, config.sources, size, flows=config.flows)


def whole_pipeline(config: PipelineConfig, size: int, augmented: bool) -> Timing:
    """Seconds of an example out of the training's own pipeline, over many batches after the first window's."""
    iterator = iter(batches(config, size, augmented))
    next(iterator)
    start = time.perf_counter(), time.process_time()
    for _ in range(4 * config.repeats):
        next(iterator)
    examples = 4 * config.repeats * config.batch
    return Timing((time.perf_counter() - start[0]) / examples, (time.process_time() - start[1]) / examples)


def against_the_step(config: PipelineConfig, size: int) -> dict[str, float]:
    """Wall seconds of a batch and of the training step that takes it, in turns."""
    model = create_single_frame(ModelConfig(size=size, width=config.width, residual_heads=True))
    trainer = Trainer(model, {}, None, LossConfig(vgg_weight=0.0, gan_weight=0.0, mask_weight=0.1, person_weight=2.0))
    trainer.compile(tf.keras.optimizers.Adam(1e-4))
    step = tf.function(trainer.train_step)
    example = next(iter(batches(config, size, False)))
    step(example)
    steps, waits = [], []
    for _ in range(config.repeats):
        start = time.perf_counter()
        step(example)
        steps.append(time.perf_counter() - start)
        waits.append(config.batch * whole_pipeline(config, size, False).seconds)
    return {"step_seconds": statistics.median(steps), "batch_seconds": statistics.median(waits)}


def measure(config: PipelineConfig, files: Sequence[str], size: int) -> dict:
    """All figures of one size."""
    stages = example_milliseconds(config, interleaved(stages_of(config, files, size), config.repeats))
    whole = {
        name: whole_pipeline(config, size, augmented) for name, augmented in (("plain", False), ("augmented", True))
    }
    return {
        "size": size,
        "stage_milliseconds": stages,
        "examples_per_core_second": {name: 1.0 / timing.cpu_seconds for name, timing in whole.items()},
        "examples_per_second": {name: 1.0 / timing.seconds for name, timing in whole.items()},
        **(against_the_step(config, size) if config.step else {}),
    }


def table(config: PipelineConfig, run: dict) -> str:
    """What was measured, for people."""
    total = sum(run["stage_milliseconds"].values())
    lines = [f"{run['size']} px, K = {config.sources}, L = {config.targets}: processor time of an example"]
    for name, milliseconds in run["stage_milliseconds"].items():
        lines.append(f"  {name:16s} {milliseconds:7.2f} ms {milliseconds / total:5.0%}")
    for name, rate in run["examples_per_core_second"].items():
        wall = run["examples_per_second"][name]
        lines.append(f"  {name}: {rate:.1f} examples a second and core, {wall:.1f} a second of the wall clock")
    if config.step:
        step, batch = run["step_seconds"], run["batch_seconds"]
        lines.append(f"  a step takes {step:.3f} s, its batch {batch:.3f} s: {step / batch:.1f} times as fast")
    return "\n".join(lines)


def main(config: PipelineConfig) -> None:
    tf.get_logger().setLevel("ERROR")  # it warns of the many functions traced here, which are meant
    files = find_records(config.records)
    runs = []
    for size in config.sizes:
        runs.append(measure(config, files, size))
        print(table(config, runs[-1]), flush=True)
    print(json.dumps({"tensorflow": tf.__version__, "runs": runs}))
