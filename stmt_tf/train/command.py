"""Training of either stage: `train`, from its last checkpoint if there is one."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator

import tensorflow as tf
from absl import logging

from stmt_tf import assets
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.data.checks import broken_records_told, check_records
from stmt_tf.data.pipeline import evaluation_dataset, training_dataset
from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.train import checkpoints, cluster, dry_run
from stmt_tf.train.callbacks import SaveState, StopAtNaN, Stopped, StopWhenAsked, TimeLimit, TrainingDiverged
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.pictures import ShowPictures
from stmt_tf.train.settings import LossConfig, PlaceConfig, TrainConfig
from stmt_tf.train.trainer import ActiveLosses, Trainer

_PICTURED_EXAMPLES = 6


def train(
    workdir: str,
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    stop: threading.Event | None = None,
) -> None:
    """Trains until its iterations or minutes are over, from the last checkpoint in `workdir` if there is one.

    Args:
        workdir: its working directory, made if it does not exist.
        model, data, loss, training: its settings.
        stop: once it is set, the training saves after the step at hand, and ends.

    Raises:
        FileNotFoundError: no records, or no weights to start from.
        ValueError: `workdir` holds a training of another model, or settings, records, weights or workers do not
            go together; or a record is broken.
        TrainingDiverged: a loss is no longer a number.
        OSError: the working directory cannot be written, or another worker is gone.
    """
    with _full_disk_named(), cluster.lost_worker_named(), contextlib.suppress(Stopped):
        with broken_records_told(data.train_records, data.val_records):
            _train(workdir, model, data, loss, training, stop or threading.Event())


def _train(
    workdir: str,
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    stop: threading.Event,
) -> None:
    # What can fail does so before anything is built or written.
    _require_consistent(data, loss, training)
    checkpoints.require_same_model(workdir, model, data, loss, training)
    checkpoints.require_start(workdir, model, data.num_source_frames, training)
    worker = cluster.read_worker()
    if training.minutes and worker.count > 1:
        raise ValueError(
            f"--minutes={training.minutes:g}: {worker.count} workers have no common clock; give --iterations alone"
        )
    strategy = cluster.create_strategy(worker)
    _require_divisible(data.batch_size, strategy.num_replicas_in_sync, training.micro_batches)
    sources = 1 if training.stage == 1 else data.num_source_frames
    for pattern, flag in ((data.train_records, "--train_records"), (data.val_records, "--val_records")):
        check_records(pattern, flag, sources + data.num_target_frames, model.size)

    steps = min(training.checkpoint_every, training.iterations)
    validation = evaluation_dataset(
        data.val_records, training.val_examples, sources, data.num_target_frames, model.size,
        data.batch_size, worker=worker.index, num_workers=worker.count,
    )
    tf.keras.mixed_precision.set_global_policy(training.precision)
    with strategy.scope():
        trainer = create_trainer(model, data, loss, training)
    state = checkpoints.TrainingState(trainer, os.path.join(workdir, checkpoints.CHECKPOINTS))
    if state.restore():
        logging.info("resuming at iteration %d", trainer.iteration)
        if int(state.epoch.numpy()) * steps >= training.iterations:
            logging.info("--iterations=%d are done already; give more to go on", training.iterations)
    elif training.init:
        checkpoints.load_initial_weights(trainer.network, model, training.init)
    callbacks: list[tf.keras.callbacks.Callback] = [StopAtNaN()]
    if worker.is_chief:
        checkpoints.write_config(workdir, model, data, loss, training)
        events = os.path.join(workdir, "events")
        callbacks += [
            tf.keras.callbacks.TensorBoard(events, write_graph=False),
            ShowPictures(next(iter(validation.unbatch().batch(_PICTURED_EXAMPLES))), os.path.join(events, "pictures")),
        ]
    callbacks.append(SaveState(state, workdir, writes=worker.is_chief))
    callbacks.append(StopWhenAsked(stop, state, steps, writes=worker.is_chief))
    time_limit = TimeLimit(
        training.minutes or math.inf, training.learning_rate if _decays_in_time(training) else None
    )
    callbacks.append(time_limit)
    for active, phase_start, phase_end in _phases(loss, steps, training.iterations):
        first_epoch, first_step = int(state.epoch.numpy()), int(state.step.numpy())
        if first_epoch >= phase_end:
            continue
        trainer.activate(active)
        if (first_epoch, first_step) == (phase_start, 0):
            # Another set of losses: the validation loss has another meaning from here on.
            state.best_loss.assign(float("inf"))
        flows = active.adversarial and bool(loss.discriminated_ranges)
        # An epoch that was begun before has fewer steps to go.
        ends = [first_epoch + 1, phase_end] if first_step else [phase_end]
        for end in ends:
            begin, step = int(state.epoch.numpy()), int(state.step.numpy())
            if begin >= end or time_limit.share == 1.0:
                continue
            examples = training_dataset(
                data, sources, model.size, begin * steps + step, flows, worker.index, worker.count
            )
            trainer.fit(
                cluster.distributed(examples, data.batch_size, strategy, worker),
                initial_epoch=begin,
                epochs=end,
                steps_per_epoch=steps - step,
                # With several workers Keras must be told how many batches there are, and on Keras 3 it then reads on.
                validation_data=cluster.distributed(validation.repeat(), data.batch_size, strategy, worker),
                validation_steps=math.ceil(training.val_examples / data.batch_size),
                callbacks=callbacks,
                verbose=1 if sys.stdout.isatty() else 0,  # SaveState logs every epoch
            )


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
            f"--spectral_norm changes the discriminators in every part of a batch, so that with "
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


def create_trainer(model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig) -> Trainer:
    """A compiled trainer with untrained networks; call it in the strategy's scope, the precision set."""
    tf.keras.utils.set_random_seed(data.seed)
    discriminators = create_discriminators(loss, model.size)
    features = None
    if loss.vgg_weight > 0:
        features = create_perceptual_features(
            loss.vgg_network, loss.vgg_weights or None, dtype=training.perceptual_dtype
        )
    network = checkpoints.create_network(model, training, data.num_source_frames)
    trainer = Trainer(network, discriminators, features, loss, data.seed, training.micro_batches)
    trainer.compile(_optimizer(training), _optimizer(training) if discriminators else None)
    return trainer


