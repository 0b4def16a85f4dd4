"""Whether records can be trained on: asked before anything is built, and where a training met one that cannot."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Iterator

import tensorflow as tf
from absl import logging

from stmt_tf.data import record_files, schema
from stmt_tf.pose.selection import evenly_spread

_OPENED_AT_ONCE = 16
_READ = 16  # files whose first record is read whole; checksums are slow, and of a set of records one is like another


def check_records(pattern: str, flag: str, frames: int, size: int) -> None:
    """Looks at the first record of every file: at its length, and at all of it in 16 files spread evenly over them.

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
    files = record_files.find_records(pattern, flag)
    # Side by side: a remote file keeps one waiting.
    with concurrent.futures.ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        firsts = [first for first in pool.map(record_files.first, files) if first is not None]
        if not firsts:
            raise ValueError(f"{flag}={pattern!r}: there is no clip in these files; name others or write them anew")
        for first in firsts:
            _require_sound(first, flag)
        chosen = evenly_spread(len(firsts), _READ)
        list(pool.map(lambda index: _require_usable(firsts[index].path, flag, frames, size), chosen))


def _require_sound(found: object, flag: str) -> None:
    if isinstance(found, record_files.Damage):
        raise ValueError(f"{flag}: {found}: name another file, or write it anew")


def _require_usable(path: str, flag: str, frames: int, size: int) -> None:
    """Raises ValueError if the first record of a file cannot be used, as `check_records` does."""
    first = next(record_files.scan(path))
    _require_sound(first, flag)
    try:
        clip = schema.read_record(first[1])
    except ValueError as error:
        raise ValueError(f"{flag}: {path}: {error}") from error
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


@contextlib.contextmanager
def broken_records_told(*patterns: str) -> Iterator[None]:
    """Turns TensorFlow's error about a record that is read within into one that says how to find the record.

    Args:
        *patterns: globs of all record files that are read.

    Raises:
        ValueError: in place of an error of reading, drawing or decoding.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as error:
        # Checkpoints can be damaged too, and networks refuse arguments.
        if "IteratorGetNext" not in error.message:
            raise
        logging.error("%s", error.message)
        raise ValueError(
            f"a record of {' or '.join(patterns)} cannot be used, for TensorFlow's reason above. Run `python -m "
            "tfrecords_tools.validate --records=...` on them, which names what is damaged"
        ) from error
