"""Models from a config, with all their variables made."""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.config import ModelConfig
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.models.single_frame import SingleFrameTransfer
from stmt_tf.pose.skeleton import NUM_JOINTS


def create_single_frame(config: ModelConfig) -> SingleFrameTransfer:
    """The single-frame model of stage 1, untrained."""
    model = SingleFrameTransfer(config.size, config.width, config.residual_heads)
    model(_blank_inputs(config.size, sources=1))
    return model


def create_generator(
    config: ModelConfig, num_source_frames: int, freeze_stage1: bool = True
) -> Generator | PartGenerator:
    """The generator of stage 2, untrained."""
    single_frame = create_single_frame(config)
    if config.fusion == "parts":
        model = PartGenerator(single_frame, config.nearest_frames, freeze_stage1)
    else:
        model = Generator(single_frame, config.fusion, config.attention_stride, config.attention_pool, freeze_stage1)
    model(_blank_inputs(config.size, num_source_frames))
    return model


def _blank_inputs(size: int, sources: int) -> dict[str, tf.Tensor]:
    return {
        "source_frames": tf.zeros([1, sources, size, size, 3]),
        "source_joints": tf.zeros([1, sources, NUM_JOINTS, 3]),
        "target_joints": tf.zeros([1, 1, NUM_JOINTS, 3]),
    }
