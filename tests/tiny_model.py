"""Model directories of the smallest size, untrained."""

from __future__ import annotations

import fcntl
import functools
import os
from pathlib import Path

from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.train.settings import LossConfig, TrainConfig

SIZE = 32
CONFIG = ModelConfig(size=SIZE, width=0.05, residual_heads=True)
folder = Path()  # conftest says which, for all processes of a run


@functools.cache
def generator():
    """That of `model_directory`."""
    from stmt_tf.train.checkpoints import load_generator

    return load_generator(model_directory())[0]


@functools.cache
def model_directory() -> str:
    """Made once for all tests that need one, and for all processes that run them."""
    from stmt_tf.models.create import create_generator

    with open(folder / "tiny.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "tiny").exists():
            return str(folder / "tiny")
        return write_model(folder, create_generator(CONFIG, 2))


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
