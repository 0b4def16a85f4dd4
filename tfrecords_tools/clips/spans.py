"""Cuts a surveyed video into spans, measures each, and says which may become clips.

First where the shot changes, by a cut or a fade; then where the person is not whole in view for longer than a second,
or not seen; what is between becomes candidates of a clip's length, all of it or a few at random. All steps are in some
span, but for those that the random candidates leave over.

Of a span is measured, with the names of `ClipSettings.bars`:

    shot     largest share of the background, in [0, 1], that is not found again a step or half a second later
    whole    share of its steps that show the person whole: the head, an ankle and most other joints in view
    others   share of its steps with somebody else of a like size
    camera   how far the background moves from where it mostly is, in sides of the person's crop (98% of the steps move
             less); of a span that shows nobody, in the picture's shorter side
    seconds  its length
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

from stmt_tf.pose import body, skeleton
from stmt_tf.video.crop import Crop
from tfrecords_tools.clips.background import CHANGED
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.clips.survey import Survey

_FEWEST_JOINTS = 11  # of 14 in view: some tools do not tell of limbs behind the body
_BORDER = 0.03  # of the picture's shorter side: a joint guessed this near its edge lies beyond
_PAUSE_SECONDS = 1.0  # for which the person may be partly out of view within a clip
_CLIPS_PER_VIDEO = (3, 4)


@dataclasses.dataclass(frozen=True)
class Fault:
    """A measure that misses its bar."""

    test: str
    value: float
    bar: float


@dataclasses.dataclass(frozen=True)
class Span:
    """Steps of a video that are judged together; a cut has none.

    Attributes:
        start: its first step.
        stop: the step after its last.
        measures: by name.
        faults: why it becomes no clip; empty if it does.
    """

    start: int
    stop: int
    measures: Mapping[str, float]
    faults: tuple[Fault, ...]


def find_spans(survey: Survey, video_id: str, settings: ClipSettings) -> list[Span]:
    """All spans of a video, in the order of time."""
    rng = np.random.default_rng(list(hashlib.sha256(video_id.encode()).digest()))
    half = round(settings.fps / 2)
    found = [_cut(survey, start) for start, _ in survey.shots()[1:]]
    stretches: list[tuple[int, int]] = []
    others: list[tuple[int, int]] = []
    broken = _broken(survey, settings)
    for first, last in survey.shots():
        for start, stop, fades in _runs(_fading(survey.fades[first:last], half), first):
            if fades:
                others.append((start, stop))
                continue
            for begin, end, is_broken in _runs(broken[start:stop], start):
                unfit = is_broken or end - begin < settings.shortest
                (others if unfit else stretches).append((begin, end))
    clips = _random(stretches, settings, rng) if settings.cut == "random" else _all(stretches, settings)
    found += [_judge(survey, start, stop, settings) for start, stop in clips + others]
    return sorted(found, key=lambda span: (span.start, span.stop))


def whole(joints: np.ndarray, frame_size: tuple[int, int]) -> np.ndarray:
    """In which steps the person is whole in view, bool `[T]`, by joints `[T, 14, 3]` in a frame of (height, width).

    A joint that is found with little confidence may be hidden by the body; only at the frame's edge it tells that the
    person goes on behind it.
    """
    away = np.minimum(joints[..., :2], np.array(frame_size[::-1]) - 1 - joints[..., :2]).min(-1)
    in_view = (joints[..., 2] > 0) & (body.confident(joints) | (away > _BORDER * min(frame_size)))
    ankle = in_view[:, skeleton.RIGHT_ANKLE] | in_view[:, skeleton.LEFT_ANKLE]
    return in_view[:, skeleton.HEAD] & ankle & (in_view.sum(-1) >= _FEWEST_JOINTS)


def measure(survey: Survey, start: int, stop: int, settings: ClipSettings) -> dict[str, float]:
    """What is measured of the steps from start to stop, by name."""
    # What a step is compared with must lie in the span, too.
    begins_shot = start in (first for first, _ in survey.shots())
    fades = survey.fades[start if begins_shot else start + round(settings.fps / 2) : stop]
    return {
        "shot": float(max(survey.cuts[start + 1 : stop].max(initial=0.0), fades.max(initial=0.0))),
        "whole": float(whole(survey.joints[start:stop], survey.frame_size).mean()),
        "others": float(survey.others[start:stop].mean()),
        "camera": _camera(survey, start, stop),
        "seconds": (stop - start) / settings.fps,
    }


def _judge(survey: Survey, start: int, stop: int, settings: ClipSettings) -> Span:
    measures = measure(survey, start, stop, settings)
    bars = settings.bars()
    faults = [Fault(name, measures[name], bar.value) for name, bar in bars.items() if not bar.passes(measures[name])]
    if len(faults) > 1:
        # A span that ends where its fault does is not at fault for being short.
        faults = [fault for fault in faults if fault.test != "seconds"]
    return Span(start, stop, measures, tuple(faults))


def _cut(survey: Survey, step: int) -> Span:
    share = float(survey.cuts[step])
    return Span(step, step, {"shot": share}, (Fault("shot", share, CHANGED),))


def _camera(survey: Survey, start: int, stop: int) -> float:
    joints = survey.joints[start:stop]
    if body.confident(joints).any():
        crop = Crop.around(joints, survey.frame_size)
        left, top, side = crop.left, crop.top, crop.size
    else:
        left, top, side = 0, 0, min(survey.frame_size)
    x, y = np.meshgrid(left + side * np.array([0, 0.5, 1]), top + side * np.array([0, 0.5, 1]))
    points = np.stack([x.ravel(), y.ravel(), np.ones(9)])
    places = survey.places[start:stop] @ np.linalg.inv(survey.places[start])
    moved = (places @ points)[:, :2]
    away = np.linalg.norm(moved - np.median(moved, axis=0), axis=1).mean(-1)
    return float(np.percentile(away, 98) / side)


def _fading(fades: np.ndarray, half: int) -> np.ndarray:
    """Where a shot fades into another, bool `[T]`: from half a second before it was noticed."""
    fading = np.zeros(len(fades), bool)
    for step in np.flatnonzero(fades > CHANGED):
        fading[max(0, step - half) : step + 1] = True
    return fading


def _broken(survey: Survey, settings: ClipSettings) -> np.ndarray:
    """Where no clip may go on, bool `[T]`: the person is not seen, or not whole in view for long."""
    broken = ~(survey.joints[..., 2] > 0).any(-1)
    longest = round(_PAUSE_SECONDS * settings.fps)
    for first, last in survey.shots():
        for start, stop, is_whole in _runs(whole(survey.joints[first:last], survey.frame_size), first):
            broken[start:stop] |= not is_whole and stop - start > longest
    return broken


def _runs(flags: np.ndarray, offset: int) -> Iterator[tuple[int, int, bool]]:
    """(start, stop, flag) of the runs of equal flags, `offset` added."""
    edges = [0, *(np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist(), len(flags)]
    for start, stop in zip(edges, edges[1:]):
        if stop > start:
            yield start + offset, stop + offset, bool(flags[start])


def _all(stretches: list[tuple[int, int]], settings: ClipSettings) -> list[tuple[int, int]]:
    """Stretches cut into clips one after the other; what remains may be too short."""
    longest = settings.longest
    return [(at, min(at + longest, stop)) for start, stop in stretches for at in range(start, stop, longest)]


def _random(
    stretches: list[tuple[int, int]], settings: ClipSettings, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """As many clips as the paper cuts of a video, or as find room, at random places without overlap."""
    length = settings.longest
    rooms = [i for i, (start, stop) in enumerate(stretches) for _ in range((stop - start) // length)]
    wanted = rng.choice(_CLIPS_PER_VIDEO)
    drawn = np.bincount(rng.permutation(rooms)[:wanted].astype(int), minlength=len(stretches))
    clips = []
    for (start, stop), count in zip(stretches, drawn.tolist()):
        slack = stop - start - count * length
        offsets = np.sort(rng.integers(0, slack + 1, count))
        clips += [(start + int(at) + i * length, start + int(at) + (i + 1) * length) for i, at in enumerate(offsets)]
    return clips
