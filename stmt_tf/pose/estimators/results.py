"""Reads the JSON results of pose tools; what is wrong with them is a PoseError naming the file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from stmt_tf.pose.estimators.base import PoseError
from stmt_tf.pose.estimators.layouts import Layout


def read_json(path: str) -> Any:
    """Returns the content of a JSON file."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise PoseError(f"Pose results {path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise PoseError(f"Pose results {path} are not JSON ({reason}); run the pose tool again.") from error


def read_keypoints(values: Any, known: dict[int, Layout], where: str) -> tuple[np.ndarray, Layout]:
    """Returns one person's keypoints and their layout.

    Args:
        values: what the file holds: a flat list x, y, confidence, x, y, confidence, ...
        known: the layouts that the tool writes, by number of keypoints in the file. A layout
            smaller than that takes the first of them (body before hands and face).
        where: file and place in it, for the error message.

    Returns:
        float32 [layout.size, 3], and the layout.
    """
    if not isinstance(values, list) or len(values) % 3 or len(values) // 3 not in known:
        given = f"{len(values)} values" if isinstance(values, list) else _shown(values)
        sizes = ", ".join(str(size) for size in known)
        raise PoseError(
            f"{where}: keypoints are {given}; expected a list of 3 values (x, y, confidence) for "
            f"each of {sizes} keypoints. Run the pose tool with one of these layouts."
        )
    layout = known[len(values) // 3]
    for value in values:
        # Coordinates beyond a million pixels, and NaN, are no positions.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e6:
            raise PoseError(f"{where}: keypoint value {_shown(value)} is no position; run the pose tool again.")
    return np.array(values, np.float32).reshape(-1, 3)[: layout.size], layout


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
