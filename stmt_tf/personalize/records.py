"""The records of a personalisation, of one video's own clips and of others, and what they are of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import tensorflow as tf
from absl import logging
from tqdm import tqdm

from stmt_tf.data import record_files
from stmt_tf.data.rendered import rendered_clip
from stmt_tf.data.schema import encode_clip
from stmt_tf.files import whole_file
from stmt_tf.personalize.own_clips import OwnFrames, clips_all_over
from stmt_tf.personalize.settings import PersonalizeConfig
from stmt_tf.zoo import find_model

# In the output; the first is the training's working directory.
TRAINING = "training"
RECORDS, HELD_OUT = f"{TRAINING}/records", "held_out.tfrecord"
_IDENTITY = f"{TRAINING}/personalization.json"
_NUM_OWN_CLIPS, _NUM_OTHER_CLIPS = 64, 32
_DANCERS, _DANCERS_FRAMES, _DANCERS_FPS = 7, 16, 3.2  # the series of rendered ones, and how long each is


def _identity(config: PersonalizeConfig) -> dict[str, str]:
    """What a personalisation is of, by the names of its flags."""
    model = config.model and find_model(config.model)
    values = {"source": config.source, "model": model, "mix_records": config.mix_records}
    identity = {name: value and os.path.abspath(value) for name, value in values.items()}
    return {**identity, "source_person": str(config.source_person)} if config.source_person else identity


def has_records(config: PersonalizeConfig) -> bool:
    """Whether this personalisation was begun before."""
    return os.path.exists(os.path.join(config.output, _IDENTITY))


def require_same(config: PersonalizeConfig) -> None:
    """Raises ValueError if the output belongs to another personalisation."""
    if not has_records(config):
        return
    with open(os.path.join(config.output, _IDENTITY)) as file:
        found = json.load(file)
    asked = _identity(config)
    keys = dict.fromkeys([*found, *asked])
    differing = [f"--{k}={found.get(k)} there, {asked.get(k)} asked for" for k in keys if found.get(k) != asked.get(k)]
    if differing:
        raise ValueError(
            f"{config.output}: holds another personalisation ({'; '.join(differing)}): give another --output"
        )


def write_records(config: PersonalizeConfig, own: OwnFrames, held_out: OwnFrames, size: int) -> None:
    """Writes the records, which a personalisation that is resumed has already, and last what they are of."""
    if has_records(config):
        return
    directory = os.path.join(config.output, RECORDS)
    os.makedirs(directory, exist_ok=True)
    contents = {
        "train-others.tfrecord": _other_clips(config.mix_records, size),
        "train-own.tfrecord": map(encode_clip, clips_all_over(own, _NUM_OWN_CLIPS)),
        HELD_OUT: [encode_clip(held_out.clip("held-out"))],
    }
    for name, records in contents.items():
        record_files.write(os.path.join(directory, name), records)
    with whole_file(os.path.join(config.output, _IDENTITY)) as hidden:
        hidden.write_text(json.dumps(_identity(config), indent=2))


def _other_clips(pattern: str, size: int) -> Iterator[bytes]:
    """Serialized clips of other people: of the record files given, or rendered dancers."""
    if not pattern:
        logging.info("rendering dancers to mix in")
        for index in tqdm(range(_NUM_OTHER_CLIPS), desc="rendering", unit=" dancers"):
            yield encode_clip(rendered_clip(_DANCERS, index, size, _DANCERS_FRAMES, _DANCERS_FPS))
        return
    others = record_files.find_records(pattern, "--mix_records")
    # Of many files a record each: those of one file may be of one person.
    files = tf.data.Dataset.from_tensor_slices(others).shuffle(len(others), seed=0)
    clips = files.interleave(tf.data.TFRecordDataset, cycle_length=_NUM_OTHER_CLIPS, block_length=1)
    yield from clips.take(_NUM_OTHER_CLIPS).as_numpy_iterator()
