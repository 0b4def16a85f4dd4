"""Same-video pairs to measure a model on: source and target frames of one clip, so that the truth is known.

The protocol (after the paper's: source and target from one video, without overlap):

    sources   K frames drawn at random, with the seed, from the clip's first half
    targets   L frames spread evenly over its second half, all of it if it has L or fewer

Frames of the second half in which no joint was found cannot be targets. A clip that is too short for halves of
K frames gives its first K frames to the sources. What is drawn from a clip depends on the seed and its id alone.

With `sides="opposite"` the sources all show the person from one side, front or back, and the targets from the other:
what the targets need, no source frame shows. Clips that hold no such frames are not usable.

The person region of a target frame is the record's mask, or `regions.person_region` where it has none.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import tensorflow as tf

from stmt_tf.data import schema
from stmt_tf.metrics.regions import person_region
from stmt_tf.pose.body import facing
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.selection import select_source_frames

SIDES = ("any", "opposite")
_CLEARLY = 0.5  # facing beyond which a frame shows one side


class UnusableClip(ValueError):
    """No pair can be drawn from a clip; the message is one line that names it."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """Source and target frames of one clip, resized to the model's size.

    Attributes:
        clip_id: the clip's name.
        video_id: name of the video that it was cut from.
        source_frames: uint8 `[K, size, size, 3]`.
        source_joints: float32 `[K, 14, 3]` in pixels of these frames.
        single: index in [0, K) of the source frame that a single-source method is shown.
        target_frames: uint8 `[L, size, size, 3]`, the truth.
        target_joints: float32 `[L, 14, 3]`.
        regions: bool `[L, size, size]`, where the person is in the target frames.
        has_masks: whether the regions are the record's masks.
    """

    clip_id: str
    video_id: str
    source_frames: np.ndarray
    source_joints: np.ndarray
    single: int
    target_frames: np.ndarray
    target_joints: np.ndarray
    regions: np.ndarray
    has_masks: bool


def choose_clips(files: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Draws `count` of the records, all of them if there are no more: their numbers, rising.

    Raises:
        ValueError: a file is not a sound record file, or there is no record.
    """
    available = sum(1 for _ in _records(files))
    if not available:
        raise ValueError(f"no record in {', '.join(files)}")
    chosen = np.random.default_rng(seed).choice(available, min(count, available), replace=False)
    return np.sort(chosen)


def read_clips(files: Sequence[str], chosen: np.ndarray) -> Iterator[bytes]:
    """The records of these numbers, one at a time."""
    wanted = set(chosen.tolist())
    return (record for index, record in enumerate(_records(files)) if index in wanted)


def _records(files: Sequence[str]) -> Iterator[bytes]:
    for path in files:
        try:
            yield from tf.data.TFRecordDataset(path).as_numpy_iterator()
        except tf.errors.OpError as error:
            raise ValueError(f"{path} is not a sound record file: {error.message}") from error


def draw_pair(
    record: bytes, sources: int, targets: int, size: int, seed: int, sides: str = "any"
) -> Pair:
    """Draws a pair from one record; only the frames drawn are decoded.

    Args:
        record: a serialised clip.
        sources: K.
        targets: L, the most target frames.
        size: side of the frames in pixels; others are resized.
        seed: of the source frames' choice.
        sides: one of `SIDES`.

    Raises:
        UnusableClip: too few frames, or too few that show a person.
        ValueError: the record is not a clip of this schema version.
    """
    clip = schema.read_record(record)
    clip_id = clip["clip_id"].decode()
    random = np.random.default_rng([seed, zlib.crc32(clip["clip_id"])])
    source_steps, target_steps = _draw_steps(clip_id, clip["joints"], sources, targets, sides, random)

    scale = size / float(clip["width"])
    joints = clip["joints"].copy()
    # A pixel's centre keeps its place in the frame: (x + 0.5) scales, x does not.
    joints[..., :2] = (joints[..., :2] + 0.5) * scale - 0.5
    has_masks = len(clip["masks"]) > 0
    if has_masks:
        masks = [tf.io.decode_png(clip["masks"][step], channels=1) for step in target_steps]
        regions = np.stack([_resized(mask.numpy()[..., 0], size) for mask in masks]) >= 128
    else:
        regions = person_region(joints, size)[target_steps]

    def frames(steps: np.ndarray) -> np.ndarray:
        decoded = (tf.io.decode_jpeg(clip["frames"][step], channels=3).numpy() for step in steps)
        return np.stack([_resized(frame, size) for frame in decoded])

    return Pair(
        clip_id=clip_id,
        video_id=clip["video_id"].decode(),
        source_frames=frames(source_steps),
        source_joints=joints[source_steps],
        single=int(random.integers(sources)),
        target_frames=frames(target_steps),
        target_joints=joints[target_steps],
        regions=regions,
        has_masks=has_masks,
    )


def _draw_steps(
    clip_id: str, joints: np.ndarray, sources: int, targets: int, sides: str, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    half = max(len(joints) // 2, sources)
    if len(joints) <= sources:
        raise UnusableClip(
            f"clip {clip_id} has {len(joints)} frames, too few for {sources} sources and a target"
        )
    source_range, shown = np.arange(half), half + np.flatnonzero((joints[half:, :, 2] > 0).any(-1))
    if sides == "opposite":
        source_range, shown = _opposite_sides(clip_id, facing(joints), source_range, shown, sources)
    try:
        drawn = select_source_frames(
            joints[source_range], sources, "random", seed=int(random.integers(2**32))
        )
    except PoseError as error:
        raise UnusableClip(f"clip {clip_id}: {error}") from error
    if not len(shown):
        raise UnusableClip(f"clip {clip_id} shows no person in its second half")
    spread = np.linspace(0, len(shown) - 1, min(targets, len(shown)))
    return source_range[drawn], shown[np.rint(spread).astype(int)]


def _opposite_sides(
    clip_id: str, facing: np.ndarray, source_range: np.ndarray, shown: np.ndarray, sources: int
) -> tuple[np.ndarray, np.ndarray]:
    """The frames of one side among those for sources, and of the other among those for targets; most targets win."""
    choices = []
    for side in (-1, 1):
        of_sources = source_range[side * facing[source_range] > _CLEARLY]
        of_targets = shown[side * facing[shown] < -_CLEARLY]
        if len(of_sources) >= sources and len(of_targets):
            choices.append((of_sources, of_targets))
    if not choices:
        raise UnusableClip(
            f"clip {clip_id} has no {sources} source frames of one side with target frames of the other"
        )
    return max(choices, key=lambda choice: len(choice[1]))


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return image
    shrinks = image.shape[0] > size
    return cv2.resize(
        image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
