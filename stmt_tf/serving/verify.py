"""The proof that an export works: a fresh process must make the frames that the model itself makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.pixels import from_uint8
from stmt_tf.serving.jpeg import JPEG_QUALITY
from stmt_tf.serving.lite import LITE
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.serving.warmup import Example, made_up_example

_SCRIPT = Path(__file__).with_name("fresh_process.py")
_TOLERANCE = 1.0  # steps of 1 / 255
_LITE_INT8_TOLERANCE = 16.0  # there TFLite rounds what goes through its layers, too


def verify(directory: str, generator: Generator | PartGenerator, weights: str, example: Example) -> dict[str, float]:
    """Runs a model directory in a process that cannot import this package.

    Args:
        directory: a model directory with warm-up requests of `example`.
        generator: the model that it was made from.
        weights: how the model directory stores its weights; the generator's are rounded to that.
        example: made-up inputs.

    Returns:
        How far each signature's frames are from the generator's own, see `stmt_tf.serving.fresh_process`.

    Raises:
        ValueError: further than a step of 1 / 255 (16 for an int8 TFLite model), or the process failed.
    """
    frames, small = _frames(generator, example), made_up_example(generator, ratio=1)
    pictures = [tf.io.decode_jpeg(tf.io.encode_jpeg(frame, quality=JPEG_QUALITY)).numpy() for frame in frames[0]]
    with tempfile.TemporaryDirectory() as scratch:
        expected = os.path.join(scratch, "expected.npz")
        inputs = {name: getattr(small, name) for name in ("source_frames", "source_joints", "target_joints")}
        if small.source_mattes is not None:
            inputs["source_mattes"] = small.source_mattes
        np.savez(
            expected,
            frames=frames,
            pictures=np.stack(pictures)[None],
            small_frames=_frames(generator, small),
            **{f"small_{name}": value for name, value in inputs.items()},
        )
        command = [sys.executable, "-I", str(_SCRIPT), os.path.abspath(directory), expected]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ValueError(f"the export does not run in a fresh process ({reason}); nothing was written")
    differences = json.loads(done.stdout.strip().splitlines()[-1])
    allowed = {LITE: _LITE_INT8_TOLERANCE} if weights == "int8" else {}
    off = {name: found for name, found in differences.items() if not found <= allowed.get(name, _TOLERANCE)}
    if off:
        told = ", ".join(f"{name}: {found:g}" for name, found in off.items())
        raise ValueError(f"the export's frames are not the model's, by steps of 1 / 255 ({told}); nothing was written")
    return differences


def _frames(generator: Generator | PartGenerator, example: Example) -> np.ndarray:
    """What the model makes of an example, uint8 `[1, L, H, W, 3]`."""
    source = generator.encode_source(from_uint8(example.source_frames), tf.constant(example.source_joints))
    return image_outputs(generator, source, tf.constant(example.target_joints))["frame"].numpy()
