"""Trains a model: `python -m stmt_tf.train --flagfile=configs/shipped_stage1.flags --workdir=DIR`.

Stage 1 trains the single-frame model, stage 2 the generator on top of it (`--stage=2 --init=STAGE1_WORKDIR`).
Run the same command again to resume: a training that was killed goes on from its last checkpoint and gives the
same losses as one that was not. Watch it with `tensorboard --logdir=DIR`.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence

import tensorflow as tf
from absl import app, logging
from absl import flags as absl_flags

from stmt_tf import assets, checkpoints, flags
from stmt_tf.callbacks import SaveState, ShowPictures, StopAtNaN, TrainingDiverged
from stmt_tf.config import DataConfig, LossConfig, ModelConfig, TrainConfig
from stmt_tf.data.pipeline import evaluation_dataset, find_records, training_dataset
from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.models.create import create_discriminator
from stmt_tf.trainer import ActiveLosses, Trainer

_PICTURED_EXAMPLES = 6


def train(
    workdir: str, model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig
) -> None:
    """Trains until `training.iterations`, from the last checkpoint in `workdir` if there is one.

    Raises:
        FileNotFoundError: no records, or no weights to start from.
        ValueError: `workdir` holds a training of another model, or settings do not go together.
        TrainingDiverged: a loss is no longer a number.
    """
    sources = 1 if training.stage == 1 else data.num_source_frames
    steps = min(training.checkpoint_every, training.iterations)
    validation = evaluation_dataset(
        data.val_records, training.val_examples, sources, data.num_target_frames, model.size,
        data.batch_size,
    )
    # What can fail does so before anything is written.
    checkpoints.require_same_model(workdir, model, data, loss, training)
    pictured = _first_examples(validation, data.val_records)
    find_records(data.train_records, "--train_records")
    strategy = tf.distribute.MirroredStrategy()
    if data.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"--batch_size={data.batch_size} cannot be split evenly over {strategy.num_replicas_in_sync} "
            "devices: give a multiple of that"
        )
    with strategy.scope():
        trainer = _create_trainer(model, data, loss, training, sources)
    state = checkpoints.TrainingState(trainer, os.path.join(workdir, "checkpoints"))
    if state.restore():
        logging.info("resuming at iteration %d", trainer.iteration)
    elif training.init:
        checkpoints.load_initial_weights(trainer.network, training.init)
    checkpoints.write_config(workdir, model, data, loss, training)

    events = os.path.join(workdir, "events")
    callbacks = [
        StopAtNaN(),
        tf.keras.callbacks.TensorBoard(events, write_graph=False),
        ShowPictures(pictured, os.path.join(events, "pictures")),
        SaveState(state, workdir),
    ]
    for active, phase_start, phase_end in _phases(loss, steps, training.iterations):
        first_epoch = int(state.epoch.numpy())
        if first_epoch >= phase_end:
            continue
        trainer.activate(active)
        if first_epoch == phase_start:
            # Another set of losses: the validation loss has another meaning from here on.
            state.best_loss.assign(float("inf"))
        trainer.fit(
            training_dataset(data, sources, model.size, steps, first_epoch),
            initial_epoch=first_epoch,
            epochs=phase_end,
            steps_per_epoch=steps,
            validation_data=validation,
            callbacks=callbacks,
            verbose=1 if sys.stdout.isatty() else 2,
        )


def _first_examples(validation: tf.data.Dataset, pattern: str) -> dict[str, tf.Tensor]:
    """The examples that pictures show, in one batch."""
    try:
        return next(iter(validation.unbatch().batch(_PICTURED_EXAMPLES)))
    except StopIteration:
        raise ValueError(f"--val_records={pattern}: there is no clip in these files; make some") from None
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        reason = str(error.message).splitlines()[0]
        raise ValueError(f"--val_records={pattern}: a record cannot be used: {reason}") from error


def _create_trainer(
    model: ModelConfig, data: DataConfig, loss: LossConfig, training: TrainConfig, sources: int
) -> Trainer:
    tf.keras.utils.set_random_seed(data.seed)
    discriminator = features = None
    if loss.gan_weight > 0:
        discriminator = create_discriminator(model.size, loss.discriminator_width)
    if loss.vgg_weight > 0:
        features = create_perceptual_features(loss.vgg_network, loss.vgg_weights or None)
    network = checkpoints.create_network(model, training.stage, sources)
    trainer = Trainer(network, discriminator, features, loss, data.seed)
    trainer.compile(_optimizer(training), None if discriminator is None else _optimizer(training))
    return trainer


def _optimizer(training: TrainConfig) -> tf.keras.optimizers.Optimizer:
    rate = training.learning_rate
    if training.learning_rate_decay:
        rate = tf.keras.optimizers.schedules.CosineDecay(rate, training.iterations)
    return tf.keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.999)


def _phases(
    loss: LossConfig, steps: int, iterations: int
) -> Iterator[tuple[ActiveLosses, int, int]]:
    """The losses at work, and the epochs from and until which they are; starts round up to epochs."""
    epochs = math.ceil(iterations / steps)
    vgg_start, gan_start = (min(math.ceil(s / steps), epochs) for s in (loss.vgg_start, loss.gan_start))
    bounds = sorted({0, vgg_start, gan_start, epochs})
    for start, end in zip(bounds, bounds[1:]):
        active = ActiveLosses(
            perceptual=loss.vgg_weight > 0 and start >= vgg_start,
            adversarial=loss.gan_weight > 0 and start >= gan_start,
        )
        yield active, start, end


_CONFIGS = (ModelConfig, DataConfig, LossConfig, TrainConfig)


def main(argv: Sequence[str]) -> None:
    """Trains as the flags say."""
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    try:
        train(absl_flags.FLAGS.workdir, *(flags.read(config) for config in _CONFIGS))
    except (OSError, ValueError, TrainingDiverged, assets.AssetError) as error:
        sys.exit(f"train: {error}")
    except KeyboardInterrupt:
        sys.exit("train: interrupted; run the same command again to go on from the last checkpoint")


def run() -> None:
    """Defines the flags and calls `main`."""
    absl_flags.DEFINE_string("workdir", None, "Directory to write checkpoints, weights and events into.")
    absl_flags.mark_flag_as_required("workdir")
    flags.define(*_CONFIGS)
    app.run(main)


if __name__ == "__main__":
    run()
