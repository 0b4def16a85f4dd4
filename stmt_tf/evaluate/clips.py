"""The clips of record files by their ids: what each is, and where it lies."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from absl import logging

from stmt_tf.data import record_files, schema


@dataclasses.dataclass(frozen=True)
class IndexedClip:
    """One clip of a record file.

    Attributes:
        clip_id: unique name of the clip.
        video_id: name of the video that it was cut from.
        frames: T, how many it has.
        address: where its record lies.
    """

    clip_id: str
    video_id: str
    frames: int
    address: record_files.Address

    def read(self) -> bytes:
        """The record.

        Raises:
            OSError: the file was changed since it was indexed.
        """
        return record_files.read(self.address)


@dataclasses.dataclass(frozen=True)
class ClipIndex:
    """All clips of some files.

    Attributes:
        clips: by clip id, in the files' order.
        damaged: one line a damaged record that was skipped.
    """

    clips: dict[str, IndexedClip]
    damaged: tuple[str, ...]


def index_clips(files: Sequence[str], size: int, skip_corrupt: bool = False) -> ClipIndex:
    """Reads every record once and keeps none of them.

    Args:
        files: the record files.
        size: side of the model's frames in pixels; larger clips are resized down later, smaller ones refused.
        skip_corrupt: whether to go on behind damaged records, with a warning each.

    Raises:
        OSError: a file cannot be read.
        ValueError: a damaged record that must not be skipped; a record that is no clip of this schema version and of
            fitting size; two clips of one id; or no clip at all. One line that names the address.
    """
    clips: dict[str, IndexedClip] = {}
    damaged: list[str] = []
    for path in files:
        for found in record_files.scan(path):
            if isinstance(found, record_files.Damage):
                if not skip_corrupt:
                    raise ValueError(f"{found}: write the file anew, or give --skip_corrupt to measure on the others")
                logging.warning("skipped: %s", found)
                damaged.append(str(found))
                continue
            clip = _indexed(*found, size)
            if clip.clip_id in clips:
                raise ValueError(
                    f"{clip.address} is a clip of the name {clip.clip_id}, and so is "
                    f"{clips[clip.clip_id].address}: give each file once"
                )
            clips[clip.clip_id] = clip
    if not clips:
        raise ValueError(f"no sound record in {', '.join(files)}: write the records anew, or name others")
    return ClipIndex(clips, tuple(damaged))


def _indexed(address: record_files.Address, record: bytes, size: int) -> IndexedClip:
    try:
        clip = schema.read_record(record)
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from error
    name, height, width = clip["clip_id"].decode(), int(clip["height"]), int(clip["width"])
    if height != width or width < size:
        wanted = "they must be square" if height != width else f"the model's have {size} x {size}"
        raise ValueError(
            f"{address}: clip {name} has frames of {width} x {height} pixels, but {wanted}: write the records in that "
            "size, or name others"
        )
    return IndexedClip(name, clip["video_id"].decode(), len(clip["frames"]), address)
