"""Fine-tuning of a model on one video: records of it, a training by them, the version that it gives."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from stmt_tf.assets import SHIPPED_MODEL, AssetError, fetch, shipped_model
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.data.pipeline import find_records
from stmt_tf.data.rendered import rendered_clip
from stmt_tf.data.schema import encode_clip
from stmt_tf.export.command import export
from stmt_tf.export.settings import ExportConfig
from stmt_tf.files import whole_file
from stmt_tf.metrics.image import masked_psnr, psnr
from stmt_tf.metrics.regions import person_region
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.personalize.own_clips import OwnFrames, clips_all_over, read_own_frames
from stmt_tf.personalize.settings import PersonalizeConfig
from stmt_tf.pose import body
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.selection import NUM_FRAMES, select_source_frames
from stmt_tf.pose.tracks import PosedVideo, check_poses, estimate_tracks
from stmt_tf.serving.inference import TransferModel
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.serving.versions import require_room
from stmt_tf.train import checkpoints
from stmt_tf.train.callbacks import TrainingDiverged
from stmt_tf.train.command import train
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.video.files import VideoError
from stmt_tf.video.reader import probe
from stmt_tf.video.sheet import check_picture, contact_sheet, write_png

TRAINING = "training"
_IDENTITY, _HELD_OUT = "personalization.json", "held_out.tfrecord"
_NUM_OWN_CLIPS, _NUM_OTHER_CLIPS = 64, 32
_NUM_TARGETS = 2  # L of an example
_DANCERS, _DANCERS_FRAMES, _DANCERS_FPS = 7, 16, 3.2  # the series of rendered ones, and how long each is
_STEPS_BETWEEN_VALIDATIONS = 30
_VALIDATION_EXAMPLES = 12
_LEARNING_RATE = 1e-3
_COLUMNS = 8  # of the sheet
_BATCH = 4  # frames made at once


def check(config: PersonalizeConfig) -> None:
    """Finds what cannot work before anything slow begins; writes nothing.

    Raises:
        VideoError: the source is no video, or the sheet cannot be written.
        PoseError: the pose estimator's model or results do not exist, or are not for it.
        ValueError: flags do not go together, or the output belongs to another personalisation.
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
    _require_same(config)
    if config.mix_records:
        find_records(config.mix_records, "--mix_records")
    check_start(config.model)


def check_start(model: str) -> None:
    """Makes sure that a model (empty: the shipped one) can be trained further, and that what that needs is here.

    Raises:
        FileNotFoundError: the model directory has no weights to start from.
        AssetError: the perceptual loss's network cannot be had.
    """
    _, _, loss, _ = checkpoints.read_settings(_base(model))
    if loss.vgg_weight > 0 and loss.vgg_network == "vgg16" and not loss.vgg_weights:
        fetch("vgg16")


def _base(model: str) -> str:
    return model or str(shipped_model(SHIPPED_MODEL))


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
    base, workdir = _base(config.model), os.path.join(config.output, TRAINING)
    model, data, _, _ = settings = _settings(config, base)
    _require_same(config)
    fewest = data.num_source_frames + data.num_target_frames
    with contextlib.ExitStack() as stack:
        estimator = None
        if not _has_records(config):  # then nobody asks for masks, which take their time
            estimator = stack.enter_context(_video(config).estimator())
        own, held_out = read_own_frames(config.source, track, model.size, fewest, estimator)
    _write_records(config, own, held_out, model.size)
    try:
        train(workdir, *settings)
    except TrainingDiverged as error:
        if not os.path.exists(os.path.join(workdir, checkpoints.BEST_WEIGHTS)):
            raise ValueError(f"fine-tuning failed ({error}): use the model as it was") from error
        logging.warning("fine-tuning ended early, with the best model until then: %s", error)
    better = _compare(config, base, workdir, own, held_out)
    if not better:
        logging.warning("no gain: this version is the model as it was; a longer --source or more --minutes may help")
    return export(ExportConfig(workdir=workdir if better else base, output=config.output))


def personalized(video: PosedVideo, track: np.ndarray, minutes: float, model: str) -> TransferModel:
    """A model fine-tuned on the source of one transfer, for that alone.

    Args:
        video: the source.
        track: `[S, 14, 3]`, its joints in pixels of its frames.
        minutes: how long to train.
        model: the model's directory; empty: the shipped model.

    Raises:
        As `personalize` does.
    """
    with tempfile.TemporaryDirectory() as scratch:
        task = PersonalizeConfig(
            source=video.path, output=scratch, minutes=minutes, model=model, pose=video.tool, pose_model=video.poses
        )
        return TransferModel(personalize(task, track))


