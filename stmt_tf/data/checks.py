"""Whether records can be trained on: asked before anything is built."""

from __future__ import annotations

import re

import tensorflow as tf

from stmt_tf.data import schema
from stmt_tf.data.pipeline import find_records


def check_records(pattern: str, flag: str, frames: int, size: int) -> None:
    """Looks at the first record of every file.

    Args:
        pattern: glob of the record files.
        flag: the flag that the glob came by, for the errors.
        frames: the fewest frames that a clip must have, K + L.
        size: side of the model's frames in pixels; larger records are resized down, smaller ones refused.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: a record cannot be used, or there is none.
    """
    seen = 0
    for path in find_records(pattern, flag):
        try:
            record = next(iter(tf.data.TFRecordDataset(path).take(1)), None)
        except tf.errors.OpError as error:
            reason = without_graph(error.message)
            raise ValueError(
                f"{flag}: {path} is not a sound record file ({reason}): name another or write it anew"
            ) from error
        if record is None:
            continue
        seen += 1
        try:
            clip = schema.read_record(record.numpy())
        except ValueError as error:
            raise ValueError(f"{flag}: {path}: {without_graph(str(error))}") from error
        where = f"{flag}: {path}: clip {clip['clip_id'].decode()}"
        height, width, steps = int(clip["height"]), int(clip["width"]), len(clip["frames"])
        if height != width:
            raise ValueError(
                f"{where} has frames of {width} x {height} pixels; they must be square: write the records anew"
            )
        if width < size:
            raise ValueError(
                f"{where} has frames of {width} x {height} pixels, smaller than --size={size}: write the records in "
                "that size, or train a smaller model"
            )
        if steps < frames:
            raise ValueError(
                f"{where} has {steps} frames, fewer than K + L = {frames}: cut longer clips, or give a smaller "
                "--num_source_frames or --num_target_frames"
            )
    if not seen:
        raise ValueError(f"{flag}={pattern!r}: there is no clip in these files; name others or write them anew")


def without_graph(message: str) -> str:
    """TensorFlow's message on one line, without the names of its operations."""
    return " ".join(re.sub(r"\{\{.*?\}\}|\[Op:\w+\]( name:)?", "", message).split())
