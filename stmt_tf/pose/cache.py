"""Poses that were estimated before, by the content of the file and all that the estimate depends on.

What is kept are the people of every frame, before one of them is followed. Each estimate is a file of its own in
`poses` of the cache (see `stmt_tf.assets.cache_dir`), which appears whole; so processes need not wait for each other.
Files that were not used for longest go when there are too many.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import threading
import time
import zipfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from absl import logging

from stmt_tf.assets import cache_dir, where
from stmt_tf.files import sha256_of, whole_file
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.video.excerpt import excerpt

LARGEST = 200_000_000  # bytes of all files together; ten minutes of one person are about three million
_FORMAT = 2  # changes with what estimators find
_PACKAGES = {"mediapipe": "mediapipe", "movenet": "tensorflow", "rtmlib": "rtmlib"}  # of each estimator
_LEFT_BEHIND = 86_400.0  # seconds after which a hidden file is no longer being written
# NumPy parses the header of each array as Python, and CPython 3.11 at times raises SystemError of two threads at that.
_READING = threading.Lock()


class Found(NamedTuple):
    """What an estimator found.

    Attributes:
        people: for each of T frames float32 `[N, 14, 3]`, whoever is in it, in pixels.
        starts: frames with which another shot begins.
    """

    people: list[np.ndarray]
    starts: list[int]


def folder() -> Path:
    """Where the estimates lie."""
    return cache_dir() / "poses"


def key_of(path: os.PathLike | str, tool: str, model: str, *settings: object) -> str:
    """By what an estimate is found again.

    Args:
        path: of the video, or an excerpt of it; its name does not count.
        tool: name of the estimator.
        model: its model, a file, a directory or a handle; empty: its own.
        settings: whatever else the estimate depends on.

    Raises:
        OSError: a file cannot be read.
    """
    meant = excerpt(path)
    if tool == "mediapipe" and not model:
        model = str(where("pose_landmarker"))
    facts = {
        "format": _FORMAT,
        "video": sha256_of(meant.path),
        "excerpt": [meant.start, None if meant.end == math.inf else meant.end],
        "tool": tool,
        "model": _content_of(model),
        "versions": [_version_of(_PACKAGES.get(tool, "")), av.__version__],
        "settings": settings,
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def recall(key: str) -> Found | None:
    """What was kept under a key; None where there is nothing, or it cannot be read."""
    path = folder() / f"{key}.npz"
    try:
        with _READING, np.load(path, allow_pickle=False) as kept:
            counts, poses, starts = kept["counts"], kept["poses"], kept["starts"]
        if poses.shape != (counts.sum(), NUM_JOINTS, 3):
            return None
        os.utime(path)  # it was used
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return Found(np.split(poses, np.cumsum(counts)[:-1]), starts.tolist())


def keep(key: str, found: Found) -> None:
    """Keeps what was found; where nothing can be written, a warning says so."""
    counts = np.array([len(people) for people in found.people])
    poses = np.concatenate([np.zeros((0, NUM_JOINTS, 3), np.float32), *found.people])
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with whole_file(folder() / f"{key}.npz") as hidden:
            np.savez_compressed(hidden, counts=counts, poses=poses, starts=np.array(found.starts, int))
        _make_room()
    except OSError as error:
        logging.warning("poses are not kept for another time, as %s cannot be written (%s)", folder(), error.strerror)


def _make_room() -> None:
    """Removes what was not used for longest, until all is small enough; another process may do so, too."""
    files = []
    for path in folder().iterdir():
        with contextlib.suppress(OSError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for used, size, path in sorted(files):
        hidden = path.name[0] == "."
        if total > LARGEST and not hidden or hidden and time.time() - used > _LEFT_BEHIND:
            path.unlink(missing_ok=True)
            total -= size


def _content_of(model: str) -> str:
    """What tells a model from others: the content of files, or a handle as it is."""
    path = Path(model)
    if model and path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return " ".join(f"{file.relative_to(path)} {sha256_of(file)}" for file in files)
    return sha256_of(path) if model and path.exists() else model


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except (ValueError, metadata.PackageNotFoundError):
        return ""
