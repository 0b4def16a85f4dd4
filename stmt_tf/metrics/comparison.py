"""What each method makes of a pair."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from stmt_tf.metrics import baselines
from stmt_tf.metrics.pair_frames import Pair

BASELINES = ("nearest pose", "source median")
# What stands beside them in tables and sheets.
_NAMES = (*BASELINES, "mean of K=1", "warped", "truth", "the source", "the target", "target")
_BATCH = 4  # target frames generated together; more gained nothing on a CPU


class Model(Protocol):
    """What is measured; see `stmt_tf.inference.TransferModel`."""

    size: int

    def check_source_count(self, count: int) -> None:
        """Raises ValueError if the model cannot look at so many source frames."""

    def encode_source(self, frames: np.ndarray, joints: np.ndarray) -> Any:
        """uint8 `[K, size, size, 3]`, `[K, 14, 3]` -> what `generate` takes."""

    def generate(self, source: Any, target_joints: np.ndarray) -> Mapping[str, np.ndarray]:
        """`[T, 14, 3]` -> `frame` and `warped`, uint8 `[T, size, size, 3]`, and what else it has to show."""


@dataclasses.dataclass(frozen=True)
class Other:
    """A further model, measured beside the one in question.

    Attributes:
        name: what it is called in the results.
        model: the model.
        is_single: whether it sees one of the source frames only, that of the model with K=1.
    """

    name: str
    model: Model
    is_single: bool = False


def parse_others(texts: Sequence[str], flag: str = "--compare") -> list[tuple[str, str, bool]]:
    """Name, directory and whether it is to see one source frame, of each text NAME=DIR or NAME@1=DIR.

    Raises:
        ValueError: a text is something else, or two models have one name.
    """
    parsed = []
    for text in texts:
        name, _, directory = (part.strip() for part in text.partition("="))
        name, _, count = name.partition("@")
        if not name or not directory or count not in ("", "1"):
            raise ValueError(f"{flag} takes NAME=DIR or NAME@1=DIR, with commas between, got {text!r}")
        if name in [other for other, _, _ in parsed] or name in _NAMES or name.startswith("source "):
            raise ValueError(f"{flag}: {name!r} is the name of something else too; give another")
        if "|" in name:
            raise ValueError(f"{flag}: names must have no '|', which tables are made of, got {name!r}")
        parsed.append((name, directory, count == "1"))
    return parsed


def check_others(others: Sequence[Other], model: Model, sources: int) -> None:
    """Raises ValueError if a model cannot be compared with the one in question on K source frames."""
    for other in others:
        if other.model.size != model.size:
            raise ValueError(
                f"--compare: {other.name!r} makes frames of {other.model.size} pixels and --model of {model.size}; "
                "compare models of one size"
            )
        try:
            other.model.check_source_count(1 if other.is_single else sources)
        except ValueError as error:
            raise ValueError(f"--compare: {other.name!r}: {error}") from error


def run_methods(
    model: Model, pair: Pair, others: Sequence[Other] = ()
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What each method makes of a pair, uint8 `[L, size, size, 3]` by its name; and all that the model gives at K."""
    sources = len(pair.source_frames)
    together = generate(model, pair, range(sources))
    # Of the single ones the frames alone are kept: with all else the model shows, long runs would fill the memory.
    alone = [together["frame"] if sources == 1 else generate(model, pair, [k])["frame"] for k in range(sources)]
    made = {"model K=1": alone[pair.choice.single]}
    if sources > 1:
        # What fusion must beat, or it has learned nothing.
        made["mean of K=1"] = np.rint(np.mean(alone, axis=0)).astype(np.uint8)
        made[f"model K={sources}"] = together["frame"]
    for other in others:
        steps = [pair.choice.single] if other.is_single else range(sources)
        made[other.name] = generate(other.model, pair, steps)["frame"]
    made["warped"] = together["warped"]
    nearest, median = BASELINES
    made[nearest] = baselines.copy_nearest_pose(
        pair.source_frames, pair.source_joints, pair.target_joints
    )
    made[median] = baselines.source_median(pair.source_frames, len(pair.target_frames))
    return made, together


def generate(model: Model, pair: Pair, steps: Sequence[int]) -> dict[str, np.ndarray]:
    """All that a model gives, from these of a pair's source frames alone."""
    source = model.encode_source(pair.source_frames[list(steps)], pair.source_joints[list(steps)])
    batches = [
        model.generate(source, pair.target_joints[start : start + _BATCH])
        for start in range(0, len(pair.target_joints), _BATCH)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
