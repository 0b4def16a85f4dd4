"""Cuts a surveyed video into spans, measures each, and says which may become clips.

First where the shot changes, by a cut or a fade; then where the person is not whole in view for longer than a second,
or not seen; what is between becomes candidates of a clip's length, all of it or a few at random. All steps are in some
span, but for those that the random candidates leave over.

Of a span is measured, with the names of `ClipSettings.bars`:

    shot     how much another picture, in [0, 1], the background is a step or two seconds later, at most
    whole    share of its steps that show the person whole: the head, an ankle and most other joints in view
    others   share of its steps with somebody else of a like size
    camera   how far the background moves from where it mostly is, in sides of the person's crop (of a span that shows
             nobody, in the picture's shorter side); not the farthest 2% of the steps, if they are no more than two in a
             row, which are errors of tracking
    frozen   longest time in seconds for which the picture stands, as where the video has no new frames
    seconds  its length
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from stmt_tf.pose import body, skeleton
from stmt_tf.pose.crop import Crop
from stmt_tf.video.background import CHANGED, LOOK_BACK_SECONDS
from tfrecords_tools.clips.bars import bars_of
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.clips.survey import Survey

_FEWEST_JOINTS = 11  # of 14 in view: some tools do not tell of limbs behind the body
_BORDER = 0.03  # of the picture's shorter side: a joint guessed this near its edge lies beyond
_FADING = 0.03  # of a fade's measure, where it begins and ends
_FADE_MARGIN_SECONDS = 0.4  # before and after, where there is little of the other picture
_PAUSE_SECONDS = 1.0  # for which the person may be partly out of view within a clip
_CLIPS_PER_VIDEO = (3, 4)
_TRIES = 20  # at random places
_SMOOTHED = 5  # steps of which the middle value counts, of the camera's


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
    found = [_cut(survey, start) for start, _ in survey.shots()[1:]]
    stretches: list[tuple[int, int]] = []
    broken = _broken(survey, settings)
    for first, last in survey.shots():
        fading = _fading(survey.fades[first:last], settings)
        for start, stop, fades in _runs(fading > 0, first):
            if fades:
                found.append(_judge(survey, start, stop, settings, shot=fading[start - first : stop - first].max()))
                continue
            for begin, end, is_broken in _runs(broken[start:stop], start):
                if is_broken or end - begin < settings.shortest:
                    found.append(_judge(survey, begin, end, settings))
                else:
                    stretches.append((begin, end))
    if settings.cut == "random":
        found += _random(survey, stretches, settings, rng)
    else:
        found += [_judge(survey, start, stop, settings) for start, stop in _all(stretches, settings)]
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
    fades = survey.fades[start if begins_shot else start + round(LOOK_BACK_SECONDS * settings.fps) : stop]
    return {
        "shot": float(max(survey.cuts[start + 1 : stop].max(initial=0.0), fades.max(initial=0.0))),
        "whole": float(whole(survey.joints[start:stop], survey.frame_size).mean()),
        "others": float(survey.others[start:stop].mean()),
        "camera": _camera(survey, start, stop),
        "frozen": _longest(survey.frozen[start + 1 : stop]) / settings.fps,
        "seconds": (stop - start) / settings.fps,
    }


def _judge(survey: Survey, start: int, stop: int, settings: ClipSettings, shot: float = 0.0) -> Span:
    measures = measure(survey, start, stop, settings)
    measures["shot"] = max(measures["shot"], float(shot))
    bars = bars_of(settings)
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
    half = _SMOOTHED // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(away, half, "edge"), _SMOOTHED)
    return float(max(np.percentile(away, 98), np.median(around, axis=1).max()) / side)


def _longest(flags: np.ndarray) -> int:
    """The most steps in a row whose flag is set."""
    return max((stop - start for start, stop, flag in _runs(flags, 0) if flag), default=0)


def _fading(fades: np.ndarray, settings: ClipSettings) -> np.ndarray:
    """Into how much another picture a shot fades in each step, `[T]`: 0 where it does not."""
    back, margin = (round(seconds * settings.fps) for seconds in (LOOK_BACK_SECONDS, _FADE_MARGIN_SECONDS))
    fading = np.zeros(len(fades))
    for start, stop, differs in _runs(fades > _FADING, 0):
        difference = fades[start:stop].max()
        if differs and difference > CHANGED:
            # The last of these steps are compared with the fade, and are themselves behind it.
            end = stop if stop == len(fades) else max(stop - back, start + 1)
            around = slice(max(0, start - margin), end + margin)
            fading[around] = np.maximum(fading[around], difference)
    return fading


def _broken(survey: Survey, settings: ClipSettings) -> np.ndarray:
    """Where no clip may go on, bool `[T]`: the person is not seen, or not whole in view for long."""
    broken = ~body.visible(survey.joints)
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
    survey: Survey, stretches: list[tuple[int, int]], settings: ClipSettings, rng: np.random.Generator
) -> list[Span]:
    """As many clips as the paper cuts of a video, or as find room, at random places without overlap.

    Places are tried second by second. What passes nowhere is among the spans, too, where no clip is.
    """
    length = settings.longest
    seconds = max(1, round(length / settings.fps))
    spans = []
    for start, stop in stretches:
        # Of what cannot hold a further clip, some is left out before the first: so the grid costs no clip its room.
        first = start + int(rng.integers(min(length // seconds, (stop - start) % length + 1)))
        places = (first + number * length // seconds for number in range((stop - first) * seconds // length + 1))
        spans += [_judge(survey, at, at + length, settings) for at in places if at + length <= stop]
    wanted = rng.choice(_CLIPS_PER_VIDEO)
    sound = [span for span in spans if not span.faults]
    orders = [rng.permutation(len(sound)) for _ in range(_TRIES)] + [range(len(sound))]
    # Where there is hardly room, random places would waste it, but not those from the first on.
    drawn = max((_apart(sound[i] for i in order)[:wanted] for order in orders), key=len)
    return drawn + _apart((span for span in spans if span.faults), drawn)


def _apart(spans: Iterable[Span], taken: Sequence[Span] = ()) -> list[Span]:
    """Those spans, one after the other, that overlap neither the taken ones nor one before."""
    found: list[Span] = []
    for span in spans:
        if all(span.stop <= other.start or other.stop <= span.start for other in (*taken, *found)):
            found.append(span)
    return found
