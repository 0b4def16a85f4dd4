"""A model directory of the smallest size, untrained, made once for all tests that need one."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile

from stmt_tf.config import ModelConfig

SIZE = 32
CONFIG = ModelConfig(size=SIZE, width=0.05, residual_heads=True)


@functools.cache
def generator():
    from stmt_tf.models.create import create_generator

    return create_generator(CONFIG, 2)


@functools.cache
def model_directory() -> str:
    from stmt_tf.inference import save_model

    scratch = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    directory = os.path.join(scratch, "tiny")
    save_model(generator(), CONFIG, directory)
    return directory
