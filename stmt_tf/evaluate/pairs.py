"""The pairs of source and target that a model is measured on: which frames of which clips.

Two sets, after the paper's section 4.2. Frames are drawn at random, with the seed; source frames
also by `pose.selection`'s coverage. Targets are the same either way, and for any K in clips of at least 2 K frames.

    same    source and target from one clip, without overlap, so that the truth is known: K source frames of its first
            half, and a run of L consecutive frames of its second half
    cross   the source from one clip, K frames of all of it, and the motion from a clip of another video, a run of L
            consecutive frames of all of it; there is no truth

A clip that has no L frames for a run gives its longest run. One that is too short for halves of K frames gives its
first K frames to the sources. What is drawn of a clip depends on its id and on the `Sampling` alone, which tells how
many frames of which kind are drawn.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator

import numpy as np

from stmt_tf.data import schema
from stmt_tf.evaluate.clips import ClipIndex
from stmt_tf.pose.body import facing, visible
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.retarget import retarget
from stmt_tf.pose.selection import select_source_frames

_CLEARLY = 0.5  # facing beyond which a frame shows one side


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Which frames are drawn for a pair. Clips that hold no such frames are not usable.

    Attributes:
        sources: K.
        targets: L, the most target frames; 0 for the longest run.
        seed: of all that is drawn.
        selection: how source frames are chosen, one of `pose.selection.METHODS`.
        complete_sources: source frames are those with almost as many joints as the clip's most complete ones, see
            `pose.selection`; else any, drawn at random.
        seen_targets: a joint at least was found in every frame of a run; else a run may be anywhere.
        sides: one of `settings.SIDES`. "opposite", in the set `same`: the sources all show the person from one side,
            front or back, and the targets from the other; what the targets need, no source frame shows.
    """

    sources: int
    targets: int
    seed: int = 0
    selection: str = "random"
    complete_sources: bool = True
    seen_targets: bool = True
    sides: str = "any"


class UnusableClip(ValueError):
    """No pair can be drawn from a clip; the message is one line that names it."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """The frames of a pair.

    Attributes:
        source_clip: id of the clip that the source frames are from.
        source_frames: the numbers of K frames of it, rising.
        single: index in [0, K) of the source frame that a single-source method is shown.
        target_clip: id of the clip that the motion is from.
        target_first: the number of the first frame of the run in it.
        target_count: L, the length of the run.
    """

    source_clip: str
    source_frames: tuple[int, ...]
    single: int
    target_clip: str
    target_first: int
    target_count: int

    @property
    def is_cross(self) -> bool:
        """Whether source and target are of two clips."""
        return self.source_clip != self.target_clip

    @property
    def name(self) -> str:
        """The clip's id, or those of both, for people."""
        return f"{self.source_clip} as {self.target_clip}" if self.is_cross else self.source_clip


def draw_pairs(index: ClipIndex, which: str, count: int, sampling: Sampling) -> tuple[list[Choice], list[str]]:
    """Draws pairs until there are enough, or no more can be had.

    Every clip is in one pair of the set `same`; in `cross` it is the source, and the target, about equally often.

    Args:
        index: the clips.
        which: one of `settings.SETS`.
        count: how many pairs at most.
        sampling: which of their frames.

    Returns:
        The pairs, and a line for each unusable one that was met.

    Raises:
        ValueError: not a single pair can be drawn.
    """
    candidates = (_same if which == "same" else _cross)(index, sampling.seed)
    drawn: list[Choice] = []
    left_out: list[str] = []
    for source, target in candidates:
        if len(drawn) == count:
            break
        try:
            record = index.clips[source].read()
            if source == target:
                drawn.append(draw_same(record, sampling))
            else:
                motion = index.clips[target].read()
                drawn.append(draw_cross(record, motion, sampling))
        except UnusableClip as error:
            left_out.append(str(error))
    if not drawn:
        reason = left_out[0] if left_out else "they are all of one video; give clips of at least two"
        raise ValueError(f"no pair can be drawn from the {len(index.clips)} clips: {reason}")
    return drawn, left_out


def _same(index: ClipIndex, seed: int) -> Iterator[tuple[str, str]]:
    names = sorted(index.clips)
    return ((names[i], names[i]) for i in np.random.default_rng(seed).permutation(len(names)))


def _cross(index: ClipIndex, seed: int) -> Iterator[tuple[str, str]]:
    """Ordered pairs of clips of different videos, in rounds in which each clip is source once and target once."""
    names, random = sorted(index.clips), np.random.default_rng(seed)
    order = random.permutation(len(names))
    for shift in 1 + random.permutation(len(names) - 1):
        for a, b in zip(order, np.roll(order, shift)):
            if index.clips[names[a]].video_id != index.clips[names[b]].video_id:
                yield names[a], names[b]


