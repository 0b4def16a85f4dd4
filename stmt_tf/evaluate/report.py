"""Tables of an evaluation: means, margins over the baselines, and the text of its files.

A row is one method on one clip: `{"video_id", "clip_id", "method", "frames", metric: value, ...}`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]


def means(rows: Sequence[Row], metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    """The mean over the clips of each metric, by method in the rows' order; NaN where none is known.

    Each clip counts once, however many frames it has.
    """
    methods = dict.fromkeys(row["method"] for row in rows)
    return {
        method: {
            metric: _mean([row.get(metric, np.nan) for row in rows if row["method"] == method])
            for metric in metrics
        }
        for method in methods
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def margin(
    rows: Sequence[Row], method: str, baselines: Sequence[str], metric: str
) -> dict[str, Any]:
    """How far a method is above the better of the baselines; the rows of a pair stand together.

    Returns:
        `of_means`: between the means over the pairs; `mean`, `least`: over the pairs' own margins, each over
        what is the better baseline of that pair; `least_on`: the clip of the least.

    Raises:
        ValueError: no clip has the metric.
    """
    pairs: list[dict[str, float]] = []
    clips: list[str] = []
    for row in rows:
        if math.isnan(row[metric]):
            continue
        if not pairs or row["method"] in pairs[-1]:  # a clip may be in several pairs
            pairs.append({})
            clips.append(row["clip_id"])
        pairs[-1][row["method"]] = row[metric]
    if not pairs:
        raise ValueError(f"no clip has a {metric}")
    own = [at[method] - max(at[name] for name in baselines) for at in pairs]
    totals = means(rows, [metric])
    least_on = int(np.argmin(own))
    return {
        "of_means": totals[method][metric] - max(totals[name][metric] for name in baselines),
        "mean": _mean(own),
        "least": own[least_on],
        "least_on": clips[least_on],
    }


def table(
    summary: Mapping[str, Mapping[str, float]], columns: Mapping[str, tuple[str, int]], first: str
) -> str:
    """A Markdown table, one line a method; unknown values are empty.

    Args:
        summary: what `means` gave.
        columns: heading and number of decimals, by metric.
        first: heading of the first column.
    """
    cells = [[first, *(heading for heading, _ in columns.values())]]
    for method, values in summary.items():
        numbers = [
            "" if math.isnan(values[metric]) else f"{values[metric]:.{decimals}f}"
            for metric, (_, decimals) in columns.items()
        ]
        cells.append([method, *numbers])
    return markdown(cells)


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """A Markdown table of cells, line by line; the first is the heading. All columns but the first go to the right."""
    widths = [max(3, *(len(line[i]) for line in cells)) for i in range(len(cells[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "".join("| " + " | ".join(_aligned(line, widths)) + " |\n" for line in [cells[0], rule, *cells[1:]])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:]))]


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV, with a heading line; unknown values are empty."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if _is_nan(value) else value for key, value in row.items()})
    return text.getvalue()


def as_json(value: Any) -> str:
    """JSON of nested dicts and lists, with null for NaN, which JSON cannot say."""
    return json.dumps(_without_nan(value), indent=2, ensure_ascii=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if _is_nan(value) else value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
