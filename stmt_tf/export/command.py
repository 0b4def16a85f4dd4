"""Export of a trained model: a version whole, or none."""

from __future__ import annotations

import contextlib
import dataclasses
import logging as python_logging
import os
import sys
import tempfile
from collections.abc import Iterator

import tensorflow as tf
from absl import logging

from stmt_tf import flags
from stmt_tf.export.settings import ExportConfig
from stmt_tf.models.versions import newest
from stmt_tf.serving.inference import save_model
from stmt_tf.serving.lite import LITE, convert_generate
from stmt_tf.serving.verify import verify
from stmt_tf.serving.versions import model_name, new_version
from stmt_tf.serving.warmup import made_up_example, messages_installed, write_warmup
from stmt_tf.serving.weights import round_weights
from stmt_tf.train.checkpoints import BEST_WEIGHTS, CONFIG, load_generator
from stmt_tf.zoo.archive import CARD, write_archive

_NEEDS_MESSAGES = "tensorflow-serving-api is not installed (pip install .[addons,serving] or .[current,serving])"


def export(config: ExportConfig) -> str:
    """Writes the next version, whole or not at all; returns its directory.

    Raises:
        FileNotFoundError: there is no training, or it has no snapshot yet.
        FileExistsError: the output is something else already.
        ValueError: the export does not do what the model does, or cannot be verified, or not become a TFLite model.
    """
    if config.verify and not messages_installed():
        raise ValueError(f"--verify runs the warm-up requests, and {_NEEDS_MESSAGES}")
    with _quiet():
        generator, model = load_generator(config.workdir)
    # What a further training starts from. Weights that lost precision are no good start.
    workdir = newest(config.workdir)
    extra = [os.path.join(workdir, name) for name in (CONFIG, BEST_WEIGHTS)]
    if config.weights != "float32":
        round_weights(generator, config.weights)
        extra = []
    card = os.path.join(workdir, CARD)
    if os.path.isfile(card):
        extra.append(card)
    example = made_up_example(generator)
    with new_version(config.output) as version:
        with _quiet():
            save_model(generator, model, version.path, extra, config.weights)
        if messages_installed():
            write_warmup(version.path, model_name(config.output), example)
        else:
            logging.warning("no warm-up requests: %s", _NEEDS_MESSAGES)
        if config.tflite:
            with open(os.path.join(version.path, LITE), "wb") as file, _quiet():
                file.write(convert_generate(generator, config.weights))
        if config.verify:
            differences = verify(version.path, generator, config.weights, example)
            told = ", ".join(f"{name} {difference:g}" for name, difference in differences.items())
            logging.info("verified in a fresh process; largest differences in steps of 1 / 255: %s", told)
        flags.raise_if_interrupted()
    return version.path


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what TensorFlow and Keras tell about their own loading and saving off the terminal."""
    python_logging.disable(python_logging.WARNING)
    try:
        yield
    finally:
        python_logging.disable(python_logging.NOTSET)


def publish(config: ExportConfig) -> str:
    """Writes the archive, and the version if there is an output for it; returns the archive's path.

    Raises:
        NotADirectoryError: the archive's directory does not exist.
        As `export` does.
    """
    parent = os.path.dirname(os.path.abspath(config.archive))
    if not os.path.isdir(parent):
        raise NotADirectoryError(f"--archive={config.archive}: {parent} is no directory. Make it first")
    with contextlib.ExitStack() as stack:
        if not config.output:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="stmt_tf_"))
            name = os.path.basename(config.archive).partition(".")[0] or "model"
            config = dataclasses.replace(config, output=os.path.join(scratch, name))
        write_archive(export(config), config.archive, config.licence)
    return config.archive


def main(config: ExportConfig) -> None:
    """Writes the version, the archive, or both."""
    try:
        written = publish(config) if config.archive else export(config)
    except (OSError, ValueError, tf.errors.OpError) as error:
        sys.exit(f"export: {error}")
    logging.info("wrote %s", written)
