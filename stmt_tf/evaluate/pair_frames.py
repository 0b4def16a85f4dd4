"""Decodes the frames of a pair, and what belongs to them, at the model's size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
import tensorflow as tf

from stmt_tf.data import schema
from stmt_tf.evaluate.clips import ClipIndex
from stmt_tf.evaluate.pairs import Choice
from stmt_tf.metrics.regions import person_region
from stmt_tf.pose import body
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.retarget import retarget


@dataclasses.dataclass(frozen=True)
class Pair:
    """Source and target frames of size x size pixels.

    A region is where the person is: of one clip the record's mask, or `regions.person_region` where it has none; of two
    clips always the latter.

    Attributes:
        choice: which frames they are.
        video_id: name of the video that the source is from.
        source_frames: uint8 `[K, size, size, 3]`.
        source_joints: float32 `[K, 14, 3]` in pixels of these frames.
        source_regions: bool `[K, size, size]`.
        source_mattes: float32 `[K, size, size]`, the record's masks of these frames, 1 on the person; None where it
            has none.
        target_frames: uint8 `[L, size, size, 3]`: the truth, or of two clips, the frames that the motion is from.
        seen_joints: float32 `[L, 14, 3]` in these frames.
        seen_regions: bool `[L, size, size]` in these frames.
        target_joints: float32 `[L, 14, 3]`, what is asked for: as seen, or of two clips, carried over to the source's
            body and place.
        regions: bool `[L, size, size]`, where the person is asked for.
        flows: float32 `[L - 1, size, size, 2]` in pixels from one target frame to the next; None where the record
            has none.
        earlier_frames: uint8 `[at most L, size, size, 3]`, consecutive frames from the start of the target's clip, none
            of them a target.
        has_masks: whether the regions of the target frames are the record's masks.
        fps: frames per second of the target's clip.
    """

    choice: Choice
    video_id: str
    source_frames: np.ndarray
    source_joints: np.ndarray
    source_regions: np.ndarray
    source_mattes: np.ndarray | None
    target_frames: np.ndarray
    seen_joints: np.ndarray
    seen_regions: np.ndarray
    target_joints: np.ndarray
    regions: np.ndarray
    flows: np.ndarray | None
    earlier_frames: np.ndarray
    has_masks: bool
    fps: float


@dataclasses.dataclass(frozen=True)
class PairSet:
    """The pairs of a set that are measured.

    Attributes:
        which: one of `settings.SETS`.
        choices: their frames, of each pair.
        left_out: a line for each pair that cannot be measured.
        index: the clips that the frames are of.
        size: side in pixels of the frames to measure on.
    """

    which: str
    choices: list[Choice]
    left_out: list[str]
    index: ClipIndex
    size: int


def load_pair(choice: Choice, index: ClipIndex, size: int) -> Pair:
    """Reads a pair; only its frames are decoded.

    Args:
        choice: which frames.
        index: where they are.
        size: side of the frames in pixels; others are resized.

    Raises:
        OSError: a record file was changed meanwhile.
        ValueError: a frame cannot be decoded, or two bodies cannot be compared; one line that names the clip.
    """
    source = _Clip(index.clips[choice.source_clip].read(), size)
    target = _Clip(index.clips[choice.target_clip].read(), size) if choice.is_cross else source
    run = range(choice.target_first, choice.target_first + choice.target_count)
    # Poses that nobody took have no mask: to be compared, all regions of two clips are drawn from joints.
    region_of = _Clip.drawn_regions if choice.is_cross else _Clip.regions
    seen_regions = region_of(target, run)
    joints, regions = target.joints[run], seen_regions
    if choice.is_cross:
        try:
            track = retarget(target.joints, source.joints)
        except PoseError as error:
            raise ValueError(f"clip {choice.name}: {error}") from error
        joints, regions = track[run], person_region(track[run], size, body.stature(track))
    return Pair(
        choice=choice,
        video_id=source.video_id,
        source_frames=source.frames(choice.source_frames),
        source_joints=source.joints[list(choice.source_frames)],
        source_regions=region_of(source, choice.source_frames),
        source_mattes=source.masks(choice.source_frames) if source.has_masks else None,
        target_frames=target.frames(run),
        seen_joints=target.joints[run],
        seen_regions=seen_regions,
        target_joints=joints,
        regions=regions,
        flows=target.flows(run[:-1]),
        earlier_frames=target.frames(range(min(choice.target_first, choice.target_count))),
        has_masks=target.has_masks and not choice.is_cross,
        fps=target.fps,
    )


def sound_pairs(
    choices: Sequence[Choice], index: ClipIndex, size: int, skip_corrupt: bool = False
) -> tuple[list[Choice], list[str]]:
    """Decodes every pair once, so that a damaged picture shows before anything was measured.

    Args:
        choices: the pairs.
        index: where their frames are.
        size: side of the model's frames in pixels.
        skip_corrupt: whether to leave out pairs that cannot be decoded.

    Returns:
        The pairs that can be, and a line for each one left out.

    Raises:
        OSError: a record file was changed meanwhile.
        ValueError: a pair cannot be decoded and must not be skipped, or none can.
    """
    sound: list[Choice] = []
    left_out: list[str] = []
    for choice in choices:
        try:
            load_pair(choice, index, size)
        except ValueError as error:
            if not skip_corrupt:
                raise ValueError(f"{error}, or give --skip_corrupt to measure on the others") from error
            left_out.append(str(error))
        else:
            sound.append(choice)
    if not sound:
        raise ValueError(f"no pair can be decoded: {left_out[0]}")
    return sound, left_out


class _Clip:
    """A record of which single frames are decoded and resized."""

    def __init__(self, record: bytes, size: int):
        self._parsed: Mapping[str, np.ndarray] = schema.read_record(record)
        self._size = size
        self.name = self._parsed["clip_id"].decode()
        self.video_id = self._parsed["video_id"].decode()
        self.has_masks = len(self._parsed["masks"]) > 0
        self.fps = float(self._parsed["fps"])
        self._scale = size / float(self._parsed["width"])
        self.joints = body.scaled_joints(self._parsed["joints"], self._scale)

    def frames(self, steps: Iterable[int]) -> np.ndarray:
        decoded = self._decoded("frames", steps, lambda frame: tf.io.decode_jpeg(frame, channels=3))
        return np.array([_resized(frame, self._size) for frame in decoded], np.uint8).reshape(
            -1, self._size, self._size, 3
        )

    def regions(self, steps: Iterable[int]) -> np.ndarray:
        return self.masks(steps) >= 128 / 255 if self.has_masks else self.drawn_regions(steps)

    def masks(self, steps: Iterable[int]) -> np.ndarray:
        masks = self._decoded("masks", steps, lambda mask: tf.io.decode_png(mask, channels=1))
        return np.stack([_resized(mask[..., 0], self._size) for mask in masks]) / np.float32(255)

    def drawn_regions(self, steps: Iterable[int]) -> np.ndarray:
        return person_region(self.joints[list(steps)], self._size, body.stature(self.joints))

    def flows(self, steps: Iterable[int]) -> np.ndarray | None:
        if not len(self._parsed["flows"]):
            return None
        flows = self._decoded("flows", steps, schema.decode_flow)
        return np.array([self._scale * _resized(flow, self._size) for flow in flows], np.float32).reshape(
            -1, self._size, self._size, 2
        )

    def _decoded(self, what: str, steps: Iterable[int], decode) -> list[np.ndarray]:
        images = []
        for step in steps:
            try:
                images.append(decode(self._parsed[what][step]).numpy())
            except tf.errors.InvalidArgumentError as error:
                raise ValueError(
                    f"clip {self.name}: {what} {step} cannot be decoded ({schema.reason(error)}): write the "
                    "records anew"
                ) from error
        return images


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return image
    shrinks = image.shape[0] > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
