"""What each method makes of a pair, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Protocol

import numpy as np

from stmt_tf.metrics import baselines, image
from stmt_tf.metrics.pairs import Pair

BASELINES = ("nearest pose", "source median")
COLUMNS = {  # heading and decimals
    "psnr": ("PSNR [dB]", 2),
    "psnr_person": ("PSNR person [dB]", 2),
    "ssim": ("SSIM", 3),
    "sharpness": ("sharpness person", 2),
    "lpips": ("LPIPS (VGG16)", 3),
}
_BATCH = 4  # target frames generated together; more gained nothing on a CPU

# LPIPS of frames made and true ones, float32 [N, H, W, 3] in [-1, 1], as [N].
Perceptual = Callable[[np.ndarray, np.ndarray], Any]


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
    alone = [_generate(model, pair, [k]) for k in range(sources)]
    together = alone[0] if sources == 1 else _generate(model, pair, list(range(sources)))
    made = {"model K=1": alone[pair.single]["frame"]}
    if sources > 1:
        # What fusion must beat, or it has learned nothing.
        made["mean of K=1"] = np.rint(np.mean([one["frame"] for one in alone], axis=0)).astype(np.uint8)
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


def measure(
    made: dict[str, np.ndarray], pair: Pair, perceptual: Perceptual | None
) -> list[dict[str, Any]]:
    """One row a method and one for the truth, as `stmt_tf.metrics.report` takes them: means over the frames."""
    truth, region = pair.target_frames, pair.regions
    rows = []
    for method, frames in {**made, "truth": truth}.items():
        values = {"sharpness": image.sharpness(frames, region)}
        if frames is not truth:
            values["psnr"] = image.psnr(frames, truth)
            values["psnr_person"] = image.masked_psnr(frames, truth, region)
            values["ssim"] = image.ssim(frames, truth)
            if perceptual:
                values["lpips"] = np.asarray(perceptual(_to_float(frames), _to_float(truth)))
        known = {metric: x[~np.isnan(x)] for metric, x in values.items()}
        rows.append(
            {
                "video_id": pair.video_id,
                "clip_id": pair.clip_id,
                "method": method,
                "frames": len(truth),
                **{
                    metric: float(known[metric].mean()) if len(known.get(metric, ())) else np.nan
                    for metric in COLUMNS
                },
            }
        )
    return rows


def _to_float(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) / 127.5 - 1.0
