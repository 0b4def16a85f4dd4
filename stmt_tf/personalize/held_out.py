"""Whether a personalised model makes the frames that were held out better than the model that it started from."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl import logging

from stmt_tf.metrics.image import masked_psnr, psnr
from stmt_tf.metrics.regions import person_region
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.personalize.own_clips import OwnFrames
from stmt_tf.pixels import from_uint8
from stmt_tf.pose import body
from stmt_tf.pose.selection import NUM_FRAMES, evenly_spread, select_source_frames
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.train import checkpoints
from stmt_tf.video.sheet import contact_sheet, write_png

_COLUMNS = 8  # of the sheet
_BATCH = 4  # frames made at once


def is_better(before: str, after: str, own: OwnFrames, held_out: OwnFrames, sheet: str) -> bool:
    """Tells, and shows in the sheet, how the held-out frames are made of frames of the training, before and after.

    Args:
        before: directory of the model, and
        after: of its training.
        own: frames of the training.
        held_out: frames that were held out.
        sheet: PNG to write; empty: none.

    Returns:
        Whether the person in them is made better: `transfer` takes the place from the video itself.
    """
    generators = {name: checkpoints.load_generator(path)[0] for name, path in (("before", before), ("after", after))}
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
    if sheet:
        shown = evenly_spread(len(held_out.frames), _COLUMNS)
        rows = [("source frames", sources.frames), ("held out", held_out.frames[shown])]
        rows += [(f"made {name}", frames[shown]) for name, frames in made.items()]
        write_png(sheet, contact_sheet(rows))
    return region["after"] > region["before"]


def _made(generator: Generator | PartGenerator, sources: OwnFrames, poses: np.ndarray) -> np.ndarray:
    arguments = [from_uint8(sources.frames[None]), tf.constant(sources.joints[None])]
    if isinstance(generator, PartGenerator) and sources.masks is not None:
        arguments.append(tf.constant(sources.masks[None, ..., None] / np.float32(255)))
    encoded = generator.encode_source(*arguments)
    generate = tf.function(lambda joints: image_outputs(generator, encoded, joints)["frame"], reduce_retracing=True)
    batches = np.split(poses[None], range(_BATCH, len(poses), _BATCH), axis=1)
    return np.concatenate([generate(tf.constant(batch))[0] for batch in batches])
