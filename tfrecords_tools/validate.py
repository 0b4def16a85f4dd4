"""Reads every byte of record files again and names each fault with its file and record.

    python -m tfrecords_tools.validate --records='RECORDS/*.tfrecord'

Checked are: the framing of the records and their CRCs; the schema; that all images decode and have the size that their
record states; that there are as many joints as frames, one flow less, and masks for all frames or none; that joints are
finite and their confidences in [0, 1]; that no clip is there twice, by its name or by its frames, and no video in two
splits (by how the files' names begin: train-, val-, test-); and, where `create_clips` left a manifest.json beside the
files, their checksums and that none is missing or of unknown origin. The exit status is 1 if there is any fault.
"""

from __future__ import annotations

from stmt_tf import flags
from tfrecords_tools.settings import ValidateConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "tfrecords_tools.validate", ValidateConfig)

import fnmatch
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from stmt_tf.data.record_files import Address, Damage, find_records, scan
from stmt_tf.data.schema import read_record, reason
from tfrecords_tools.clips.store import MANIFEST, SPLITS, content_check, file_sha256


class Validator:
    """Checks records one after the other, and across all of them.

    Attributes:
        files: how many were read.
        records: how many were read in them, damaged ones included.
    """

    def __init__(self):
        self.files = 0
        self.records = 0
        self._clips: dict[str, Address] = {}
        self._frames: dict[bytes, Address] = {}
        self._splits: dict[str, tuple[str, Address]] = {}

    def faults(self, pattern: str) -> Iterator[str]:
        """The faults of all files of a glob, in words, each with its file.

        Raises:
            FileNotFoundError: no file matches.
            OSError: a file cannot be read.
        """
        paths = find_records(pattern)
        for path in tqdm(paths, "reading", unit=" files", leave=False):
            yield from self._file_faults(path)
        yield from manifest_faults(pattern, paths)

    def _file_faults(self, path: str) -> Iterator[str]:
        self.files += 1
        empty = True
        for found in scan(path):
            empty = False
            self.records += 1
            if isinstance(found, Damage):
                yield str(found)
                continue
            address, record = found
            for fault in self._record_faults(address, record):
                yield f"{address}: {fault}"
        if empty:
            yield f"{path}: holds no record"

    def _record_faults(self, address: Address, record: bytes) -> Iterator[str]:
        try:
            clip = read_record(record)
            clip_id, video_id = clip["clip_id"].decode(), clip["video_id"].decode()
        except ValueError as error:  # of UnicodeDecodeError, too
            yield str(error)
            return
        yield from content_faults(clip)
        if clip_id in self._clips:
            yield f"clip {clip_id!r} is there already, as {self._clips[clip_id]}"
        elif (frames := _frames_digest(clip)) in self._frames:
            yield f"clip {clip_id!r} has the frames of another, {self._frames[frames]}"
        else:
            self._frames[frames] = address
        self._clips.setdefault(clip_id, address)
        split = os.path.basename(address.path).split("-")[0]
        if split in SPLITS:
            other, first = self._splits.setdefault(video_id, (split, address))
            if other != split:
                yield f"video {video_id!r} is in the split {split}, and in {other} by {first}"


def _frames_digest(clip: dict[str, np.ndarray]) -> bytes:
    digest = hashlib.sha256()
    for frame in clip["frames"]:
        digest.update(frame)
    return digest.digest()


def content_faults(clip: dict[str, np.ndarray]) -> Iterator[str]:
    """The faults of one clip, as `schema.read_record` gives it, in words."""
    steps, shape = len(clip["frames"]), (int(clip["height"]), int(clip["width"]))
    if steps < 1:
        yield "has no frames"
    if not (np.isfinite(clip["fps"]) and clip["fps"] > 0):
        yield f"has {clip['fps']} frames per second"
    counts = (("joints", (steps,)), ("flows", (max(0, steps - 1),)), ("masks", (0, steps)))
    for name, expected in counts:
        if len(clip[name]) not in expected:
            yield f"has {len(clip[name])} {name}, for {steps} frames"
    if not np.isfinite(clip["joints"]).all():
        step = int(np.flatnonzero(~np.isfinite(clip["joints"]).all((1, 2)))[0])
        yield f"joints of step {step} are not finite"
    elif ((clip["joints"][..., 2] < 0) | (clip["joints"][..., 2] > 1)).any():
        yield "confidences of joints are not in [0, 1]"
    images = (
        ("frames", lambda data: tf.io.decode_jpeg(data).shape, 3),
        ("flows", lambda data: tf.io.decode_png(data, dtype=tf.uint16).shape, 3),
        ("masks", lambda data: tf.io.decode_png(data).shape, 1),
    )
    for name, shape_of, channels in images:
        for step, data in enumerate(clip[name]):
            try:
                found = tuple(shape_of(data))
            except tf.errors.InvalidArgumentError as error:
                yield f"{name}, step {step}: not decodable ({reason(error)})"
                continue
            if found != (*shape, channels):
                yield f"{name}, step {step}: {found} instead of {(*shape, channels)}"


def manifest_faults(pattern: str, paths: Sequence[str]) -> Iterator[str]:
    """The faults of files against the manifest beside them, if there is one, in words.

    Args:
        pattern: the glob that gave the files.
        paths: the files.

    Raises:
        OSError: a manifest or a file cannot be read.
    """
    for directory in sorted({os.path.dirname(path) for path in paths}):
        manifest = os.path.join(directory, MANIFEST)
        mine = {os.path.basename(path): path for path in paths if os.path.dirname(path) == directory}
        try:
            if tf.io.gfile.exists(manifest):
                yield from _manifest_faults(manifest, pattern, mine)
        except tf.errors.OpError as error:
            raise OSError(f"{manifest}, or a file beside it, cannot be read: {error.message}") from error


def _manifest_faults(manifest: str, pattern: str, mine: Mapping[str, str]) -> Iterator[str]:
    """The faults of the files beside a manifest; `mine` are their paths by their names."""
    try:
        content = json.loads(tf.io.gfile.GFile(manifest, "rb").read())
        files, sound = content["files"], content["check"] == content_check(content)
    except (ValueError, TypeError, KeyError) as error:
        yield f"{manifest}: is damaged ({error})"
        return
    if not sound:
        yield f"{manifest}: is damaged (its content does not fit its own checksum)"
        return
    for name, path in mine.items():
        if name not in files:
            yield f"{path}: is not in {manifest}"
        elif file_sha256(path) != files[name]["sha256"]:
            yield f"{path}: its SHA-256 is not that of {manifest}"
    for name in sorted(set(files) - set(mine)):
        path = os.path.join(os.path.dirname(manifest), name)
        if fnmatch.fnmatch(path, pattern):
            yield f"{path}: is missing, but in {manifest}"


def main(config: ValidateConfig) -> None:
    """Checks, and tells of every fault."""
    validator, count = Validator(), 0
    try:
        for fault in validator.faults(config.records):
            tqdm.write(fault)
            count += 1
    except (OSError, ValueError) as error:
        sys.exit(f"validate: {error}")
    print(f"{count} faults in {validator.records} records of {validator.files} files")
    if count:
        print("Remove the files that are at fault, and run the command that made them again.")
    sys.exit(int(count > 0))
