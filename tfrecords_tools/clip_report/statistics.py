"""Figures of a set of clips, split by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrecords_tools.clips.store import SPLITS

_SHARES = ("coverage", "front", "side", "back")


def statistics(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """The figures of each split, and of `all`.

    Returns:
        By split: `videos` that gave a clip, `clips`, `frames`, `hours`; over all frames `coverage`, the share of joints
        found, and `front`, `side`, `back`, the shares of frames by what the person shows (None without a frame).
    """
    groups = {split: [entry for entry in entries if entry["split"] == split] for split in SPLITS}
    return {name: _of(group) for name, group in {**groups, "all": list(entries)}.items()}


def _of(entries: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    by_video = [[part for part in entry["parts"] if "clip_id" in part] for entry in entries]
    clips = [clip for video in by_video for clip in video]
    frames = sum(clip["figures"]["frames"] for clip in clips)
    shares = {
        name: sum(clip["figures"][name] * clip["figures"]["frames"] for clip in clips) / frames if frames else None
        for name in _SHARES
    }
    return {
        "videos": sum(map(bool, by_video)),
        "clips": len(clips),
        "frames": frames,
        "hours": sum(clip["stop"] - clip["start"] for clip in clips) / 3600,
        **shares,
    }
