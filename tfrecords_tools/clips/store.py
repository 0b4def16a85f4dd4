"""A set of records on disk: which files it has, what each video's are, and how one video gets there.

    SPLIT-NAME-00.tfrecord ...   clips of one video, at most `shard_megabytes` in each file
    videos/NAME.json             what became of that video, with thumbnails, written when its records are there
    clips.json                   the settings
    manifest.json                the checksums of all record files

NAME is made of the video's path. Everything about a video depends on that path, its content and the settings, so videos
can be added, and made in any order, without a change to the records of others.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import tensorflow as tf

from stmt_tf.files import whole_file
from tfrecords_tools.clips.process import Part, process_video, unusable
from tfrecords_tools.clips.settings import ClipSettings

SPLITS = ("train", "val", "test")
_TENTHS = ("train",) * 8 + ("val", "test")
SETTINGS = "clips.json"
MANIFEST = "manifest.json"
ENTRIES = "videos"
# By how it is called here: under which names it may be installed.
_DECISIVE = {
    "stmt_tf": ("stmt_tf",),
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "NumPy": ("numpy",),
    "OpenCV": ("opencv-python", "opencv-contrib-python", "opencv-python-headless"),
    "PyAV": ("av",),
    "MediaPipe": ("mediapipe",),
    "rtmlib": ("rtmlib",),
    "ONNX Runtime": ("onnxruntime", "onnxruntime-gpu"),
}
_ABANDONED_SECONDS = 3600.0
_FRAMING = 16  # bytes around each record in a file


def split_of(video_id: str) -> str:
    """The split that a video belongs to, from its name alone."""
    return _TENTHS[int(_digest(video_id), 16) % len(_TENTHS)]


def file_stem(video_id: str) -> str:
    """What the names of a video's files have in common; no two videos share it."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", video_id)[:100] + f"-{_digest(video_id)[:8]}"


def record_name(video_id: str, number: int = 0) -> str:
    """The name of a video's record file of this number."""
    return f"{split_of(video_id)}-{file_stem(video_id)}-{number:02d}.tfrecord"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_video(
    path: str, video_id: str, settings: ClipSettings, output: str, shard_bytes: float
) -> dict[str, Any]:
    """Makes one video's files; what cannot be used is told in its entry, since other videos are waiting.

    Returns:
        What became of it, as `write_entry` keeps it.

    Raises:
        OSError: the output cannot be written.
    """
    parts: list[Part] = []
    shards: list[str] = []
    try:
        # All or nothing: the files get their names when the last is written.
        with contextlib.ExitStack() as files:
            writer, room = None, 0.0
            for part in _processed(path, video_id, settings):
                parts.append(part)
                if part.record is None:
                    continue
                need = len(part.record) + _FRAMING
                if writer is None or need > room:
                    if writer is not None:
                        writer.close()
                    shards.append(record_name(video_id, len(shards)))
                    hidden = files.enter_context(whole_file(os.path.join(output, shards[-1])))
                    writer = files.enter_context(tf.io.TFRecordWriter(str(hidden)))
                    room = shard_bytes
                writer.write(part.record)
                room -= need
                parts[-1] = dataclasses.replace(part, record=None)
    except _UnusableVideo as end:
        parts, shards = [end.part], []
    except tf.errors.OpError as error:
        raise OSError(f"{output} cannot be written ({error.message})") from error
    return write_entry(output, video_id, parts, shards)


class _UnusableVideo(Exception):
    def __init__(self, part: Part):
        super().__init__(part.problem)
        self.part = part


def _processed(path: str, video_id: str, settings: ClipSettings) -> Iterator[Part]:
    try:
        yield from process_video(path, video_id, settings)
    # Whatever is wrong with one video of thousands, it must not end the others.
    except Exception as error:
        raise _UnusableVideo(unusable(path, video_id, error)) from error


def write_entry(output: str, video_id: str, parts: Iterable[Part], shards: Sequence[str] = ()) -> dict[str, Any]:
    """Keeps what became of a video: its parts, with their thumbnails, and its record files with their checksums.

    Record files that an earlier try left are removed.

    Returns:
        The entry, without the thumbnails.
    """
    for path in Path(output).glob(record_files_of(video_id)):
        if path.name not in shards:
            path.unlink()
    entry = {
        "video_id": video_id,
        "split": split_of(video_id),
        "made_with": made_with(),
        "files": {name: _file_facts(Path(output, name)) for name in shards},
        "parts": [
            {**part.as_json(), "thumbnail": base64.b64encode(part.thumbnail).decode("ascii")} for part in parts
        ],
    }
    path = Path(output, entry_name(video_id))
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as hidden:
        hidden.write_text(json.dumps({**entry, "check": content_check(entry)}), encoding="utf-8")
    return _without_thumbnails(entry)


