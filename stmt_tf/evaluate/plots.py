"""The figures of an evaluation as a picture: a panel a metric, in each a line a method.

A dot is a pair, the pale bar spans the middle half of them with the median in it, and a diamond is their mean. VFID and
FVD, of all videos together, are bars with their bootstrap intervals.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from stmt_tf.evaluate.measures import COLUMNS
from stmt_tf.evaluate.report import Row

_HIGHER, _LOWER = "\N{UPWARDS ARROW} higher is better", "\N{DOWNWARDS ARROW} lower is better"
_BETTER = {
    "psnr": _HIGHER,
    "psnr_person": _HIGHER,
    "ssim": _HIGHER,
    "lpips": _LOWER,
    "pck": _HIGHER,
    "pose_distance": _LOWER,
    "identity": _HIGHER,
}
# Whose mean is best, for metrics that know no best but what true frames have.
_MODELS = {
    "same": {"sharpness": "truth", "warping_error": "truth", "flicker": "truth"},
    "cross": {"sharpness": "the source", "flicker": "the target"},
}
_COLUMNS = 3
_PANEL, _LINE, _HEAD = 3.6, 0.3, 1.0  # inches: a panel's width, a method's height, and what stands above and below
_DPI = 100
_WRAP = 40  # characters of a heading's line
_INK, _DOT, _BAR, _MEAN = "#333333", "#0072B2", "#A9D0EA", "#D55E00"  # told apart with any kind of colour vision


def plot(which: str, rows: Sequence[Row], results: Mapping[str, Any]) -> np.ndarray:
    """Draws the metrics that are known of any method.

    Args:
        which: the set.
        rows: of all pairs.
        results: what `evaluation.summarise` made of them.

    Returns:
        uint8 RGB `[H, W, 3]`; higher the more methods there are.
    """
    canvas = FigureCanvasAgg(figure(which, rows, results))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def figure(which: str, rows: Sequence[Row], results: Mapping[str, Any]) -> Figure:
    """What `plot` draws, as Matplotlib has it."""
    methods = list(results["means"])
    values = {
        name: {method: _known(row[name] for row in rows if row["method"] == method) for method in methods}
        for name in COLUMNS[which]
    }
    values = {name: by_method for name, by_method in values.items() if any(map(len, by_method.values()))}
    intervals = results.get("video_distances", {}).get("intervals", {})
    distances = list(dict.fromkeys(name for by_name in intervals.values() for name in by_name))

    lines = max(1, math.ceil((len(values) + len(distances)) / _COLUMNS))
    size = _COLUMNS * _PANEL + 2, lines * (_HEAD + _LINE * len(methods)) + 0.3
    page = Figure(size, _DPI, facecolor="white", layout="constrained")
    panels = page.subplots(lines, _COLUMNS, sharey=True, squeeze=False).ravel()
    for axes in panels[len(values) + len(distances) :]:
        axes.set_visible(False)
    for axes, (name, by_method) in zip(panels, values.items()):
        model = _MODELS[which].get(name)
        better = f"nearer to the dashed line ({model}) is better" if model else _BETTER[name]
        _prepare(axes, COLUMNS[which][name][0], better, methods)
        if model and len(by_method.get(model, ())):
            axes.axvline(by_method[model].mean(), color=_INK, linewidth=1, linestyle="--")
        for place, of_pairs in enumerate(by_method.values()):
            _draw_pairs(axes, place, of_pairs)
    for axes, name in zip(panels[len(values) :], distances):
        _prepare(axes, name, _LOWER, methods)
        for place, method in enumerate(methods):
            _draw_distance(axes, place, results["means"][method][name], intervals.get(method, {}).get(name))
    said = "dot: a pair; bar: the middle half and the median; diamond: the mean"
    page.supxlabel(said + ("; VFID, FVD: all videos, with bootstrap interval" if distances else ""), fontsize=9)
    return page


def _known(values) -> np.ndarray:
    values = np.array(list(values), np.float64)
    return values[~np.isnan(values)]


def _prepare(axes: Axes, heading: str, better: str, methods: Sequence[str]) -> None:
    axes.set_title(f"{textwrap.fill(heading, _WRAP)}\n{better}", fontsize=9, parse_math=False)
    axes.set_yticks(range(len(methods)), labels=methods, parse_math=False)
    axes.set_ylim(len(methods) - 0.5, -0.5)  # the first on top
    axes.tick_params(labelsize=9, length=0)
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_pairs(axes: Axes, place: int, values: np.ndarray) -> None:
    if not len(values):
        return
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    axes.barh(place, high - low, 0.64, low, color=_BAR)
    axes.plot([median, median], [place - 0.32, place + 0.32], color=_DOT, linewidth=1.5)
    apart = place + np.random.default_rng(0).uniform(-0.24, 0.24, len(values))
    axes.plot(values, apart, ".", color=_DOT, markersize=4, alpha=0.6, markeredgewidth=0)
    axes.plot(values.mean(), place, "D", color=_MEAN, markersize=5, markeredgecolor="white", markeredgewidth=0.7)


def _draw_distance(axes: Axes, place: int, value: float, interval: Mapping[str, float] | None) -> None:
    if math.isnan(value):
        return
    axes.barh(place, value, 0.64, color=_BAR)
    if interval:
        axes.plot([interval["low"], interval["high"]], [place, place], "|-", color=_INK, linewidth=1.2)
