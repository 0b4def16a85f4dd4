"""Keras callbacks of a training: stop at a NaN, save at each epoch's end, show pictures in TensorBoard."""

from __future__ import annotations

import math
import os

import tensorflow as tf
from absl import logging

from stmt_tf.checkpoints import BEST_WEIGHTS, TrainingState
from stmt_tf.trainer import Trainer


class TrainingDiverged(RuntimeError):
    """A loss is no longer a number."""


class StopAtNaN(tf.keras.callbacks.Callback):
    """Raises `TrainingDiverged` with the loss's name; the last checkpoint is from before it."""

    def on_train_batch_end(self, batch, logs=None):
        self._require_finite(logs or {})

    def on_epoch_end(self, epoch, logs=None):
        # Weights that broke in the epoch's last step show in the validation alone.
        self._require_finite(logs or {})

    def _require_finite(self, logs):
        bad = [name for name, value in logs.items() if not math.isfinite(float(value))]
        if bad:
            name = min(bad, key=lambda name: name.endswith("total"))  # the culprit, not the sum
            step = self.model.iteration
            raise TrainingDiverged(
                f"loss {name!r} became {float(logs[name])} at iteration {step}. The last checkpoint is "
                "sound: resume from it with a lower --learning_rate"
            )


class SaveState(tf.keras.callbacks.Callback):
    """At each epoch's end keeps the best snapshot and writes a checkpoint, in that order.

    A kill between the two repeats the epoch and finds the same best again.
    """

    def __init__(self, state: TrainingState, workdir: str):
        super().__init__()
        self._state = state
        self._workdir = workdir

    def on_epoch_end(self, epoch, logs=None):
        loss = float(logs["val_total"])
        if loss < float(self._state.best_loss):
            self._state.best_loss.assign(loss)
            path = os.path.join(self._workdir, BEST_WEIGHTS)
            temporary = os.path.join(self._workdir, f"writing.{BEST_WEIGHTS}")
            self.model.network.save_weights(temporary)
            os.replace(temporary, path)
        self._state.epoch.assign(epoch + 1)
        self._state.save()
        parts = [f"{name} {float(value):.4g}" for name, value in logs.items()]
        logging.info("iteration %d: %s", self.model.iteration, ", ".join(parts))


class ShowPictures(tf.keras.callbacks.Callback):
    """Writes sample pictures of validation examples, one row an example, at the epoch as Keras does its scalars.

    Columns: first source frame, target frame, made frame, foreground, background, mask.
    """

    def __init__(self, example: dict[str, tf.Tensor], directory: str):
        super().__init__()
        self._example = example
        self._writer = tf.summary.create_file_writer(directory)

    def on_epoch_end(self, epoch, logs=None):
        with self._writer.as_default(step=epoch):
            tf.summary.image("samples", sample_sheet(self.model, self._example)[None])


def sample_sheet(trainer: Trainer, example: dict[str, tf.Tensor]) -> tf.Tensor:
    """The picture of `ShowPictures`: float `[rows * H, 6 * W, 3]` in [0, 1]."""
    outputs = trainer.network(example)
    columns = [example["source_frames"][:, 0], example["target_frames"][:, 0]]
    columns += [outputs[name][:, 0] for name in ("frame", "foreground", "background")]
    columns.append(tf.repeat(outputs["mask"][:, 0] * 2.0 - 1.0, 3, axis=-1))
    rows = tf.concat(columns, axis=2)
    sheet = tf.reshape(rows, [-1, *rows.shape[2:]])
    return tf.clip_by_value(sheet / 2.0 + 0.5, 0.0, 1.0)