@functools.cache
def made_with() -> dict[str, str]:
    """The versions of what decides, besides the settings, what a video becomes."""
    found = {}
    for name, packages in _DECISIVE.items():
        for package in packages:
            with contextlib.suppress(metadata.PackageNotFoundError):
                found.setdefault(name, metadata.version(package))
    return found


def remove_gone(output: str, video_ids: Iterable[str]) -> None:
    """Forgets videos that are no more and left no records, or whose records were removed.

    Args:
        output: the directory of the set.
        video_ids: the videos that there are.
    """
    there = set(video_ids)
    for entry in read_entries(output):
        whole = entry["files"] and all(Path(output, name).is_file() for name in entry["files"])
        if entry["video_id"] not in there and not whole:
            for name in [entry_name(entry["video_id"]), *entry["files"]]:
                Path(output, name).unlink(missing_ok=True)


def remove_unfinished(output: str) -> None:
    """Removes what a run that was killed left half-written; what another run may still write, an hour long, stays."""
    for path in [*Path(output).glob(".*.part*"), *Path(output, ENTRIES).glob(".*.part*")]:
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


def record_files_of(video_id: str) -> str:
    """A glob of all record files of a video."""
    return f"{split_of(video_id)}-{file_stem(video_id)}-*.tfrecord"


def is_done(output: str, video_id: str) -> bool:
    """Whether a video was made, and need not be again; one that could not be used is worth another try."""
    entry = _read_entry(Path(output, entry_name(video_id)))
    if entry is None or problem_of(entry):
        return False
    return all(Path(output, name).is_file() for name in entry["files"])


def read_entries(output: str) -> list[dict[str, Any]]:
    """What became of all videos so far, in the order of their names, without the thumbnails, which are large."""
    found = (_read_entry(path) for path in Path(output, ENTRIES).glob("*.json") if path.name[0] != ".")
    entries = (_without_thumbnails(entry) for entry in found if entry is not None)
    return sorted(entries, key=lambda entry: entry["video_id"])


def read_thumbnails(output: str, video_id: str) -> list[str]:
    """The thumbnails of a video's parts, JPEG in base 64, some of them empty; none if there is no sound entry."""
    entry = _read_entry(Path(output, entry_name(video_id)))
    return [part["thumbnail"] for part in entry["parts"]] if entry else []


def _without_thumbnails(entry: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{name: value for name, value in part.items() if name != "thumbnail"} for part in entry["parts"]]
    return {**entry, "parts": parts}


def problem_of(entry: Mapping[str, Any]) -> str:
    """Why a video could not be used, or nothing."""
    return next((part["problem"] for part in entry["parts"] if "problem" in part), "")


def clips_of(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a video that became clips."""
    return [part for part in entry["parts"] if "clip_id" in part]


def write_manifest(output: str, entries: Iterable[Mapping[str, Any]], settings: Mapping[str, object]) -> None:
    """Writes the checksums of all record files."""
    content = {"settings": settings, "files": {name: facts for e in entries for name, facts in e["files"].items()}}
    with whole_file(Path(output, MANIFEST)) as hidden:
        hidden.write_text(json.dumps({**content, "check": content_check(content)}, indent=2), encoding="utf-8")


def content_check(content: Mapping[str, Any]) -> str:
    """The checksum that a manifest or an entry bears of all else in it."""
    return _digest(json.dumps({k: v for k, v in content.items() if k != "check"}, sort_keys=True))


def file_sha256(path: str | Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(os.fspath(path), "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _file_facts(path: Path) -> dict[str, Any]:
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def entry_name(video_id: str) -> str:
    """Where in the set it is kept what became of a video."""
    return f"{ENTRIES}/{file_stem(video_id)}.json"


def _read_entry(path: Path) -> dict[str, Any] | None:
    """An entry, or None where there is none or it is damaged: then the video is made again."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        check = entry.pop("check")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return entry if check == content_check(entry) else None
