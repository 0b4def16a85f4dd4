"""Pairs as a file, so that several models are measured on the very same ones: JSON for people to read and write.

    {"format": "stmt_tf pairs 1", "set": "same", "pairs": [
      {"source_clip": "a", "source_frames": [0, 3, 4, 9], "single": 2,
       "target_clip": "a", "target_first": 16, "target_count": 16}, ...]}

See `stmt_tf.evaluate.pairs.Choice` for what they say.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from stmt_tf.evaluate.clips import ClipIndex
from stmt_tf.evaluate.pairs import Choice

FORMAT = "stmt_tf pairs 1"
_FIELDS = [field.name for field in dataclasses.fields(Choice)]


def as_text(choices: Sequence[Choice], which: str) -> str:
    """The text of a pairs file, one line a pair; `which` is the set."""
    lines = ",\n".join(f"  {json.dumps(dataclasses.asdict(choice), ensure_ascii=False)}" for choice in choices)
    return f'{{"format": "{FORMAT}", "set": "{which}", "pairs": [\n{lines}\n]}}\n'


def read_pairs(path: str, which: str, index: ClipIndex) -> tuple[list[Choice], list[str]]:
    """Reads a pairs file and looks whether the clips fit it.

    Args:
        path: the file.
        which: the set that it must hold.
        index: the clips. Where damaged records were skipped, pairs of missing clips are left out.

    Returns:
        The pairs, and a line for each one left out.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no pairs file, or names clips or frames that there are not; one line that names the pair.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except ValueError as error:
        raise ValueError(f"--pairs={path} is not a pairs file ({error}); let one be drawn without --pairs") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("pairs"), list):
        raise ValueError(f"--pairs={path} lacks the format {FORMAT!r} or its pairs; let one be drawn without --pairs")
    if content.get("set") != which:
        raise ValueError(f"--pairs={path} holds the set {content.get('set')!r}; give it with --set of that name")
    choices: list[Choice] = []
    left_out: list[str] = []
    for number, item in enumerate(content["pairs"], 1):
        where = f"--pairs={path}: pair {number}"
        choice = _choice(item, where)
        if choice.is_cross != (which == "cross"):
            raise ValueError(f"{where} is of {1 + choice.is_cross} clips, which the set {which!r} has not; correct it")
        missing = [name for name in (choice.source_clip, choice.target_clip) if name not in index.clips]
        if missing and index.damaged:
            left_out.append(f"pair {number}: the clip {missing[0]} is not among the sound records")
            continue
        if missing:
            raise ValueError(f"{where} names the clip {missing[0]}, which --records lack; give those it was drawn from")
        _check_frames(choice, index, where)
        if choices and len(choice.source_frames) != len(choices[0].source_frames):
            raise ValueError(
                f"{where} has {len(choice.source_frames)} source frames and the first one "
                f"{len(choices[0].source_frames)}; give all equally many"
            )
        choices.append(choice)
    if not choices:
        raise ValueError(f"--pairs={path}: no pair is left to measure on")
    return choices, left_out


def _choice(item: Any, where: str) -> Choice:
    if not isinstance(item, dict) or sorted(item) != sorted(_FIELDS):
        raise ValueError(f"{where} must have {', '.join(_FIELDS)}, got {item!r}")
    frames, numbers = item["source_frames"], [item[name] for name in ("single", "target_first", "target_count")]
    names = [item["source_clip"], item["target_clip"]]
    if not (
        isinstance(frames, list) and frames and all(type(x) is int for x in frames + numbers)
        and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(f"{where} must have two names, a list of frame numbers and three numbers, got {item!r}")
    return Choice(**{**item, "source_frames": tuple(frames)})


def _check_frames(choice: Choice, index: ClipIndex, where: str) -> None:
    if not 0 <= choice.single < len(choice.source_frames):
        raise ValueError(f"{where}: single must be from 0 to {len(choice.source_frames) - 1}, got {choice.single}")
    if choice.target_count < 1:
        raise ValueError(f"{where}: target_count must be at least 1, got {choice.target_count}")
    last = choice.target_first + choice.target_count - 1
    for name, frames in ((choice.source_clip, choice.source_frames), (choice.target_clip, (choice.target_first, last))):
        length = index.clips[name].frames
        wrong = [frame for frame in frames if not 0 <= frame < length]
        if wrong:
            raise ValueError(f"{where}: frame {wrong[0]} of the clip {name}, which has {length} frames; correct it")
    if not choice.is_cross and any(choice.target_first <= frame <= last for frame in choice.source_frames):
        raise ValueError(f"{where}: source frames must not be among the targets, {choice.target_first} to {last}")
