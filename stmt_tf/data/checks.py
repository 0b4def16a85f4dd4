"""Whether records can be trained on: asked before anything is built, and where a training met one that cannot."""

from __future__ import annotations

import concurrent.futures
import contextlib
import re
from collections.abc import Iterator, Sequence

import tensorflow as tf
from absl import logging

from stmt_tf.data import record_files, schema
from stmt_tf.data.pipeline import find_records

_OPENED_AT_ONCE = 16


def check_records(pattern: str, flag: str, frames: int, size: int) -> None:
    """Looks at the first record of every file.

    Args:
        pattern: glob of the record files.
        flag: the flag that the glob came by, for the errors.
        frames: the fewest frames that a clip must have, K + L.
        size: side of the model's frames in pixels; larger records are resized down, smaller ones refused.

    Raises:
        FileNotFoundError: no file matches.
        OSError: a file cannot be read.
        ValueError: a record cannot be used, or there is none.
    """
    # Side by side: a remote file keeps one waiting.
    with concurrent.futures.ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        found = list(pool.map(lambda path: _holds_clips(path, flag, frames, size), find_records(pattern, flag)))
    if not any(found):
        raise ValueError(f"{flag}={pattern!r}: there is no clip in these files; name others or write them anew")


def _holds_clips(path: str, flag: str, frames: int, size: int) -> bool:
    """Whether a file has a first record; raises ValueError if that cannot be used, as `check_records` does."""
    first = next(record_files.scan(path), None)
    if first is None:
        return False
    if isinstance(first, record_files.Damage):
        raise ValueError(f"{flag}: {first}: name another file, or write it anew")
    try:
        clip = schema.read_record(first[1])
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
    return True


@contextlib.contextmanager
def broken_records_named(*patterns: str) -> Iterator[None]:
    """Turns TensorFlow's error about a record that is read within into one that names the record.

    Args:
        *patterns: globs of all record files that are read.

    Raises:
        ValueError: in place of an error of reading, drawing or decoding.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        # Checkpoints can be damaged too, and networks refuse arguments.
        reason = _reason(error, patterns) if "IteratorGetNext" in error.message else None
        if reason is None:
            raise
        raise ValueError(reason) from error


def _reason(error: tf.errors.OpError, patterns: Sequence[str]) -> str | None:
    """What is wrong with which record, if that can be known."""
    refused = re.search(r"assertion failed: \[(.*: record \d+ .*)\]", error.message)
    if refused:
        return refused[1]
    files = [path for pattern in patterns for path in find_records(pattern)]
    if isinstance(error, tf.errors.DataLossError):
        byte = re.search(r"(?:corrupted|truncated) record at (\d+)", error.message)
        damage = byte and record_files.find_damage(files, int(byte[1]))
        return f"{damage}; write the file anew" if damage else None
    logging.info("a record cannot be decoded; looking for it in %d files", len(files))
    return next(filter(None, map(_undecodable, files)), None)


def _undecodable(path: str) -> str | None:
    """The first record of a file that cannot be decoded, and why; None if there is none."""
    for number, record in enumerate(tf.data.TFRecordDataset(path)):
        try:
            schema.decode_clip(record.numpy())
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            return f"{path}: record {number} (from 0) cannot be decoded: {without_graph(str(error))}"
    return None


def without_graph(message: str) -> str:
    """TensorFlow's message on one line, without the names of its operations."""
    return " ".join(re.sub(r"\{\{.*?\}\}|\[Op:\w+\]( name:)?", "", message).split())
