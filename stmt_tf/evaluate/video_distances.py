"""VFID and FVD of each method: how far its videos are from the true ones, all pairs' together.

A video is a pair's run of target frames. Real against real is the distance of the true runs from other true frames of
the same clips: as many as the run has, or as there are, from each clip's start. They show other motion. So a method,
which is given that of the targets, may come nearer where videos are few; with many it is the floor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stmt_tf.evaluate.pair_frames import Pair
from stmt_tf.features.i3d import VideoNetwork
from stmt_tf.metrics.frechet import bootstrap_interval, distance_of_features
from stmt_tf.metrics.video_features import VideoProtocol, describe, metric_name, video_features

PROTOCOL = VideoProtocol()
EARLIER = "truth, earlier frames"
_TRUTH = "truth"

Features = Mapping[str, Mapping[str, np.ndarray]]  # [D] by method (or _TRUTH, EARLIER) and output of the network


def pair_features(network: VideoNetwork, made: Mapping[str, np.ndarray], pair: Pair) -> dict[str, dict[str, Any]]:
    """The features of what each method made of a pair, uint8 `[L, size, size, 3]`, and of the true frames."""
    videos = {**made, _TRUTH: pair.target_frames}
    if len(pair.earlier_frames):
        videos[EARLIER] = pair.earlier_frames
    return {name: video_features(network, frames, PROTOCOL) for name, frames in videos.items()}


@dataclasses.dataclass(frozen=True)
class VideoDistances:
    """What there is to say of all videos.

    Attributes:
        values: each method's distance by metric name (VFID, FVD, or what a stand-in's are called); `EARLIER` is real
            against real, and missing where a clip has no earlier frames.
        intervals: of each method but that one, by metric name: `low` and `high`.
        notes: one sentence each: what was compared and how, and what to beware of.
    """

    values: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, dict[str, float]]]
    notes: list[str]


def video_distances(network: VideoNetwork, pairs: Sequence[Features], frames: Sequence[int]) -> VideoDistances:
    """Compares the videos of each method with the true ones.

    Args:
        network: whose features they are.
        pairs: what `pair_features` gave of each pair.
        frames: L of each pair.
    """
    length = f"{min(frames)}" if min(frames) == max(frames) else f"{min(frames)} to {max(frames)}"
    notes = [f"{describe(network, PROTOCOL)}; {len(pairs)} videos of {length} frames"]
    if len(pairs) < 2:
        return VideoDistances({}, {}, [*notes, "a distance of sets needs at least two videos: left out"])
    values: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, dict[str, float]]] = {}
    # VFID first, whatever the network's order.
    names = {x: metric_name(network, x) for x in ("pooled", "logits") if x in network.dimensions}

    def of(method: str, output: str) -> np.ndarray:
        return np.stack([features[method][output] for features in pairs])

    for method in pairs[0]:
        if method in (_TRUTH, EARLIER):
            continue
        values[method], intervals[method] = {}, {}
        for output, name in names.items():
            found = bootstrap_interval(of(method, output), of(_TRUTH, output))
            values[method][name] = found.value
            intervals[method][name] = {"low": found.low, "high": found.high}
    notes += [
        f"{name}, {found.level:.0%} bootstrap interval over the videos ({found.resamples} resamples): "
        + ", ".join(f"{method} {at[name]['low']:.2f} to {at[name]['high']:.2f}" for method, at in intervals.items())
        for name in names.values()
    ]
    if all(EARLIER in features for features in pairs):
        values[EARLIER] = {
            name: distance_of_features(of(EARLIER, output), of(_TRUTH, output)) for output, name in names.items()
        }
        notes.append(
            f"real against real, the row {EARLIER!r}: true frames from the start of the same clips, as many or as "
            "there are before the targets, against the true targets; where videos are few, a method may come nearer, "
            "since it makes the targets' own motion"
        )
    else:
        notes.append("no row of real against real, as a clip has no frames before its targets")
    short = [f"{name}: {network.dimensions[x]}" for x, name in names.items() if len(pairs) <= network.dimensions[x]]
    if short:
        notes.append(
            f"{len(pairs)} videos are no more than the features' dimensions ({', '.join(short)}): the distances mostly "
            "tell how few videos there were; compare those of equally many videos only"
        )
    return VideoDistances(values, intervals, notes)