def _settings(config: PersonalizeConfig, base: str) -> tuple[ModelConfig, DataConfig, LossConfig, TrainConfig]:
    """How to train: as the model was trained, by content losses alone, since it comes without discriminators."""
    model, data, loss, training = checkpoints.read_settings(base)
    if training.stage == 1:
        model = dataclasses.replace(model, fusion="avg")  # as which it is exported
    records = os.path.join(config.output, TRAINING, "records")
    return (
        model,
        DataConfig(
            train_records=os.path.join(records, "train-*"),
            val_records=os.path.join(records, _HELD_OUT),
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
    return PosedVideo(config.source, config.pose, config.source_poses or config.pose_model, one_shot=True)


def _identity(config: PersonalizeConfig) -> dict[str, str]:
    """What a personalisation is of, by the names of its flags."""
    values = {name: getattr(config, name) for name in ("source", "model", "mix_records")}
    return {name: value and os.path.abspath(value) for name, value in values.items()}


def _has_records(config: PersonalizeConfig) -> bool:
    """Whether this personalisation was begun before."""
    return os.path.exists(os.path.join(config.output, TRAINING, _IDENTITY))


def _require_same(config: PersonalizeConfig) -> None:
    """Raises ValueError if the output belongs to another personalisation."""
    if not _has_records(config):
        return
    with open(os.path.join(config.output, TRAINING, _IDENTITY)) as file:
        found = json.load(file)
    asked = _identity(config)
    differing = [f"--{k}={found.get(k)} there, {asked[k]} asked for" for k in asked if found.get(k) != asked[k]]
    if differing:
        raise ValueError(
            f"{config.output}: holds another personalisation ({'; '.join(differing)}): give another --output"
        )


def _write_records(config: PersonalizeConfig, own: OwnFrames, held_out: OwnFrames, size: int) -> None:
    """Writes the records, which a personalisation that is resumed has already, and last what they are of."""
    workdir = os.path.join(config.output, TRAINING)
    directory, identity = os.path.join(workdir, "records"), os.path.join(workdir, _IDENTITY)
    if _has_records(config):
        return
    os.makedirs(directory, exist_ok=True)
    contents = {
        "train-others.tfrecord": _other_clips(config.mix_records, size),
        "train-own.tfrecord": map(encode_clip, clips_all_over(own, _NUM_OWN_CLIPS)),
        _HELD_OUT: [encode_clip(held_out.clip("held-out"))],
    }
    for name, records in contents.items():
        with whole_file(os.path.join(directory, name)) as hidden, tf.io.TFRecordWriter(str(hidden)) as writer:
            for record in records:
                writer.write(record)
    with whole_file(identity) as hidden:
        hidden.write_text(json.dumps(_identity(config), indent=2))


def _other_clips(pattern: str, size: int) -> Iterator[bytes]:
    """Serialized clips of other people: of the record files given, or rendered dancers."""
    if not pattern:
        logging.info("rendering dancers to mix in")
        for index in tqdm(range(_NUM_OTHER_CLIPS), unit=" dancers"):
            yield encode_clip(rendered_clip(_DANCERS, index, size, _DANCERS_FRAMES, _DANCERS_FPS))
        return
    others = find_records(pattern, "--mix_records")
    # Of many files a record each: those of one file may be of one person.
    files = tf.data.Dataset.from_tensor_slices(others).shuffle(len(others), seed=0)
    clips = files.interleave(tf.data.TFRecordDataset, cycle_length=_NUM_OTHER_CLIPS, block_length=1)
    yield from clips.take(_NUM_OTHER_CLIPS).as_numpy_iterator()


def _compare(config: PersonalizeConfig, base: str, workdir: str, own: OwnFrames, held_out: OwnFrames) -> bool:
    """Tells, and shows in the sheet, how the held-out frames are made of frames of the training, before and after.

    Returns:
        Whether the person in them is made better: `transfer` takes the place from the video itself.
    """
    generators = {name: checkpoints.load_generator(path)[0] for name, path in (("before", base), ("after", workdir))}
    count = generators["before"].num_source_frames or min(NUM_FRAMES, len(own.frames))
    sources = own.at(select_source_frames(own.joints, count))
    person = person_region(held_out.joints, own.frames.shape[1], body.stature(own.joints))
    made = {name: _made(generator, sources, held_out.joints) for name, generator in generators.items()}
    whole = {name: float(psnr(frames, held_out.frames).mean()) for name, frames in made.items()}
    region = {name: float(np.nanmean(masked_psnr(frames, held_out.frames, person))) for name, frames in made.items()}
    logging.info(
        "PSNR of %d frames that were held out: %.2f dB before, %.2f after; of the person %.2f before, %.2f after",
        len(held_out.frames), whole["before"], whole["after"], region["before"], region["after"],
    )
    if config.sheet:
        shown = np.unique(np.linspace(0, len(held_out.frames) - 1, _COLUMNS).round().astype(int))
        rows = [("source frames", sources.frames), ("held out", held_out.frames[shown])]
        rows += [(f"made {name}", frames[shown]) for name, frames in made.items()]
        write_png(config.sheet, contact_sheet(rows))
    return region["after"] > region["before"]


def _made(generator: Generator | PartGenerator, sources: OwnFrames, poses: np.ndarray) -> np.ndarray:
    arguments = [tf.constant(sources.frames[None] / np.float32(127.5) - 1), tf.constant(sources.joints[None])]
    if isinstance(generator, PartGenerator) and sources.masks is not None:
        arguments.append(tf.constant(sources.masks[None, ..., None] / np.float32(255)))
    encoded = generator.encode_source(*arguments)
    generate = tf.function(lambda joints: image_outputs(generator, encoded, joints)["frame"], reduce_retracing=True)
    parts = np.split(poses[None], range(_BATCH, len(poses), _BATCH), axis=1)
    return np.concatenate([generate(tf.constant(part))[0] for part in parts])


def main(config: PersonalizeConfig) -> None:
    """Fine-tunes."""
    try:
        check(config)
        (track,) = estimate_tracks([_video(config)])
        version = personalize(config, track)
    except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"personalize: {error}")
    logging.info("wrote %s", version)