def draw_same(record: bytes, sampling: Sampling) -> Choice:
    """Draws a pair of the set `same` from one record.

    Raises:
        UnusableClip: too few frames, or too few that show a person.
        ValueError: the record is not a clip of this schema version.
    """
    clip = schema.read_record(record)
    name, joints, sources = clip["clip_id"].decode(), clip["joints"], sampling.sources
    random = np.random.default_rng([sampling.seed, zlib.crc32(clip["clip_id"])])
    if len(joints) <= sources:
        raise UnusableClip(f"clip {name} has {len(joints)} frames, too few for {sources} sources and a target")
    half = max(len(joints) // 2, sources)
    source_range, shown = np.arange(half), half + _target_frames(joints[half:], sampling)
    if sampling.sides == "opposite":
        source_range, shown = _opposite_sides(name, facing(joints), source_range, shown, sources)
    source_frames = source_range[_draw_sources(name, joints[source_range], sampling, random)]
    if not len(shown):
        raise UnusableClip(f"clip {name} shows no person in its second half")
    run = _draw_run(shown, sampling.targets, random)
    return _choice(name, source_frames, int(random.integers(sources)), name, run)


def draw_cross(source_record: bytes, target_record: bytes, sampling: Sampling) -> Choice:
    """Draws a pair of the set `cross` from two records.

    Raises:
        UnusableClip: too few frames that show a person, or two bodies that cannot be compared.
        ValueError: a record is not a clip of this schema version.
    """
    source, target = (schema.read_record(record) for record in (source_record, target_record))
    names = [clip["clip_id"].decode() for clip in (source, target)]
    random = np.random.default_rng([sampling.seed, *(zlib.crc32(clip["clip_id"]) for clip in (source, target))])
    source_frames = _draw_sources(names[0], source["joints"], sampling, random)
    shown = _target_frames(target["joints"], sampling)
    if not len(shown):
        raise UnusableClip(f"clip {names[1]} shows no person")
    try:
        retarget(target["joints"], source["joints"])
    except PoseError as error:
        raise UnusableClip(f"clip {names[0]} as {names[1]}: {error}") from error
    run = _draw_run(shown, sampling.targets, random)
    return _choice(names[0], source_frames, int(random.integers(sampling.sources)), names[1], run)


def _choice(source: str, frames: np.ndarray, single: int, target: str, run: tuple[int, int]) -> Choice:
    return Choice(source, tuple(frames.tolist()), single, target, *run)


def _draw_sources(name: str, joints: np.ndarray, sampling: Sampling, random: np.random.Generator) -> np.ndarray:
    sources, seed = sampling.sources, int(random.integers(2**32))
    if not sampling.complete_sources:
        if len(joints) < sources:
            raise UnusableClip(f"clip {name} has {len(joints)} frames, too few for {sources} sources")
        return np.sort(np.random.default_rng(seed).choice(len(joints), sources, replace=False))
    try:
        return select_source_frames(joints, sources, sampling.selection, seed)
    except PoseError as error:
        raise UnusableClip(f"clip {name}: {error}") from error


def _target_frames(joints: np.ndarray, sampling: Sampling) -> np.ndarray:
    """The numbers of the frames that a run may have."""
    return np.flatnonzero(visible(joints)) if sampling.seen_targets else np.arange(len(joints))


def _draw_run(shown: np.ndarray, length: int, random: np.random.Generator) -> tuple[int, int]:
    """The first of a run of consecutive numbers among rising ones, and its length: as asked, or the longest there is.

    Args:
        shown: the numbers to choose from, at least one.
        length: how many; 0: as many as can be.
        random: what draws it.
    """
    first, longest = _longest_run(shown)
    if not 0 < length <= longest:
        return first, longest
    starts = shown[: len(shown) - length + 1]
    starts = starts[shown[length - 1 :] - starts == length - 1]
    return int(random.choice(starts)), length


def _longest_run(shown: np.ndarray) -> tuple[int, int]:
    runs = np.split(shown, 1 + np.flatnonzero(np.diff(shown) > 1))
    longest = max(runs, key=len)
    return int(longest[0]), len(longest)


def _opposite_sides(
    name: str, facing: np.ndarray, source_range: np.ndarray, shown: np.ndarray, sources: int
) -> tuple[np.ndarray, np.ndarray]:
    """The frames of one side among those for sources, and of the other among those for targets; the longer run wins."""
    choices = []
    for side in (-1, 1):
        of_sources = source_range[side * facing[source_range] > _CLEARLY]
        of_targets = shown[side * facing[shown] < -_CLEARLY]
        if len(of_sources) >= sources and len(of_targets):
            choices.append((of_sources, of_targets))
    if not choices:
        raise UnusableClip(
            f"clip {name} has no {sources} source frames of one side with target frames of the other"
        )
    return max(choices, key=lambda choice: _longest_run(choice[1])[1])
