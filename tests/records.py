"""Tiny poses, examples and record files for the tests."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from stmt_tf.data.schema import Clip, encode_clip

# A person who stands with the arms a little out, in a frame of side 1; (x, y) of the 14 joints.
STANDING = np.array(
    [
        (0.50, 0.10),
        (0.50, 0.26),
        (0.41, 0.28),
        (0.34, 0.40),
        (0.30, 0.52),
        (0.59, 0.28),
        (0.66, 0.40),
        (0.70, 0.52),
        (0.44, 0.54),
        (0.42, 0.72),
        (0.41, 0.90),
        (0.56, 0.54),
        (0.58, 0.72),
        (0.59, 0.90),
    ],
    np.float32,
)


def make_joints(*shape: int, size: int = 32, seed: int = 0) -> np.ndarray:
    """Poses `[*shape, 14, 3]` about `STANDING`, all joints found, in pixels of a `size` x `size` image."""
    random = np.random.default_rng(seed)
    places = STANDING + random.uniform(-0.06, 0.06, (*shape, 14, 2))
    return np.concatenate([places * size, np.ones((*shape, 14, 1))], -1).astype(np.float32)


def make_frames(*shape: int, size: int = 32, seed: int = 0) -> np.ndarray:
    """Smooth random images `[*shape, size, size, 3]` in [-1, 1]."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(-1, 1, (int(np.prod(shape)), 4, 4, 3)).astype(np.float32)
    return tf.image.resize(coarse, [size, size]).numpy().reshape(*shape, size, size, 3)


def make_example(
    batch: int = 2, sources: int = 1, targets: int = 1, size: int = 32, seed: int = 0
) -> dict[str, tf.Tensor]:
    """A training batch as `stmt_tf.data.pipeline` describes it."""
    example = {}
    for offset, (role, count) in enumerate((("source", sources), ("target", targets))):
        random = np.random.default_rng(seed + 7 + offset)
        example[f"{role}_frames"] = make_frames(batch, count, size=size, seed=seed + offset)
        example[f"{role}_joints"] = make_joints(batch, count, size=size, seed=seed + offset)
        masks = random.uniform(0, 1, (batch, count, size, size, 1)) > 0.5
        example[f"{role}_masks"] = masks.astype(np.float32)
    if targets > 1:
        random = np.random.default_rng(seed + 9)
        example["target_flows"] = random.uniform(-4, 4, (batch, targets - 1, size, size, 2)).astype(np.float32)
    return {name: tf.constant(value) for name, value in example.items()}


def make_clip(
    steps: int = 8, size: int = 32, seed: int = 0, masks: bool = True, clip_id: str = "clip"
) -> Clip:
    """A clip whose frame t has the grey level 10 * t + 5 throughout, so that frames can be told apart."""
    random = np.random.default_rng(seed)
    grey = (10 * np.arange(steps, dtype=np.uint8) + 5)[:, None, None, None]
    return Clip(
        clip_id=clip_id,
        video_id=f"video_of_{clip_id}",
        fps=25.0,
        frames=np.broadcast_to(grey, (steps, size, size, 3)).copy(),
        joints=make_joints(steps, size=size, seed=seed),
        flows=random.uniform(-4, 4, (steps - 1, size, size, 2)).astype(np.float32),
        masks=(random.uniform(0, 1, (steps, size, size)) > 0.5).astype(np.uint8) * 255 if masks else None,
        pose_tool="made",
        flow_tool="made",
    )


def write_records(path, clips) -> str:
    """Writes one record file and returns its path."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for clip in clips:
            writer.write(encode_clip(clip))
    return str(path)


def conv_ops(graph: tf.Graph) -> list[tf.Operation]:
    """The convolutions of a graph."""
    return [op for op in graph.get_operations() if op.type == "Conv2D"]
