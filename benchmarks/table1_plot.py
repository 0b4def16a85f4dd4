"""The gains that the paper's findings are about, there and here, as a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_INK, _OURS, _BAR, _PAPER = "#333333", "#0072B2", "#A9D0EA", "#D55E00"  # told apart with any kind of colour vision
_UNITS = {"VFID": "VFID, less of it", "PSNR": "PSNR [dB], more of it"}


@dataclasses.dataclass(frozen=True)
class Finding:
    """A row of Table 1 that is better than another one.

    Attributes:
        text: what the paper reads from it.
        better, worse: the rows.
        figure: VFID or PSNR.
        paper: by how much it is better in the paper.
        ours: by how much in each seed; negative if it is worse.
    """

    text: str
    better: str
    worse: str
    figure: str
    paper: float
    ours: Sequence[float]


def plot(found: Sequence[Finding]) -> np.ndarray:
    """Draws them, uint8 RGB `[H, W, 3]`."""
    canvas = FigureCanvasAgg(figure(found))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def figure(found: Sequence[Finding]) -> Figure:
    """What `plot` draws, as Matplotlib has it: a panel for VFID and one for PSNR, in each a line a finding."""
    shown = {name: [each for each in found if each.figure == name] for name in _UNITS}
    page = Figure((13, 1.6 + 0.42 * max(map(len, shown.values()))), 100, facecolor="white", layout="constrained")
    for axes, (name, lines) in zip(page.subplots(1, len(shown)), shown.items()):
        axes.set_title(_UNITS[name], fontsize=10)
        axes.axvline(0.0, color=_INK, linewidth=1)
        for place, each in enumerate(lines):
            low, high = min(each.ours), max(each.ours)
            axes.barh(place, high - low, 0.5, low, color=_BAR)
            axes.plot(each.ours, [place] * len(each.ours), "o", color=_OURS, markersize=6)
            axes.plot(each.paper, place, "D", color=_PAPER, markersize=6)
        labels = [f"{each.text}\n{each.better} for {each.worse}" for each in lines]
        axes.set_yticks(range(len(lines)), labels=labels, fontsize=8, parse_math=False)
        axes.set_ylim(len(lines) - 0.5, -0.5)  # the first on top
        axes.use_sticky_edges = False  # bars, too, keep away from the border
        axes.margins(x=0.06)
        axes.grid(axis="x", color="#E5E5E5", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
    page.supxlabel("orange diamond: the paper's gain; blue dot: ours with one seed; bar: from seed to seed", fontsize=9)
    return page
