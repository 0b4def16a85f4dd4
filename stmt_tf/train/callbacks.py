"""Keras callbacks of a training: stop at a NaN, save at each epoch's end, end in time or when asked to."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import logging

from stmt_tf.models.weights import save_weights
from stmt_tf.train.checkpoints import BEST_WEIGHTS, TrainingState


class TrainingDiverged(RuntimeError):
    """A loss is no longer a number."""


class StopAtNaN(tf.keras.callbacks.Callback):
    """Raises `TrainingDiverged` with the loss's name; the last checkpoint is from before it."""

    def on_train_batch_end(self, batch, logs=None):
        self._require_finite(logs or {})

    def on_epoch_end(self, epoch, logs=None):
        # Weights that broke in the epoch's last step show in the validation alone, a discriminator's not even there.
        self._require_finite(logs or {})
        for name, discriminator in self.model.discriminators.items():
            broken = [v for v in discriminator.get_weights() if not np.isfinite(v).all()]
            self._require_finite({f"gan_{name}": math.nan} if broken else {})

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

    Args:
        state: of this training.
        workdir: where the snapshot goes.
        writes: False for all workers but one: they keep count alone.
    """

    def __init__(self, state: TrainingState, workdir: str, writes: bool = True):
        super().__init__()
        self._state = state
        self._workdir = workdir
        self._writes = writes

    def on_epoch_end(self, epoch, logs=None):
        loss = float(logs["val_total"])
        if loss < float(self._state.best_loss):
            self._state.best_loss.assign(loss)
            if self._writes:
                save_weights(self.model.network, os.path.join(self._workdir, BEST_WEIGHTS))
        self._state.epoch.assign(epoch + 1)
        self._state.step.assign(0)
        if self._writes:
            self._state.save()
        parts = [f"{name} {float(value):.4g}" for name, value in logs.items()]
        logging.info("iteration %d: %s", self.model.iteration, ", ".join(parts))


class Stopped(Exception):
    """The training was asked to end, and has saved."""


class StopWhenAsked(tf.keras.callbacks.Callback):
    """Saves and raises `Stopped` after the step in which it was asked; at an epoch's last step, after that epoch.

    Args:
        asked: set by whoever asks.
        state: of this training; its `step` is kept.
        steps: of an epoch.
        writes: as for `SaveState`.
    """

    def __init__(self, asked: threading.Event, state: TrainingState, steps: int, writes: bool = True):
        super().__init__()
        self._asked, self._state, self._steps, self._writes = asked, state, steps, writes
        self._step = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._step = int(self._state.step)  # not 0 where an epoch is gone on with

    def on_train_batch_end(self, batch, logs=None):
        self._step += 1
        if self._asked.is_set() and self._step < self._steps:
            self._state.step.assign(self._step)
            if self._writes:
                self._state.save()
            raise Stopped

    def on_epoch_end(self, epoch, logs=None):
        if self._asked.is_set():
            raise Stopped


class TimeLimit(tf.keras.callbacks.Callback):
    """Ends the training with the first epoch that is over after so many minutes.

    They count from the end of the first step, since building that takes its time; what lies between two `fit`s counts.

    Args:
        minutes: how long.
        learning_rate: of the optimisers, lowered to 0 along a half cosine in this time; None: left as it is.
        told: is told the share of the time that is over, after each step and each epoch's validation.
    """

    def __init__(
        self, minutes: float, learning_rate: float | None = None, told: Callable[[float], object] | None = None
    ):
        super().__init__()
        self._seconds = 60.0 * minutes
        self._learning_rate = learning_rate
        self._told = told
        self._start: float | None = None

    @property
    def share(self) -> float:
        """How much of the time has been used up, from 0 to 1."""
        return 0.0 if self._start is None else min((time.monotonic() - self._start) / self._seconds, 1.0)

    def on_train_batch_begin(self, batch, logs=None):
        if self._learning_rate is not None:
            rate = self._learning_rate * (1.0 + math.cos(math.pi * self.share)) / 2.0
            for optimizer in filter(None, (self.model.optimizer, self.model.discriminator_optimizer)):
                optimizer.learning_rate.assign(rate)

    def on_train_batch_end(self, batch, logs=None):
        if self._start is None:
            self._start = time.monotonic()
        if self._told:
            self._told(self.share)

    def on_epoch_end(self, epoch, logs=None):
        if self._told:
            self._told(self.share)
        if self.share == 1.0:
            self.model.stop_training = True