def _optimizer(training: TrainConfig) -> tf.keras.optimizers.Optimizer:
    rate = training.learning_rate
    if training.learning_rate_decay and not _decays_in_time(training):
        rate = tf.keras.optimizers.schedules.CosineDecay(rate, training.iterations)
    optimizer = tf.keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.999)
    if training.precision == "mixed_float16":
        # Small gradients would be 0 in float16.
        optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def _decays_in_time(training: TrainConfig) -> bool:
    """Whether the step size follows the clock, since the training ends by it."""
    return training.learning_rate_decay and training.minutes > 0


def _phases(
    loss: LossConfig, steps: int, iterations: int
) -> Iterator[tuple[ActiveLosses, int, int]]:
    """The losses at work, and the epochs from and until which they are; starts round up to epochs."""
    epochs = math.ceil(iterations / steps)
    adversarial = loss.discriminates_frames or bool(loss.discriminated_ranges)
    vgg_start, gan_start = (min(math.ceil(s / steps), epochs) for s in (loss.vgg_start, loss.gan_start))
    bounds = sorted({0, vgg_start, gan_start, epochs})
    for start, end in zip(bounds, bounds[1:]):
        active = ActiveLosses(
            perceptual=loss.vgg_weight > 0 and start >= vgg_start,
            adversarial=adversarial and start >= gan_start,
        )
        yield active, start, end


def _rehearse(model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig) -> dry_run.Rehearsal:
    """A dry run, after the checks of `train` that need neither a working directory nor records that are not named."""
    _require_consistent(data, loss, training)
    strategy = cluster.create_strategy(cluster.read_worker())
    sources = 1 if training.stage == 1 else data.num_source_frames
    for pattern, flag in ((data.train_records, "--train_records"), (data.val_records, "--val_records")):
        if pattern:
            check_records(pattern, flag, sources + data.num_target_frames, model.size)
    _require_divisible(data.batch_size, strategy.num_replicas_in_sync, training.micro_batches)
    return dry_run.rehearse(model, data, loss, training, strategy, create_trainer)


def main(
    place: PlaceConfig, model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig
) -> None:
    """Trains, or rehearses it."""
    try:
        if place.dry_run:
            print(dry_run.as_text(_rehearse(model, data, loss, training)))
        else:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            train(place.workdir, model, data, loss, training, stop)
            if stop.is_set():
                logging.info("terminated, with everything saved; run the same command again to go on")
    except (OSError, ValueError, TrainingDiverged, assets.AssetError) as error:
        sys.exit(f"train: {error}")
