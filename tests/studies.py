"""Tiny user studies for the tests: two methods' videos, and files of answers as the page would save them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from videos import write_video

from stmt_tf.study.answers import QUESTIONS

METHODS = ["ours", "single frame"]
LEVELS = {"first": 60, "second": 180}  # of grey, by which a browser tells the two methods' videos apart


def write_results(root, names=("same/a.mp4", "same/b.mp4", "cross/c.mp4"), count=10, size=32) -> list[str]:
    """Videos of these names for both methods; returns the flags --first and --second."""
    for method, level in LEVELS.items():
        for number, name in enumerate(names):
            path = Path(root) / method / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_video(path, [np.full((size, size, 3), level + 5 * number, np.uint8)] * count)
    return [f"--{method}={Path(root) / method}" for method in LEVELS]


def answers_of(choices, swapped=False, methods=METHODS):
    """The answers of one participant.

    Args:
        choices: by pair, as (name, answers to the questions); each 0 or 1 for a method, 2 for not sure.
        swapped: whether the second method was on the left.
    """
    left, right = methods[::-1] if swapped else methods
    return [
        {
            "pair": name,
            "subset": name.rpartition("/")[0],
            "question": question.key,
            "left": left,
            "right": right,
            "answer": "not sure" if choice == 2 else ("left" if methods[choice] == left else "right"),
            "milliseconds": 4000,
        }
        for name, answered in choices
        for question, choice in zip(QUESTIONS, answered)
    ]


def write_session(path, choices, swapped=False, **changes) -> str:
    """A file of answers; `changes` replace parts of it."""
    content = {
        "schema": 1,
        "study": "5eed",
        "methods": METHODS,
        "pairs": len(choices),
        "session": Path(path).stem,
        "participant": "",
        "started": "2024-05-01T10:00:00.000Z",
        "finished": "2024-05-01T10:05:00.000Z",
        "answers": answers_of(choices, swapped),
        **changes,
    }
    Path(path).write_text(json.dumps(content))
    return str(path)
