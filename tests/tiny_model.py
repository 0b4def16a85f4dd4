"""A model directory of the smallest size, untrained, made once for all tests that need one."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile

from stmt_tf.config import DataConfig, LossConfig, ModelConfig, TrainConfig

SIZE = 32
CONFIG = ModelConfig(size=SIZE, width=0.05, residual_heads=True)


@functools.cache
def generator():
    from stmt_tf.models.create import create_generator

    return create_generator(CONFIG, 2)


@functools.cache
def model_directory() -> str:
    """With the settings and weights that a training starts from."""
    from stmt_tf.checkpoints import BEST_WEIGHTS, write_config
    from stmt_tf.checkpoints import CONFIG as SETTINGS
    from stmt_tf.inference import save_model
    from stmt_tf.models.weights import save_weights

    scratch = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    data, loss = DataConfig(num_source_frames=2), LossConfig(vgg_weight=0.0, mask_weight=0.1)
    write_config(scratch, CONFIG, data, loss, TrainConfig(stage=2))
    files = [os.path.join(scratch, name) for name in (SETTINGS, BEST_WEIGHTS)]
    save_weights(generator(), files[1])
    directory = os.path.join(scratch, "tiny")
    save_model(generator(), CONFIG, directory, files)
    return directory
