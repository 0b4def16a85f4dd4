"""The figures of a set of clips as pictures, each small enough for a phone."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfrecords_tools.clip_report.statistics import statistics
from tfrecords_tools.clips.bars import Bar
from tfrecords_tools.clips.store import SPLITS

_SIZE, _DPI = (4.0, 2.6), 150  # inches
_INK, _TAKEN, _REJECTED, _PALE = "#333333", "#0072B2", "#D55E00", "#A9D0EA"  # told apart with any kind of colour vision
_SIDES = {"front": _TAKEN, "side": _PALE, "back": "#E69F00"}
_LEAST_CAMERA = 1e-5  # of the crop's side: less is nothing, on an axis of powers


def plots(entries: Sequence[Mapping[str, Any]], bars: Mapping[str, Bar]) -> dict[str, bytes]:
    """PNG pictures by what they show."""
    parts = [part for entry in entries for part in entry["parts"]]
    clips = [part for part in parts if "clip_id" in part]
    drawn: dict[str, Callable[[Axes], None]] = {
        "Hours of clips": lambda axes: _hours(axes, entries),
        "What the person shows, share of the frames": lambda axes: _facing(axes, entries),
        "Joints found in a clip, share": lambda axes: _coverage(axes, clips),
        "Farthest that the background moves, share of the crop's side": lambda axes: _measured(
            axes, "camera", parts, bars
        ),
        "Frames that show the person whole, share": lambda axes: _measured(axes, "whole", parts, bars),
        "Frames with somebody else, share": lambda axes: _measured(axes, "others", parts, bars),
    }
    return {title: _picture(draw) for title, draw in drawn.items()}


def _picture(draw: Callable[[Axes], None]) -> bytes:
    figure = Figure(_SIZE, _DPI, facecolor="white", layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=9, length=0)
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    draw(axes)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()


def _hours(axes: Axes, entries: Sequence[Mapping[str, Any]]) -> None:
    figures = statistics(entries)
    bars = axes.barh(range(len(SPLITS)), [figures[split]["hours"] for split in SPLITS], 0.6, color=_TAKEN)
    axes.bar_label(bars, [f" clips: {figures[split]['clips']}" for split in SPLITS], fontsize=9, color=_INK)
    axes.margins(x=0.25)
    _name(axes, SPLITS)


def _facing(axes: Axes, entries: Sequence[Mapping[str, Any]]) -> None:
    figures = statistics(entries)
    for place, split in enumerate(SPLITS):
        left = 0.0
        for side, colour in _SIDES.items():
            share = figures[split][side] or 0.0
            axes.barh(place, share, 0.6, left, color=colour, label=side if place == 0 else None)
            left += share
    axes.set_xlim(0, 1)
    _name(axes, SPLITS)
    axes.legend(ncols=len(_SIDES), fontsize=9, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _coverage(axes: Axes, clips: Sequence[Mapping[str, Any]]) -> None:
    axes.hist([clip["figures"]["coverage"] for clip in clips], np.linspace(0, 1, 21), color=_TAKEN)
    axes.set_ylabel("clips", fontsize=9)


def _measured(axes: Axes, name: str, parts: Sequence[Mapping[str, Any]], bars: Mapping[str, Bar]) -> None:
    known = [part for part in parts if name in part.get("measures", {})]
    groups = {
        "clips": [part["measures"][name] for part in known if "clip_id" in part],
        "left out\nfor this": [part["measures"][name] for part in known if _failed(part, name)],
        "left out for\nanother reason": [
            part["measures"][name] for part in known if "clip_id" not in part and not _failed(part, name)
        ],
    }
    rng = np.random.default_rng(0)
    for place, (values, colour) in enumerate(zip(groups.values(), (_TAKEN, _REJECTED, "#888888"))):
        if name == "camera":
            values = np.maximum(values, _LEAST_CAMERA)
        axes.plot(
            values, place + rng.uniform(-0.25, 0.25, len(values)), ".", color=colour, alpha=0.6, markeredgewidth=0
        )
    axes.axvline(bars[name].value, color=_INK, linewidth=1, linestyle="--")
    if name == "camera":
        axes.set_xscale("log")
    else:
        axes.set_xlim(-0.03, 1.03)
    _name(axes, list(groups))


def _failed(part: Mapping[str, Any], name: str) -> bool:
    return any(fault["test"] == name for fault in part.get("faults", ()))


def _name(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), labels=names)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first on top
