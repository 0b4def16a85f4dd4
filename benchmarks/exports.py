"""What smaller exports cost: `python -m benchmarks.exports --records='RECORDS/test-*' [--workdir=DIR] ...`.

Exports a training in every precision of its weights, as SavedModel and as TFLite model, and lets each make the same
frames from records: size on disk, time of a target frame beside the float32 SavedModel's, PSNR against its frames, and
how much PSNR against the truth is lost. What is timed is `generate` by itself, a target frame a call, in seconds of all
processors, which other work on the machine lengthens least; the exports take turns.
"""

from __future__ import annotations

from benchmarks.speed_settings import ExportsConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.exports", ExportsConfig)

import os
import sys
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from benchmarks.timing import interleaved
from stmt_tf.data.record_files import find_records
from stmt_tf.evaluate.clips import index_clips
from stmt_tf.evaluate.pair_frames import Pair, load_pair
from stmt_tf.evaluate.pairs import Sampling, draw_pairs
from stmt_tf.export.command import export
from stmt_tf.export.settings import PRECISIONS, ExportConfig
from stmt_tf.metrics.image import psnr
from stmt_tf.serving.lite import LITE
from stmt_tf.train.checkpoints import load_generator

# Gives the frames uint8 [L, H, W, 3] of a source's features and target joints [1, L, 14, 3].
Generate = Callable[[dict, np.ndarray], np.ndarray]


def saved_model(directory: str) -> tuple[Callable, Generate]:
    """`encode_source` and `generate` of a version; batch 1."""
    signatures = tf.saved_model.load(directory).signatures

    def encode(pair: Pair) -> dict:
        joints = tf.constant(pair.source_joints[None], tf.float32)
        return signatures["encode_source"](source_frames=tf.constant(pair.source_frames[None]), source_joints=joints)

    def generate(source: dict, joints: np.ndarray) -> np.ndarray:
        return signatures["generate"](target_joints=tf.constant(joints, tf.float32), **source)["frame"][0].numpy()

    return encode, generate


def lite_model(directory: str) -> Generate:
    """The same `generate` by TFLite, on all cores, a frame at a time."""
    interpreter = tf.lite.Interpreter(os.path.join(directory, LITE), num_threads=os.cpu_count())
    run = interpreter.get_signature_runner()

    def generate(source: dict, joints: np.ndarray) -> np.ndarray:
        frames = [run(target_joints=np.float32(pose[None, None]), **source)["frame"][0, 0] for pose in joints[0]]
        return np.stack(frames)

    return generate


def megabytes(directory: str) -> float:
    """Of a SavedModel: its graph and its weights."""
    names = ["saved_model.pb", *(os.path.join("variables", name) for name in os.listdir(f"{directory}/variables"))]
    return sum(os.path.getsize(os.path.join(directory, name)) for name in names) / 1e6


def exported(workdir: str, scratch: str) -> Iterator[tuple[str, float, Callable | None, Generate]]:
    """Name, size in MB, `encode_source` (None of TFLite models, which have none) and `generate` of each export."""
    for weights in PRECISIONS:
        directory = export(ExportConfig(workdir, f"{scratch}/{weights}", weights, tflite=True))
        yield f"SavedModel {weights}", megabytes(directory), *saved_model(directory)
        size = os.path.getsize(os.path.join(directory, LITE)) / 1e6
        yield f"TFLite {weights}, `generate` alone", size, None, lite_model(directory)


def pairs_of(config: ExportsConfig, size: int, sources: int) -> list[Pair]:
    """Source and target frames of one clip each."""
    index = index_clips(find_records(config.records, "--records"), size)
    choices, _ = draw_pairs(index, "same", config.clips, Sampling(sources, config.targets))
    return [load_pair(choice, index, size) for choice in choices]


def main(config: ExportsConfig) -> None:
    tf.get_logger().setLevel("ERROR")
    try:
        generator, model = load_generator(config.workdir)
        pairs = pairs_of(config, model.size, generator.num_source_frames or 4)
    except (OSError, ValueError) as error:
        sys.exit(f"exports: {error}")
    truth = np.concatenate([pair.target_frames for pair in pairs])
    with tempfile.TemporaryDirectory() as scratch:
        exports = list(exported(config.workdir, scratch))
    made, timed, encode = {}, {}, None
    for name, _, encode_here, generate in exports:
        encode = encode_here or encode  # a TFLite model is given the features of the SavedModel of its precision
        sources = [encode(pair) for pair in pairs]
        frames = [generate(source, pair.target_joints[None]) for source, pair in zip(sources, pairs)]
        made[name] = np.concatenate(frames)
        one = sources[0], pairs[0].target_joints[None, :1]
        timed[name] = lambda generate=generate, one=one: generate(*one)
    seconds = {name: timing.cpu_seconds for name, timing in interleaved(timed, config.repeats).items()}

    first = exports[0][0]
    print("| export | MB | processor ms a frame | ratio | PSNR to float32 [dB] | PSNR to the truth lost [dB] |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, size, *_ in exports:
        ratio, alike = seconds[name] / seconds[first], psnr(made[name], made[first]).mean()
        lost = psnr(made[first], truth).mean() - psnr(made[name], truth).mean()
        print(f"| {name} | {size:.2f} | {1e3 * seconds[name]:.0f} | {ratio:.2f} | {alike:.1f} | {lost:.3f} |")
    print(f"\n{len(truth)} frames; PSNR of the first export's to the truth {psnr(made[first], truth).mean():.2f} dB")
