"""Tiny videos of somebody who stands and lowers a hand, with AlphaPose's results, for what makes clips of videos."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import videos
from records import STANDING

from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators.layouts import MPII_16
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.create_clips import CreateConfig

SIDE = 96
PERSON = STANDING * 60 + (18, 18)


def pose(t: int) -> np.ndarray:
    """Joints `[14, 2]` at frame t: somebody who stands, and lowers the right hand a little."""
    joints = PERSON.copy()
    joints[skeleton.RIGHT_WRIST, 1] += 0.1 * t
    return joints


def frame(t: int, background: np.ndarray | None = None) -> np.ndarray:
    """A grey frame, or another background, with a bright square of 5 pixels at the right hand."""
    image = np.full((SIDE, SIDE, 3), 60, np.uint8) if background is None else background.copy()
    x, y = pose(t)[skeleton.RIGHT_WRIST].round().astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def room(seed: int, width: int = 2 * SIDE) -> np.ndarray:
    """A background full of corners, uint8 `[SIDE, width, 3]`."""
    coarse = np.random.default_rng(seed).uniform(40, 215, (SIDE // 6, width // 6, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def keypoints(joints: np.ndarray) -> list[float]:
    """The same joints in AlphaPose's MPII layout."""
    points = np.zeros((16, 3))
    points[[MPII_16.head, MPII_16.neck, *MPII_16.limbs]] = np.c_[joints, np.ones(14)]
    return points.ravel().tolist()


def add_video(
    folder: Path,
    name: str,
    steps: int = 30,
    unseen: range = range(0),
    frames: Sequence[np.ndarray] = (),
    others: Sequence[np.ndarray] = (),
    **options,
) -> Path:
    """Writes folder/videos/name and its poses: of its person but in `unseen` frames, and of others in all."""
    frames = frames or [frame(t) for t in range(steps)]
    path = folder / "videos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # The encoder writes its options into the file, which so is no copy of one with another name.
    keyframes = str(250 + zlib.crc32(name.encode()) % 1000)
    videos.write_video(path, frames, crf="8", **{"g": keyframes, **options})
    entries = [
        {"image_id": f"{t}.jpg", "keypoints": keypoints(joints)}
        for t in range(len(frames))
        for joints in [*([pose(t)] if t not in unseen else []), *others]
    ]
    results = (folder / "poses" / name).with_suffix(".json")
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(entries))
    return path


def configure(folder: Path, **changes) -> tuple[CreateConfig, ClipSettings]:
    """What makes records in folder/records of the videos in folder/videos."""
    values = {
        "videos": str(folder / "videos"),
        "output": str(folder / "records"),
        "pose": "alphapose",
        "pose_results": str(folder / "poses"),
        "size": 32,
        "processes": 1,
        **changes,
    }
    names = {field.name for field in dataclasses.fields(CreateConfig)}
    return (
        CreateConfig(**{name: value for name, value in values.items() if name in names}),
        ClipSettings(**{name: value for name, value in values.items() if name not in names}),
    )
