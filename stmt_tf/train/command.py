"""Training of either stage: `train`, from its last checkpoint if there is one."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf
from absl import logging

from stmt_tf import assets
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.data.checks import broken_records_told, check_records
from stmt_tf.data.pipeline import training_dataset, validation_dataset
from stmt_tf.train import checkpoints, cluster
from stmt_tf.train.callbacks import SaveState, StopAtNaN, Stopped, StopWhenAsked, TimeLimit, TrainingDiverged
from stmt_tf.train.create import create_trainer, decays_in_time
from stmt_tf.train.dry_run import rehearse
from stmt_tf.train.pictures import ShowPictures
from stmt_tf.train.rehearsal import Rehearsal, as_text
from stmt_tf.train.schedule import stretches
from stmt_tf.train.settings import LossConfig, RunConfig, TrainConfig
from stmt_tf.train.trainer import Trainer

_PICTURED_EXAMPLES = 6


def train(
    workdir: str,
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    stop: threading.Event | None = None,
    told: Callable[[float], object] | None = None,
) -> None:
    """Trains until its iterations or minutes are over, from the last checkpoint in `workdir` if there is one.

    Args:
        workdir: its working directory, made if it does not exist.
        model, data, loss, training: its settings.
        stop: once it is set, the training saves after the step at hand, and ends.
        told: is told after each step and validation how much of the minutes is over, from 0 to 1.

    Raises:
        FileNotFoundError: no records, or no weights to start from.
        ValueError: `workdir` holds a training of another model, or settings, records, weights or workers do not
            go together; or a record is broken.
        TrainingDiverged: a loss is no longer a number.
        OSError: the working directory cannot be written, or another worker is gone.
    """
    with _full_disk_named(), cluster.lost_worker_named(), contextlib.suppress(Stopped):
        with broken_records_told(data.train_records, data.val_records):
            _train(workdir, model, data, loss, training, stop or threading.Event(), told)


def _train(
    workdir: str,
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    stop: threading.Event,
    told: Callable[[float], object] | None,
) -> None:
    # What can fail does so before anything is built or written.
    _require_consistent(data, loss, training)
    checkpoints.require_same_model(workdir, model, data, loss, training)
    checkpoints.require_start(workdir, model, data.num_source_frames, training)
    worker, strategy = _join(data, training)
    sources = _num_sources(data, training)
    for pattern, flag in ((data.train_records, "--train_records"), (data.val_records, "--val_records")):
        check_records(pattern, flag, sources + data.num_target_frames, model.size)

    steps = min(training.checkpoint_every, training.iterations)
    validation = validation_dataset(data, sources, model.size, training.val_examples, worker.index, worker.count)
    tf.keras.mixed_precision.set_global_policy(training.precision)
    with strategy.scope():
        trainer = create_trainer(model, data, loss, training)
    state = _begun(workdir, trainer, model, training)
    if state.position()[0] * steps >= training.iterations:
        logging.info("--iterations=%d are done already; give more to go on", training.iterations)
    if worker.is_chief:
        checkpoints.write_config(workdir, model, data, loss, training)
    time_limit = TimeLimit(
        training.minutes or math.inf, training.learning_rate if decays_in_time(training) else None, told
    )
    callbacks = [
        StopAtNaN(),
        *(_to_watch(workdir, validation) if worker.is_chief else []),
        SaveState(state, workdir, writes=worker.is_chief),
        StopWhenAsked(stop, state, steps, writes=worker.is_chief),
        time_limit,
    ]
    logging.info("losses follow after every %d iterations; the first one takes a minute or more, for its graph", steps)
    for stretch in stretches(loss, steps, training.iterations, state.position):
        if time_limit.share == 1.0:
            break
        trainer.activate(stretch.active)
        if stretch.is_new:
            # The validation loss has another meaning from here on.
            state.best_loss.assign(float("inf"))
        flows = stretch.active.adversarial and bool(loss.discriminated_ranges)
        examples = training_dataset(
            data, sources, model.size, stretch.epoch * steps + stretch.step, flows, worker.index, worker.count
        )
        trainer.fit(
            cluster.distributed(examples, data.batch_size, strategy, worker),
            initial_epoch=stretch.epoch,
            epochs=stretch.end,
            steps_per_epoch=steps - stretch.step,
            # With several workers Keras must be told how many batches there are, and on Keras 3 it then reads on.
            validation_data=cluster.distributed(validation.repeat(), data.batch_size, strategy, worker),
            validation_steps=math.ceil(training.val_examples / data.batch_size),
            callbacks=callbacks,
            verbose=1 if sys.stdout.isatty() else 0,  # SaveState logs every epoch
        )


def _num_sources(data: DataConfig, training: TrainConfig) -> int:
    """Source frames of an example."""
    return 1 if training.stage == 1 else data.num_source_frames


def _join(data: DataConfig, training: TrainConfig) -> tuple[cluster.Worker, tf.distribute.Strategy]:
    """This worker, and what the training runs under with all others; raises ValueError if they cannot do it."""
    worker = cluster.read_worker()
    if training.minutes and worker.count > 1:
        raise ValueError(
            f"--minutes={training.minutes:g}: {worker.count} workers have no common clock; give --iterations alone"
        )
    strategy = cluster.create_strategy(worker)
    _require_divisible(data.batch_size, strategy.num_replicas_in_sync, training.micro_batches)
    return worker, strategy


def _begun(workdir: str, trainer: Trainer, model: ModelConfig, training: TrainConfig) -> checkpoints.TrainingState:
    """Starts a trainer from its last checkpoint, or else from --init."""
    state = checkpoints.TrainingState(trainer, os.path.join(workdir, checkpoints.CHECKPOINTS))
    if state.restore():
        logging.info("resuming at iteration %d", trainer.iteration)
    elif training.init:
        checkpoints.load_initial_weights(trainer.network, model, training.init)
    return state


def _to_watch(workdir: str, validation: tf.data.Dataset) -> list[tf.keras.callbacks.Callback]:
    """Writes curves and pictures for TensorBoard."""
    events = os.path.join(workdir, "events")
    pictured = next(iter(validation.unbatch().batch(_PICTURED_EXAMPLES)))
    return [
        tf.keras.callbacks.TensorBoard(events, write_graph=False),
        ShowPictures(pictured, os.path.join(events, "pictures")),
    ]


@contextlib.contextmanager
def _full_disk_named() -> Iterator[None]:
    """Turns TensorFlow's error about a file of events that it cannot write into one that says so."""
    try:
        yield
    except tf.errors.OpError as error:
        full = os.strerror(errno.ENOSPC)
        if full not in error.message:
            raise
        raise OSError(
            f"the events cannot be written ({full}). The last checkpoint is sound: make room, and run the same command "
            "again"
        ) from error


