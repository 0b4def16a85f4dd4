"""The report as one HTML page, with its style and pictures inside it."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from tfrecords_tools.clip_report.plots import plots
from tfrecords_tools.clip_report.statistics import statistics
from tfrecords_tools.clips.bars import Bar, bars_of
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.clips.store import read_thumbnails

# Of each test: what is wrong with what fails it, what is measured, and how to print that.
TESTS = {
    "shot": ("The shot changes", "shot: how much another picture the background becomes", "{:.0%}"),
    "whole": ("Nobody, or not whole in view", "whole: share of the frames that show the person whole", "{:.0%}"),
    "others": ("Somebody else is there", "others: share of the frames with somebody else of a like size", "{:.0%}"),
    "camera": ("The camera moves", "camera: farthest that the background moves, of the crop's side", "{:.3%}"),
    "frozen": ("The picture stands", "frozen: longest time without a new picture", "{:.2f} s"),
    "seconds": ("Too short", "seconds: length", "{:.2f} s"),
}
_FIGURES = {
    "videos": ("Videos with clips", "{:,.0f}"),
    "clips": ("Clips", "{:,.0f}"),
    "frames": ("Frames", "{:,.0f}"),
    "hours": ("Hours", "{:.2f}"),
    "coverage": ("Joints found", "{:.1%}"),
    "front": ("Front", "{:.0%}"),
    "side": ("Side", "{:.0%}"),
    "back": ("Back", "{:.0%}"),
}
_MOST_SHOWN = 1000  # parts with pictures in either list: phones open no larger page; the JSON has all


def page(output: str, entries: Sequence[Mapping[str, Any]], settings: ClipSettings) -> str:
    """The page of all videos, whose entries lie in `output` with their thumbnails."""
    bars = bars_of(settings)
    parts = [_Place(entry["video_id"], number, part) for entry in entries for number, part in enumerate(entry["parts"])]
    thumbnails = functools.lru_cache(functools.partial(read_thumbnails, output))

    def section(heading: str, kind: str) -> str:
        chosen = [place for place in parts if kind in place.part]
        shown = []
        for place in chosen[:_MOST_SHOWN]:
            pictures = thumbnails(place.video_id)
            shown.append(_part(place, pictures[place.number] if pictures else "", bars))
        return _section(heading, len(chosen), shown)

    cut = "all of each video" if settings.cut == "all" else "3 to 4 random stretches of each video"
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    pictures = "".join(
        f'<figure><figcaption>{escape(title)}</figcaption><img alt="" src="{_url("png", data)}"></figure>\n'
        for title, data in plots(entries, bars).items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clips: what was taken, and what was not</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{_count(sum("clip_id" in place.part for place in parts), "clip")} of {_count(len(entries), "video")}</h1>
<p class="quiet">Cut from {cut}, up to {settings.seconds:g} s at {settings.fps:g} frames per second,
{settings.size} x {settings.size} pixels; poses: {settings.pose}, flow: {settings.content()["flow"]}.
{_makers(entries)}</p>
<h2>The set</h2>
{_statistics_table(entries)}
<h2>What a clip must pass</h2>
{_bars_table([place.part for place in parts], bars)}
<h2>In pictures</h2>
<div class="plots">
{pictures}</div>
{section("Videos that cannot be used", "problem")}
{section("Left out", "faults")}
<details>
<summary>The clips, and how far they are from each bar</summary>
{section("Clips", "clip_id")}
</details>
</main>
</body>
</html>
"""


def _makers(entries: Sequence[Mapping[str, Any]]) -> str:
    """With which versions the videos were worked on, each once."""
    makers = dict.fromkeys(", ".join(map(" ".join, entry["made_with"].items())) for entry in entries)
    return "".join(f"Made with {escape(maker)}. " for maker in makers)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _statistics_table(entries: Sequence[Mapping[str, Any]]) -> str:
    figures = statistics(entries)
    rows = [["", *figures]]
    for name, (heading, shape) in _FIGURES.items():
        values = [of_split[name] for of_split in figures.values()]
        rows.append([heading, *("" if value is None else shape.format(value) for value in values)])
    return _table(rows)


def _bars_table(parts: Sequence[Mapping[str, Any]], bars: Mapping[str, Bar]) -> str:
    rows = [["", "bar", "nearest clip", "left out"]]
    for name, bar in bars.items():
        _, words, shape = TESTS[name]
        values = [part["measures"][name] for part in parts if "clip_id" in part]
        nearest = (min(values) if bar.at_least else max(values)) if values else None
        failed = sum(fault["test"] == name for part in parts for fault in part.get("faults", ()))
        rows.append([words, _bar(bar, shape), "" if nearest is None else shape.format(nearest), str(failed)])
    return _table(rows)


def _bar(bar: Bar, shape: str) -> str:
    return f"{'at least' if bar.at_least else 'at most'} {shape.format(bar.value)}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = []
    for number, (first, *cells) in enumerate(rows):
        kind = "td" if number else "th"
        line = "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells)
        lines.append(f"<tr><th>{escape(first)}</th>{line}</tr>\n")
    return f'<div class="table"><table>\n{"".join(lines)}</table></div>'


def _section(heading: str, count: int, shown: Sequence[str]) -> str:
    if not count:
        return ""
    more = count - len(shown)
    rest = f'<p>And {more:,} more: report.json has them all.</p>' if more > 0 else ""
    return f'<h2>{escape(heading)}: {count:,}</h2>\n<div class="parts">\n{"".join(shown)}</div>\n{rest}'


class _Place(NamedTuple):
    """A part of a video, by its number in it."""

    video_id: str
    number: int
    part: Mapping[str, Any]


def _part(place: _Place, thumbnail: str, bars: Mapping[str, Bar]) -> str:
    part = place.part
    lines = [f'<p class="name">{escape(part.get("clip_id", place.video_id))}</p>']
    if "problem" in part:
        lines.append(f'<p class="fault">{escape(part["problem"])}</p>')
    else:
        is_cut = part["start"] == part["stop"]
        span = f"at {part['start']:.2f} s" if is_cut else f"{part['start']:.2f} s to {part['stop']:.2f} s"
        lines.append(f'<p class="quiet">{span}</p>')
    failed = set()
    for fault in part.get("faults", ()):
        reason, _, shape = TESTS[fault["test"]]
        failed.add(fault["test"])
        bar = _bar(bars[fault["test"]], shape)
        lines.append(f'<p class="fault">{reason}: {shape.format(fault["value"])}, must be {bar}</p>')
    measures = part.get("measures", {}).items()
    others = [f"{name} {TESTS[name][2].format(value)}" for name, value in measures if name not in failed]
    if others:
        lines.append(f'<p class="quiet">{", ".join(others)}</p>')
    picture = f'<img alt="" src="data:image/jpeg;base64,{thumbnail}">' if thumbnail else (
        '<div class="none">no picture</div>'
    )
    return f'<div class="part">{picture}<div>{"".join(lines)}</div></div>\n'


def _url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
