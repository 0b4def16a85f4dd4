"""What each method makes of a pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from stmt_tf.metrics import baselines
from stmt_tf.metrics.pair_frames import Pair

BASELINES = ("nearest pose", "source median")
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


def run_methods(model: Model, pair: Pair) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What each method makes of a pair, uint8 `[L, size, size, 3]` by its name; and all that the model gives at K."""
    sources = len(pair.source_frames)
    together = _generate(model, pair, list(range(sources)))
    # Of the single ones the frames alone are kept: with all else the model shows, long runs would fill the memory.
    alone = [together["frame"] if sources == 1 else _generate(model, pair, [k])["frame"] for k in range(sources)]
    made = {"model K=1": alone[pair.choice.single]}
    if sources > 1:
        # What fusion must beat, or it has learned nothing.
        made["mean of K=1"] = np.rint(np.mean(alone, axis=0)).astype(np.uint8)
        made[f"model K={sources}"] = together["frame"]
    made["warped"] = together["warped"]
    nearest, median = BASELINES
    made[nearest] = baselines.copy_nearest_pose(
        pair.source_frames, pair.source_joints, pair.target_joints
    )
    made[median] = baselines.source_median(pair.source_frames, len(pair.target_frames))
    return made, together


def _generate(model: Model, pair: Pair, steps: list[int]) -> dict[str, np.ndarray]:
    """The model's outputs from these source frames alone."""
    source = model.encode_source(pair.source_frames[steps], pair.source_joints[steps])
    batches = [
        model.generate(source, pair.target_joints[start : start + _BATCH])
        for start in range(0, len(pair.target_joints), _BATCH)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
