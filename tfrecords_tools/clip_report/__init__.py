"""What a set of clips is like, and what became none and why: as a page and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stmt_tf.files import whole_file
from tfrecords_tools.clip_report.page import page
from tfrecords_tools.clip_report.statistics import statistics
from tfrecords_tools.clips.settings import ClipSettings

__all__ = ["REPORT", "write_report"]

REPORT = ("report.html", "report.json")


def write_report(output: str, entries: Sequence[Mapping[str, Any]], settings: ClipSettings) -> None:
    """Writes `report.html`, which holds all that it shows, and `report.json`, all parts without their pictures.

    Args:
        output: the directory, where the entries lie, too.
        entries: of all videos, as `store.read_entries` gives them.
        settings: by which they were cut.
    """
    content = {"settings": settings.content(), "statistics": statistics(entries), "videos": list(entries)}
    with whole_file(Path(output, REPORT[1])) as hidden:
        hidden.write_text(json.dumps(content, indent=1), encoding="utf-8")
    with whole_file(Path(output, REPORT[0])) as hidden:
        hidden.write_text(page(output, entries, settings), encoding="utf-8")
