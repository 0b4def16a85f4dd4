"""Requests that a model server runs on a new version before it serves it, so that no client waits for the first run.

They lie in `assets.extra/tf_serving_warmup_requests` of a SavedModel, as PredictionLog messages in a TFRecord file: one
for each signature but `generate`, whose source features would weigh megabytes. `stmt_tf.serving.verify` runs them too.
The messages are those of the package tensorflow-serving-api.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os

import numpy as np
import tensorflow as tf

from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.serving.jpeg import JPEG_QUALITY

WARMUP = os.path.join("assets.extra", "tf_serving_warmup_requests")
_SOURCES, _TARGETS = 4, 2
_RATIO = 2


@dataclasses.dataclass(frozen=True)
class Example:
    """One made-up source and the poses to show it in.

    Attributes:
        source_jpeg_bytes: `[1, K]`, JPEG pictures.
        source_frames: uint8 `[1, K, H, W, 3]`, the same decoded.
        source_joints: float32 `[1, K, 14, 3]`.
        target_joints: float32 `[1, L, 14, 3]`.
        source_mattes: none, `[1, 0, H, W, 1]`; None for a model that takes no mattes.
    """

    source_jpeg_bytes: np.ndarray
    source_frames: np.ndarray
    source_joints: np.ndarray
    target_joints: np.ndarray
    source_mattes: np.ndarray | None = None


def source_count(generator: Generator | PartGenerator) -> int:
    """K that a model was built for, or a few for one that takes any number."""
    return generator.num_source_frames or _SOURCES


def made_up_example(generator: Generator | PartGenerator, ratio: int = _RATIO) -> Example:
    """Smooth random colours and random poses of a model's size and K; the same every time.

    Args:
        generator: the model.
        ratio: frames of a model that takes any size are so many times as large as its network's.
    """
    any_size = isinstance(generator, PartGenerator)
    size, sources = generator.size * (ratio if any_size else 1), source_count(generator)
    random = np.random.default_rng(0)
    colours = random.uniform(0, 255, (sources, 4, 4, 3))
    pictures = [
        tf.io.encode_jpeg(tf.cast(frame, tf.uint8), quality=JPEG_QUALITY).numpy()
        for frame in tf.image.resize(colours, [size, size])
    ]

    def joints(count):
        poses = random.uniform(0.2 * size, 0.8 * size, (1, count, NUM_JOINTS, 3))
        poses[..., 2] = 1.0
        return poses.astype(np.float32)

    return Example(
        source_jpeg_bytes=np.array([pictures], object),
        source_frames=np.stack([tf.io.decode_jpeg(picture, channels=3) for picture in pictures])[None],
        source_joints=joints(sources),
        target_joints=joints(_TARGETS),
        source_mattes=np.zeros((1, 0, size, size, 1), np.float32) if any_size else None,
    )


def messages_installed() -> bool:
    """Whether tensorflow-serving-api is there."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def write_warmup(directory: str, model_name: str, example: Example) -> None:
    """Writes the requests into a SavedModel's directory."""
    from tensorflow_serving.apis import prediction_log_pb2

    arguments = {
        "serving_default": ("source_jpeg_bytes", "source_joints", "target_joints"),
        "transfer": ("source_frames", "source_joints", "target_joints"),
        "encode_source": ("source_frames", "source_joints"),
    }
    if example.source_mattes is not None:
        arguments["encode_source"] += ("source_mattes",)
    os.makedirs(os.path.join(directory, os.path.dirname(WARMUP)))
    with tf.io.TFRecordWriter(os.path.join(directory, WARMUP)) as writer:
        for signature, names in arguments.items():
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = model_name, signature
            for name in names:
                request.inputs[name].CopyFrom(tf.make_tensor_proto(getattr(example, name)))
            writer.write(log.SerializeToString(deterministic=True))
