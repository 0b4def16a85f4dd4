"""What each method makes of a pair."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from stmt_tf.evaluate import baselines
from stmt_tf.evaluate.pair_frames import Pair
from stmt_tf.pose.body import scaled_joints
from stmt_tf.pose.selection import select_source_frames
from stmt_tf.pose.steady_choice import SteadyChoice

LAYERS = ("foreground", "background")
BASELINES = ("nearest pose", "source median")
# What stands beside them in tables and sheets.
_NAMES = (*BASELINES, "mean of K=1", "warped", "truth", "the source", "the target", "target")
_ALONE = 4  # source frames that are looked at one by one, of so many
_BATCH = 4  # target frames generated together; more gained nothing on a CPU


class Model(Protocol):
    """What is measured; see `stmt_tf.serving.inference.TransferModel`."""

    size: int
    takes_any_size: bool
    num_source_frames: int | None

    def check_source_count(self, count: int) -> None:
        """Raises ValueError if the model cannot look at so many source frames."""

    def encode_source(self, frames: np.ndarray, joints: np.ndarray, mattes: np.ndarray | None) -> Any:
        """uint8 `[N, S, S, 3]`, `[N, 14, 3]`, float32 `[N, S, S]` -> what `generate` takes."""

    def affinity(self, source: Any, target_joints: np.ndarray) -> np.ndarray:
        """Of a model of any size: `[T, 14, 3]` -> `[T, N, 10]`, by which it chooses source frames."""

    def generate(self, source: Any, target_joints: np.ndarray) -> Mapping[str, np.ndarray]:
        """`[T, 14, 3]` -> `frame`, uint8 `[T, S, S, 3]`, maybe `warped` alike, and what else it has to show."""


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


def run_methods(
    model: Model, pair: Pair, others: Sequence[Other] = ()
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[int, dict[str, np.ndarray]]]:
    """What each method makes of a pair, uint8 `[L, size, size, 3]` by its name; and all that the model gives at K.

    Third, by the number of a source frame, the layers that the model gives of it alone for the middle target frame.
    """
    sources, middle = len(pair.source_frames), len(pair.target_frames) // 2
    together = generate(model, pair, range(sources))
    layers: dict[int, dict[str, np.ndarray]] = {}

    def frames_of(k: int) -> np.ndarray:
        # Only these are kept: with all else that the model shows, long runs would fill the memory.
        alone = generate(model, pair, [k])
        layers[k] = {name: alone[name][middle].copy() for name in LAYERS if name in alone}
        return alone["frame"]

    single = pair.choice.single
    made = {"model K=1": together["frame"] if sources == 1 else frames_of(single)}
    if sources > 1:
        # What fusion must beat, or it has learned nothing.
        others_alone = [frames_of(k) for k in range(min(sources, _ALONE)) if k != single]
        made["mean of K=1"] = np.rint(np.mean([made["model K=1"], *others_alone], axis=0)).astype(np.uint8)
        made[f"model K={sources}"] = together["frame"]
    for other in others:
        steps = [pair.choice.single] if other.is_single else range(sources)
        made[other.name] = generate(other.model, pair, steps)["frame"]
    if "warped" in together:
        made["warped"] = together["warped"]
    nearest, median = BASELINES
    made[nearest] = baselines.copy_nearest_pose(
        pair.source_frames, pair.source_joints, pair.target_joints
    )
    made[median] = baselines.source_median(pair.source_frames, len(pair.target_frames))
    return made, together, layers


def generate(model: Model, pair: Pair, steps: Sequence[int]) -> dict[str, np.ndarray]:
    """All that a model gives, from these of a pair's source frames alone; images are of the pair's size.

    A model that was built for fewer frames sees as many of them, which cover their poses; one whose frames have another
    size sees them at its own.
    """
    steps, side = np.array(steps), pair.source_frames.shape[1]
    most = model.num_source_frames
    if most is not None and len(steps) > most:
        steps = steps[select_source_frames(pair.source_joints[steps], most)]
    fits = side % model.size == 0 if model.takes_any_size else side == model.size
    own = side if fits else model.size
    mattes = None if pair.source_mattes is None else _at_size(pair.source_mattes[steps], own).clip(0.0, 1.0)
    source = model.encode_source(
        _at_size(pair.source_frames[steps], own), scaled_joints(pair.source_joints[steps], own / side), mattes
    )
    target_joints = scaled_joints(pair.target_joints, own / side)
    choice = SteadyChoice(model, source)
    poses = (target_joints[start : start + _BATCH] for start in range(0, len(target_joints), _BATCH))
    batches = [model.generate(choice(some), some) for some in poses]
    together = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    return {name: _at_size(x, side) if x.dtype == np.uint8 else x for name, x in together.items()}


def _at_size(images: np.ndarray, side: int) -> np.ndarray:
    """Images `[N, S, S]` or `[N, S, S, C]` at another side."""
    if images.shape[1] == side:
        return images
    method = cv2.INTER_AREA if side < images.shape[1] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(image, (side, side), interpolation=method) for image in images])
