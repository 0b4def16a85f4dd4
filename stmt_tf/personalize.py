"""Fine-tunes a model on one video, so that it shows this person better.

    python -m stmt_tf.personalize --source=A.mp4 --output=A_model
    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4 --model=A_model

(`transfer --personalize=3` does both and keeps no model.) All of the network is trained, the single-frame model too, to
make the video's own frames from others of them, by the content losses that the model was trained with. The last fifth
of the video is held out: the model that makes it best is the one that is kept. Rendered dancers, one clip for two
of the video, keep the model able to show poses that the video never takes.

The output is a directory of versions, as `stmt_tf.export` writes it. Beside them lies `training/`, a training's working
directory (see `stmt_tf.train`) with its records. The same command again goes on for as many minutes and makes the next
version.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf
from absl import app, logging

from stmt_tf import checkpoints, flags
from stmt_tf.assets import SHIPPED_MODEL, AssetError, cache_dir, shipped_model
from stmt_tf.callbacks import TrainingDiverged
from stmt_tf.config import DataConfig, ExportConfig, LossConfig, ModelConfig, PersonalizeConfig, TrainConfig
from stmt_tf.data.own_clips import OwnFrames, clips_all_over, read_own_frames
from stmt_tf.data.pipeline import find_records
from stmt_tf.data.schema import encode_clip
from stmt_tf.export import export
from stmt_tf.inference import TransferModel
from stmt_tf.metrics.image import masked_psnr, psnr
from stmt_tf.metrics.regions import person_region
from stmt_tf.pose import body
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.selection import select_source_frames
from stmt_tf.tracks import estimate_tracks
from stmt_tf.train import train
from stmt_tf.video.files import VideoError, check_writable, whole_file
from stmt_tf.video.reader import probe
from stmt_tf.video.sheet import contact_sheet, write_png

TRAINING = "training"
_NUM_OWN_CLIPS, _NUM_OTHER_CLIPS = 64, 32
_NUM_TARGETS = 2  # L of an example
_DANCERS = {"num_videos": 36, "seed": 7, "frames_per_video": 16, "fps": 3.2}  # of 36 videos, 33 are for training
_STEPS_BETWEEN_VALIDATIONS = 30
_VALIDATION_EXAMPLES = 12
_LEARNING_RATE = 1e-3
_COLUMNS = 8  # of the sheet
_BATCH = 4  # frames made at once


def check(config: PersonalizeConfig) -> None:
    """Finds what cannot work before anything slow begins; writes nothing.

    Raises:
        VideoError: the source is no video, or the sheet cannot be written.
        FileNotFoundError: the model has no weights to start from.
    """
    probe(config.source)
    if config.sheet:
        check_writable(config.sheet)
    check_start(config.model)


def check_start(model: str) -> None:
    """Raises FileNotFoundError if a model directory (empty: the shipped one) has no weights to start from."""
    checkpoints.read_settings(_base(model))


def _base(model: str) -> str:
    return model or str(shipped_model(SHIPPED_MODEL))


def personalize(config: PersonalizeConfig, track: np.ndarray) -> str:
    """Fine-tunes; returns the directory of the model.

    Args:
        config: what to do.
        track: `[T, 14, 3]`, the joints of the source's person in pixels of its frames.

    Raises:
        VideoError: the video cannot be read, or the sheet not written.
        ValueError: it shows its person in too few frames, or the output belongs to another personalisation.
        TrainingDiverged: a loss is no longer a number.
        AssetError: the perceptual loss's network cannot be had.
        OSError: there is no model to start from, or the output cannot be written.
    """
    base = _base(config.model)
    model, data, loss, _ = settings = _settings(config, base)
    workdir = os.path.join(config.output, TRAINING)
    _require_same(os.path.join(workdir, "personalization.json"), config)
    fewest = data.num_source_frames + data.num_target_frames
    own, held_out = read_own_frames(config.source, track, model.size, fewest)
    _write_records(os.path.join(workdir, "records"), own, held_out, config.mix_records, model.size)
    train(workdir, *settings)
    version = export(ExportConfig(workdir=workdir, output=config.output))
    _compare(config, TransferModel(base), TransferModel(version), own, held_out)
    return version


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
            val_records=os.path.join(records, "held_out.tfrecord"),
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


def _require_same(path: str, config: PersonalizeConfig) -> None:
    """Writes down what a new personalisation is of, or makes sure that the one there is of the same."""
    asked = {name: os.path.abspath(getattr(config, name) or "-") for name in ("source", "model", "mix_records")}
    if os.path.exists(path):
        with open(path) as file:
            found = json.load(file)
        if found != asked:
            raise ValueError(
                f"{path} tells of another personalisation ({found}, asked for {asked}): give another --output"
            )
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with whole_file(path) as hidden:
        hidden.write_text(json.dumps(asked, indent=2))


def _write_records(directory: str, own: OwnFrames, held_out: OwnFrames, mix: str, size: int) -> None:
    """Writes the records that a personalisation which is resumed has already; those to validate on last of all."""
    last = os.path.join(directory, "held_out.tfrecord")
    if os.path.exists(last):
        return
    os.makedirs(directory, exist_ok=True)
    others = find_records(mix, "--mix_records") if mix else _rendered_dancers(size)
    clips = tf.data.TFRecordDataset(others).take(_NUM_OTHER_CLIPS).as_numpy_iterator()
    _write_records_file(os.path.join(directory, "train-others.tfrecord"), clips)
    own_clips = (encode_clip(clip) for clip in clips_all_over(own, _NUM_OWN_CLIPS))
    _write_records_file(os.path.join(directory, "train-own.tfrecord"), own_clips)
    _write_records_file(last, [encode_clip(held_out.clip("held-out"))])


def _write_records_file(path: str, records: Iterable[bytes]) -> None:
    with whole_file(path) as hidden, tf.io.TFRecordWriter(str(hidden)) as writer:
        for record in records:
            writer.write(record)


def _rendered_dancers(size: int) -> list[str]:
    """Record files of rendered dancers, made once and kept in the cache.

    Raises:
        ValueError: they cannot be rendered.
    """
    output = cache_dir() / f"dancers-{size}px"
    options = {"output": output, "size": size, "splits": "train", **_DANCERS}
    command = [sys.executable, "-m", "tfrecords_tools.synthetic_dancers", *(f"--{k}={v}" for k, v in options.items())]
    logging.info("rendering dancers to mix in")
    # In a process of its own: the tools use this package, not this package the tools.
    if subprocess.run(command).returncode:
        raise ValueError("rendering dancers failed, see above: give other records as --mix_records")
    return find_records(str(output / "train-*.tfrecord"), "--mix_records")


def _compare(
    config: PersonalizeConfig, before: TransferModel, after: TransferModel, own: OwnFrames, held_out: OwnFrames
) -> None:
    """Tells, and shows in the sheet, how both models make the held-out frames from frames of the training."""
    count = before.num_source_frames or 4
    chosen = select_source_frames(own.joints, count)
    sources = OwnFrames(own.frames[chosen], own.joints[chosen])
    person = person_region(held_out.joints, before.size, body.stature(own.joints))
    made = {name: _made(model, sources, held_out.joints) for name, model in (("before", before), ("after", after))}
    whole = {name: float(psnr(frames, held_out.frames).mean()) for name, frames in made.items()}
    region = {name: float(np.nanmean(masked_psnr(frames, held_out.frames, person))) for name, frames in made.items()}
    logging.info(
        "PSNR of %d frames that were held out: %.2f dB before, %.2f after; of the person %.2f before, %.2f after",
        len(held_out.frames), whole["before"], whole["after"], region["before"], region["after"],
    )
    if whole["after"] <= whole["before"]:
        logging.warning("that is no gain: use the model as it was, or give a longer --source or more --minutes")
    if config.sheet:
        shown = np.unique(np.linspace(0, len(held_out.frames) - 1, _COLUMNS).round().astype(int))
        rows = [("source frames", sources.frames), ("held out", held_out.frames[shown])]
        rows += [(f"made {name}", frames[shown]) for name, frames in made.items()]
        write_png(config.sheet, contact_sheet(rows))


def _made(model: TransferModel, sources: OwnFrames, poses: np.ndarray) -> np.ndarray:
    encoded = model.encode_source(sources.frames, sources.joints)
    parts = np.split(poses, range(_BATCH, len(poses), _BATCH))
    return np.concatenate([model.generate(encoded, part, ("frame",))["frame"] for part in parts])


def main(argv: Sequence[str]) -> None:
    """Reads the flags and fine-tunes."""
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    try:
        config = flags.read(PersonalizeConfig)
        check(config)
        (track,) = estimate_tracks([(config.source, config.source_poses or config.pose_model)], config.pose)
        version = personalize(config, track)
    except (AssetError, OSError, PoseError, TrainingDiverged, ValueError, VideoError) as error:
        sys.exit(f"personalize: {error}")
    except KeyboardInterrupt:
        sys.exit("personalize: interrupted; run the same command again to go on")
    logging.info("wrote %s", version)


def run() -> None:
    """The command."""
    flags.define(PersonalizeConfig)
    app.run(main)


if __name__ == "__main__":
    run()
