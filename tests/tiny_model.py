"""Model directories of the smallest size, untrained."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile

from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.train.settings import LossConfig, TrainConfig

SIZE = 32
CONFIG = ModelConfig(size=SIZE, width=0.05, residual_heads=True)


@functools.cache
def generator():
    from stmt_tf.models.create import create_generator

    return create_generator(CONFIG, 2)


@functools.cache
def model_directory() -> str:
    """Made once for all tests that need one."""
    scratch = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return write_model(scratch, generator())


def write_model(folder, generator) -> str:
    """A model directory in a folder, with the settings and weights that a training starts from."""
    from stmt_tf.models.weights import save_weights
    from stmt_tf.serving.inference import save_model
    from stmt_tf.train import checkpoints

    data, loss = DataConfig(num_source_frames=2), LossConfig(vgg_weight=0.0, mask_weight=0.1)
    checkpoints.write_config(str(folder), CONFIG, data, loss, TrainConfig(stage=2))
    files = [os.path.join(folder, name) for name in (checkpoints.CONFIG, checkpoints.BEST_WEIGHTS)]
    save_weights(generator, files[1])
    directory = os.path.join(folder, "tiny")
    save_model(generator, CONFIG, directory, files)
    return directory