def _require_consistent(data: DataConfig, loss: LossConfig, training: TrainConfig) -> None:
    if loss.spectral_norm and training.micro_batches > 1:
        raise ValueError(
            f"--spectral_norm changes the discriminators in every micro-batch, so that with "
            f"--micro_batches={training.micro_batches} the result would be another one: leave one of the two out"
        )
    targets = data.num_target_frames
    for n in loss.discriminated_ranges:
        if n > targets:
            raise ValueError(
                f"--temporal_ranges has {n}, but an example has only --num_target_frames={targets} consecutive frames"
            )


def _require_divisible(batch_size: int, replicas: int, micro_batches: int) -> None:
    parts = replicas * micro_batches
    if batch_size % parts:
        micro = f" times --micro_batches={micro_batches}" if micro_batches > 1 else ""
        raise ValueError(
            f"--batch_size={batch_size} cannot be split evenly over {replicas} devices{micro}: "
            f"give a multiple of {parts}"
        )


def _rehearse(model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig) -> Rehearsal:
    """A dry run, after the checks of `train` that need neither a working directory nor records that are not named."""
    _require_consistent(data, loss, training)
    _, strategy = _join(data, training)
    sources = _num_sources(data, training)
    for pattern, flag in ((data.train_records, "--train_records"), (data.val_records, "--val_records")):
        if pattern:
            check_records(pattern, flag, sources + data.num_target_frames, model.size)
    return rehearse(model, data, loss, training, strategy)


def main(
    run: RunConfig, model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig
) -> None:
    """Trains, or rehearses it."""
    try:
        if run.dry_run:
            print(as_text(_rehearse(model, data, loss, training)))
        else:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            train(run.workdir, model, data, loss, training, stop)
            if stop.is_set():
                logging.info("terminated, with everything saved; run the same command again to go on")
    except (OSError, ValueError, TrainingDiverged, assets.AssetError) as error:
        sys.exit(f"train: {error}")
