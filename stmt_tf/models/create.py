"""Models from a config, with all their variables made."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from stmt_tf.config import ModelConfig
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.models.single_frame import SingleFrameTransfer
from stmt_tf.pose.skeleton import NUM_JOINTS


def create_single_frame(config: ModelConfig) -> SingleFrameTransfer:
    """The single-frame model of stage 1, untrained."""
    model = SingleFrameTransfer(config.size, config.width, config.residual_heads)
    model(made_up_example(config.size, sources=1))
    return model


def create_generator(
    config: ModelConfig, num_source_frames: int, freeze_stage1: bool = True
) -> Generator | PartGenerator:
    """The generator of stage 2, untrained."""
    single_frame = create_single_frame(config)
    if config.fusion == "parts":
        model = PartGenerator(single_frame, config.nearest_frames, freeze_stage1)
    else:
        model = Generator(
            single_frame, config.fusion, config.attention_stride, config.attention_pool, config.map_stride,
            freeze_stage1,
        )
    model(made_up_example(config.size, num_source_frames))
    return model


def made_up_example(size: int, sources: int, targets: int = 1, batch: int = 1) -> dict[str, tf.Tensor]:
    """A random batch of the shapes and ranges of `stmt_tf.data.pipeline`: K = sources, L = targets."""
    random = np.random.default_rng(0)
    example = {}
    for role, count in (("source", sources), ("target", targets)):
        joints = random.uniform(0.2 * size, 0.8 * size, (batch, count, NUM_JOINTS, 3))
        joints[..., 2] = 1.0
        example[f"{role}_joints"] = joints
        example[f"{role}_frames"] = random.uniform(-1.0, 1.0, (batch, count, size, size, 3))
        example[f"{role}_masks"] = random.integers(0, 2, (batch, count, size, size, 1))
    example["target_flows"] = random.uniform(-4.0, 4.0, (batch, targets - 1, size, size, 2))
    return {name: tf.constant(value, tf.float32) for name, value in example.items()}
