"""What a training writes into its working directory, and how to read it back.

config.flags            the settings, as a flagfile
checkpoints/            networks and optimisers' state, to resume from
best.weights.npz        the network with the best validation loss so far
events/                 for TensorBoard
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re

import tensorflow as tf
from absl import logging

from stmt_tf import compat, flags
from stmt_tf.config import TAKE_ANY_NUMBER, DataConfig, ModelConfig
from stmt_tf.files import whole_file
from stmt_tf.models.create import create_generator
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.models.single_frame import SingleFrameTransfer
from stmt_tf.models.versions import newest
from stmt_tf.models.weights import load_weights
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.train.trainer import Trainer

CONFIG = "config.flags"
BEST_WEIGHTS = "best.weights.npz"
CHECKPOINTS = "checkpoints"
_KEPT = 2  # checkpoints: should one be damaged, there is another


class TrainingState:
    """All that a training needs to go on exactly where it stopped.

    Args:
        trainer: a compiled trainer.
        directory: where the checkpoints go.

    Attributes:
        epoch: epochs that are over.
        step: steps of the next one that are.
        best_loss: of the validations so far.
    """

    def __init__(self, trainer: Trainer, directory: str):
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best_loss = tf.Variable(float("inf"), trainable=False)
        # By number, not by Keras's own tracking, which on Keras 3 silently leaves out layers held in lists.
        owned = [*trainer.network.variables, *compat.optimizer_variables(trainer.optimizer)]
        for discriminator in trainer.discriminators.values():
            owned += discriminator.variables
        if trainer.discriminator_optimizer is not None:
            owned += compat.optimizer_variables(trainer.discriminator_optimizer)
        named = {f"variable_{i:04d}": _tf_variable(variable) for i, variable in enumerate(owned)}
        self._checkpoint = tf.train.Checkpoint(epoch=self.epoch, step=self.step, best_loss=self.best_loss, **named)
        self._directory = directory

    def position(self) -> tuple[int, int]:
        """The epochs that are over, and the steps of the next one that are."""
        return int(self.epoch.numpy()), int(self.step.numpy())

    def restore(self) -> bool:
        """Takes up the newest checkpoint that is sound; False if there is none at all.

        Raises:
            ValueError: the checkpoint is of other networks, or all of them are damaged.
        """
        found = _checkpoints_in(self._directory)
        for path in found:
            try:
                self._checkpoint.read(path).assert_consumed()
                return True
            except (AssertionError, ValueError, tf.errors.InvalidArgumentError) as error:
                raise ValueError(
                    f"{path} holds other networks than this training. Give another --workdir, or the same settings"
                ) from error
            except (IndexError, tf.errors.OpError) as error:  # that a file is too short, TensorFlow calls the former
                reason = str(getattr(error, "message", error)).splitlines()[0]
                logging.warning("%s is damaged (%s): going on from the checkpoint before it", path, reason)
        if found:
            raise ValueError(
                f"all checkpoints in {self._directory} are damaged, so there is nothing to resume. Begin anew in "
                f"another --workdir, with --init={os.path.dirname(self._directory)} from the best weights so far"
            )
        return False

    def save(self) -> None:
        """Writes a checkpoint, whole or not at all; the newest two are kept.

        Raises:
            OSError: it cannot be written.
        """
        path = os.path.join(self._directory, "ckpt-{}-{}".format(*self.position()))
        try:
            os.makedirs(self._directory, exist_ok=True)
            self._checkpoint.write(path)
        except (OSError, tf.errors.OpError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            raise OSError(
                f"{path} cannot be written ({reason}). The checkpoint before it is sound: make room, and run the same "
                "command again"
            ) from error
        for old in _checkpoints_in(self._directory)[_KEPT:]:
            for part in (".index", ".data-00000-of-00001"):  # without its index a checkpoint is none
                with contextlib.suppress(FileNotFoundError):
                    os.remove(old + part)


def _checkpoints_in(directory: str) -> list[str]:
    """The checkpoints in a directory, the newest first; by their files, since a list of them could be damaged, too.

    Those of earlier versions, which have no step, are among them: to be refused rather than written over.
    """
    found = (re.fullmatch(r"(ckpt-(\d+)(?:-(\d+))?)\.index", name) for name in _names(directory))
    numbered = sorted(((int(match[2]), int(match[3] or 0), match[1]) for match in found if match), reverse=True)
    return [os.path.join(directory, name) for _, _, name in numbered]


def _names(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.isdir(directory) else []


def _tf_variable(variable):
    """The `tf.Variable` within a Keras 3 variable; a Keras 2 variable is one already."""
    value = getattr(variable, "value", None)
    return variable if value is None or callable(value) else value


def write_config(workdir: str, *configs) -> None:
    """Writes the settings into a working directory; those of an earlier run are replaced."""
    path = os.path.join(workdir, CONFIG)
    os.makedirs(workdir, exist_ok=True)
    with whole_file(path) as hidden:
        hidden.write_text(flags.as_flagfile(*configs))


# What of a config decides which variables there are, and how many iterations an epoch of a checkpoint has.
_DECISIVE = {
    ModelConfig: lambda config: config,
    DataConfig: lambda config: config.num_source_frames,
    LossConfig: lambda config: (config.discriminates_frames, config.discriminated_ranges)
    + (config.discriminator_width, config.spectral_norm),
    TrainConfig: lambda config: (config.stage, config.freeze_stage1, min(config.checkpoint_every, config.iterations))
    + (config.precision,),
}


def require_same_model(workdir: str, *configs) -> None:
    """Makes sure that a training with these settings may go on in a working directory, or begin there.

    Raises:
        ValueError: the directory belongs to a training of another model.
    """
    path = os.path.join(workdir, CONFIG)
    if not os.path.exists(path):
        return
    for config in configs:
        decisive = _DECISIVE.get(type(config))
        if decisive is None:
            continue
        found = flags.from_flagfile(path, type(config))
        if decisive(found) != decisive(config):
            apart = [
                f"--{field.name}: {getattr(found, field.name)} there, {getattr(config, field.name)} here"
                for field in dataclasses.fields(config)
                if getattr(found, field.name) != getattr(config, field.name)
            ]
            raise ValueError(
                f"{path} holds another training ({'; '.join(apart)}). Give another --workdir, or the same settings"
            )


def require_start(workdir: str, model: ModelConfig, num_source_frames: int, training: TrainConfig) -> None:
    """Makes sure that there is what the training starts from, unless it has begun already.

    Args:
        workdir: of the training.
        model: its config.
        num_source_frames: K of stage 2.
        training: its stage and start.

    Raises:
        FileNotFoundError: --init names no training.
        ValueError: stage 2 without --init, or --init is of another kind of model.
    """
    if _checkpoints_in(os.path.join(workdir, CHECKPOINTS)):
        return
    if training.init:
        _require_same_kind(training.init, model, num_source_frames)
    elif training.stage == 2:
        raise ValueError(
            "--stage=2 needs the weights of a stage 1 training: give its --workdir, or a model directory, as --init"
        )


def _require_same_kind(directory: str, model: ModelConfig, num_source_frames: int | None) -> None:
    """Raises ValueError if the weights in a directory cannot start a model; K counts where it is not None."""
    directory = newest(directory)
    found, data, _, _ = read_settings(directory)
    # The weights of plain and of residual heads have the same shapes: loading alone would not tell.
    wanted = (model.width, model.residual_heads)
    if (found.width, found.residual_heads) != wanted:
        raise ValueError(
            f"--init={directory} has --width={found.width} and --residual_heads={found.residual_heads}, got "
            f"--width={model.width} and --residual_heads={model.residual_heads}: give the same, or another --init"
        )
    if num_source_frames not in (None, data.num_source_frames) and _hands_on_fusion(directory, found, model):
        raise ValueError(
            f"--init={directory} has attention over --num_source_frames={data.num_source_frames}, got "
            f"{num_source_frames}: give that many, or start from a stage 1"
        )


def _hands_on_fusion(directory: str, found: ModelConfig, model: ModelConfig) -> bool:
    stage = flags.from_flagfile(os.path.join(directory, CONFIG), TrainConfig).stage
    return stage == 2 and found.fusion == model.fusion and model.fusion not in TAKE_ANY_NUMBER


def read_settings(directory: str) -> tuple[ModelConfig, DataConfig, LossConfig, TrainConfig]:
    """The settings of a training that has a snapshot.

    A model directory, or one of versions, tells those of the training that it was made from.

    Raises:
        FileNotFoundError: the directory holds no training, or one without a snapshot yet.
    """
    workdir = newest(directory)
    for name in (CONFIG, BEST_WEIGHTS):
        path = os.path.join(workdir, name)
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"{path} does not exist: {workdir!r} is not the working directory of a training, or "
                "the training has not validated yet"
            )
    path = os.path.join(workdir, CONFIG)
    return tuple(flags.from_flagfile(path, config) for config in (ModelConfig, DataConfig, LossConfig, TrainConfig))


def load_generator(workdir: str) -> tuple[Generator | PartGenerator, ModelConfig]:
    """The best snapshot of a training, of either stage, as a generator.

    A model directory, or one of versions, is as good as the training that it was made from. A stage 1 model becomes a
    generator of average fusion with its own prediction heads.

    Raises:
        FileNotFoundError: the directory holds no training, or one without a snapshot yet.
    """
    workdir = newest(workdir)
    config, data, _, training = read_settings(workdir)
    weights = os.path.join(workdir, BEST_WEIGHTS)
    if training.stage == 2:
        generator = create_generator(config, data.num_source_frames)
        load_weights(generator, weights)
    else:
        config = dataclasses.replace(config, fusion="avg")
        generator = create_generator(config, data.num_source_frames)
        adopt_single_frame(generator, weights)
    return generator, config


def adopt_single_frame(generator: Generator, weights: str) -> None:
    """Loads stage 1 weights into a generator; its heads start as the single-frame model's."""
    load_weights(generator.single_frame, weights)
    generator.heads.set_weights(generator.single_frame.heads.get_weights())


def load_initial_weights(network: tf.keras.Model, model: ModelConfig, directory: str) -> None:
    """Starts a network from another training: its single-frame model, a generator's heads, and an equal fusion.

    Args:
        network: a `SingleFrameTransfer` or a `Generator`.
        model: its config.
        directory: a training's working directory or a model directory, of any size and stage, and of the same
            width and heads.

    Raises:
        FileNotFoundError: there is no snapshot.
        ValueError: it is of another kind of model.
    """
    _require_same_kind(directory, model, getattr(network, "num_source_frames", None))
    trained, found = load_generator(directory)
    if isinstance(network, SingleFrameTransfer):
        network.set_weights(trained.single_frame.get_weights())
        return
    network.single_frame.set_weights(trained.single_frame.get_weights())
    handed_on = ["heads"] if isinstance(network, Generator) and isinstance(trained, Generator) else []
    if found.fusion == model.fusion:
        handed_on += (
            ["attention", "background"] if model.fusion == "parts" else ["foreground_fusion", "background_fusion"]
        )
    for name in handed_on:
        getattr(network, name).set_weights(getattr(trained, name).get_weights())
