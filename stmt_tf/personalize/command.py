"""Fine-tuning of a model on one video: records of it, a training by them, the version that it gives."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import tempfile

import numpy as np
from absl import logging

from stmt_tf.assets import AssetError, fetch
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.data.record_files import find_records
from stmt_tf.export.command import export
from stmt_tf.export.settings import ExportConfig
from stmt_tf.personalize.held_out import is_better
from stmt_tf.personalize.own_clips import read_own_frames, require_enough
from stmt_tf.personalize.records import HELD_OUT, RECORDS, TRAINING, has_records, require_same, write_records
from stmt_tf.personalize.settings import PersonalizeConfig
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.tracks import PosedVideo, check_poses, estimate_tracks, progress
from stmt_tf.serving.inference import TransferModel
from stmt_tf.serving.versions import require_room
from stmt_tf.train import checkpoints
from stmt_tf.train.callbacks import TrainingDiverged
from stmt_tf.train.command import train
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.files import VideoError
from stmt_tf.video.picture import is_picture
from stmt_tf.video.reader import probe
from stmt_tf.video.sheet import check_picture
from stmt_tf.zoo import find_model

_NUM_TARGETS = 2  # L of an example
_STEPS_BETWEEN_VALIDATIONS = 30
_VALIDATION_EXAMPLES = 12
_LEARNING_RATE = 1e-3


def check(config: PersonalizeConfig) -> None:
    """Finds what cannot work before anything slow begins; writes nothing.

    Raises:
        VideoError: the source is no video, or the sheet cannot be written.
        PoseError: the pose estimator's model or results do not exist, or are not for it.
        ValueError: flags do not go together, the source is too short, or the output belongs to another
            personalisation.
        OSError: there is no model to start from, no record to mix in, or no room for the output.
        AssetError: the perceptual loss's network cannot be had.
    """
    probe(config.source)
    if config.sheet:
        check_picture(config.sheet)
        if os.path.realpath(config.sheet) == os.path.realpath(config.source):
            raise ValueError(f"--sheet={config.sheet}: is the source itself. Give another name")
    check_poses(config.pose, config.pose_model, {"source_poses": config.source_poses}, ["source_poses"])
    require_room(config.output)
    require_same(config)
    if config.mix_records:
        find_records(config.mix_records, "--mix_records")
    check_start(config.model, config.source)


def check_start(model: str, source: str | Excerpt) -> None:
    """Makes sure that a model can be trained further on a video, and that what that needs is here.

    Args:
        model: as `find_model` takes it.
        source: the video.

    Raises:
        FileNotFoundError: the model directory has no weights to start from.
        ValueError: the source is a picture, or another video of too few frames.
        VideoError: the source is no video.
        AssetError: the perceptual loss's network cannot be had.
    """
    try:
        _, data, loss, _ = checkpoints.read_settings(find_model(model))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"--model={model} has no weights to fine-tune: {error}") from error
    num_frames = 1 if is_picture(source) else probe(source).num_frames
    if num_frames is not None:
        require_enough(source, num_frames, data.num_source_frames + _NUM_TARGETS)
    if loss.vgg_weight > 0 and loss.vgg_network == "vgg16" and not loss.vgg_weights:
        fetch("vgg16")


def personalize(config: PersonalizeConfig, track: np.ndarray) -> str:
    """Fine-tunes; returns the directory of the model.

    Args:
        config: what to do.
        track: `[T, 14, 3]`, the joints of the source's person in pixels of its frames.

    Raises:
        VideoError: the video cannot be read, or the sheet not written.
        ValueError: it shows its person in too few frames, the output belongs to another personalisation, or the
            training failed.
        PoseError: the pose estimator's model or results cannot be used.
        AssetError: the perceptual loss's network, or the pose estimator's model, cannot be had.
        OSError: there is no model to start from, or the output cannot be written.
    """
    base, workdir = find_model(config.model), os.path.join(config.output, TRAINING)
    model, data, _, _ = settings = _settings(config, base)
    require_same(config)
    fewest = data.num_source_frames + data.num_target_frames
    with contextlib.ExitStack() as stack:
        estimator = None
        if not has_records(config):  # then nobody asks for masks, which take their time
            estimator = stack.enter_context(_video(config).estimator())
        own, held_out = read_own_frames(config.source, track, model.size, fewest, estimator)
    write_records(config, own, held_out, model.size)
    try:
        with progress("fine-tuning", round(60 * config.minutes), unit="s") as bar:
            train(workdir, *settings, told=lambda share: bar.update(int(share * bar.total) - bar.n))
    except TrainingDiverged as error:
        if not os.path.exists(os.path.join(workdir, checkpoints.BEST_WEIGHTS)):
            raise ValueError(f"fine-tuning failed ({error}): use the model as it was") from error
        logging.warning("fine-tuning ended early, with the best model until then: %s", error)
    better = is_better(base, workdir, own, held_out, config.sheet)
    if not better:
        logging.warning("no gain: this version is the model as it was; a longer --source or more --minutes may help")
    return export(ExportConfig(workdir=workdir if better else base, output=config.output))


def personalized(video: PosedVideo, track: np.ndarray, minutes: float, model: str) -> TransferModel:
    """A model fine-tuned on the source of one transfer, for that alone.

    Args:
        video: the source.
        track: `[S, 14, 3]`, its joints in pixels of its frames.
        minutes: how long to train.
        model: the directory of the model that it starts from.

    Raises:
        As `personalize` does.
    """
    with tempfile.TemporaryDirectory() as scratch:
        task = PersonalizeConfig(
            source=video.path, output=scratch, minutes=minutes, model=model,
            pose=video.tool, pose_model=video.model, source_poses=video.results,
        )  # fmt: skip
        return TransferModel(personalize(task, track))


def _settings(config: PersonalizeConfig, base: str) -> tuple[ModelConfig, DataConfig, LossConfig, TrainConfig]:
    """How to train: as the model was trained, by content losses alone, since it comes without discriminators."""
    model, data, loss, training = checkpoints.read_settings(base)
    if training.stage == 1:
        model = dataclasses.replace(model, fusion="avg")  # as which it is exported
    records = os.path.join(config.output, RECORDS)
    return (
        model,
        DataConfig(
            train_records=os.path.join(records, "train-*"),
            val_records=os.path.join(records, HELD_OUT),
            num_source_frames=data.num_source_frames,
            num_target_frames=_NUM_TARGETS,
            batch_size=1,
            shuffle_buffer=_STEPS_BETWEEN_VALIDATIONS,
        ),
        dataclasses.replace(loss, gan_weight=0.0, temporal_ranges=(), vgg_start=0, gan_start=0),
        TrainConfig(
            stage=2,
            freeze_stage1=False,
            iterations=_STEPS_BETWEEN_VALIDATIONS * 100_000,  # that is, until the minutes are over
            minutes=config.minutes,
            learning_rate=_LEARNING_RATE,
            learning_rate_decay=True,
            checkpoint_every=_STEPS_BETWEEN_VALIDATIONS,
            val_examples=_VALIDATION_EXAMPLES,
            init=base,
        ),
    )


def _video(config: PersonalizeConfig) -> PosedVideo:
    """The source, and where its poses come from."""
    whom = {"one_shot": True, "person": config.source_person, "cached": config.pose_cache}
    return PosedVideo.of_settings(config.source, config.pose, config.pose_model, config.source_poses, **whom)


def main(config: PersonalizeConfig) -> None:
    """Fine-tunes."""
    try:
        check(config)
        (track,) = estimate_tracks([_video(config)])
        version = personalize(config, track)
    except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"personalize: {error}")
    logging.info("wrote %s", version)
