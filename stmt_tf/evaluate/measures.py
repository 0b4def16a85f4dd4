"""How good what each method made of a pair is: rows as `stmt_tf.evaluate.report` takes them.

A value is a mean over a pair's frames, or steps from frame to frame, where it is known. In the set `same` one row more
judges the truth. In `cross` there is none; its two rows more tell what to compare with:

    the source    its own frames: how sharp they are, and how alike its person is to itself
    the target    the frames that the motion is from: how well the estimator finds joints that are known, and how alike
                  its person, who is somebody else, is to the source's
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Callable, Protocol

import numpy as np
import tensorflow as tf

from stmt_tf.evaluate.pair_frames import Pair
from stmt_tf.features.i3d import VideoNetwork
from stmt_tf.metrics import identity, image, pose_error, temporal
from stmt_tf.pixels import from_uint8
from stmt_tf.pose.estimators import Estimator

COLUMNS = {  # heading and decimals, by set and metric
    "same": {
        "psnr": ("PSNR [dB]", 2),
        "psnr_person": ("PSNR person [dB]", 2),
        "ssim": ("SSIM", 3),
        "sharpness": ("sharpness person", 2),
        "lpips": ("LPIPS (VGG16)", 3),
        "warping_error": ("warping error [grey]", 2),
        "flicker": ("flicker background [grey]", 2),
    },
    "cross": {
        "sharpness": ("sharpness person", 2),
        "flicker": ("flicker background [grey]", 2),
        "pck": ("PCK@0.2 torso", 3),
        "pose_distance": ("joint distance [torso, at most 1]", 3),
        "identity": ("person similarity (VGG16)", 3),
    },
}
_BATCH = 8  # frames judged together; bounds memory


class Perceptual(Protocol):
    """What `lpips.LPIPS` does: the truth is described once, and compared with what each method made."""

    def describe(self, images: tf.Tensor) -> Any:
        """What `distance` compares, of images float32 `[N, H, W, 3]` in [-1, 1]."""

    def distance(self, a: Any, b: Any) -> Any:
        """`[N]`, of images described."""


@dataclasses.dataclass(frozen=True)
class Judges:
    """The networks that judge; what one of them is needed for is left out where it is None.

    Attributes:
        perceptual: LPIPS.
        persons: what `identity.PersonFeatures` does.
        create_estimator: makes a pose estimator.
        videos: I3D or a stand-in.
    """

    perceptual: Perceptual | None = None
    persons: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    create_estimator: Callable[[], Estimator] | None = None
    videos: VideoNetwork | None = None


def measure(made: Mapping[str, np.ndarray], pair: Pair, judges: Judges) -> list[dict[str, Any]]:
    """One row a method, and those to compare with.

    Args:
        made: what each method made, uint8 `[L, size, size, 3]`.
        pair: of what.
        judges: who judges.
    """
    measured = _measure_cross if pair.choice.is_cross else _measure_same
    names = COLUMNS["cross" if pair.choice.is_cross else "same"]
    about = {"video_id": pair.video_id, "clip_id": pair.choice.name}
    return [
        {**about, "method": method, "frames": count, **{name: _known_mean(values.get(name, ())) for name in names}}
        for method, count, values in measured(made, pair, judges)
    ]


def _known_mean(values: Any) -> float:
    values = np.asarray(values, np.float64)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _measure_same(made: Mapping[str, np.ndarray], pair: Pair, judges: Judges):
    truth, region = pair.target_frames, pair.regions
    flows, seen = temporal.true_motion(truth, pair.flows)
    lpips = _perceptual(judges.perceptual, made, truth) if judges.perceptual else {}
    for method, frames in {**made, "truth": truth}.items():
        values = {
            "sharpness": image.sharpness(frames, region),
            "warping_error": temporal.warping_error(frames, flows, seen),
            "flicker": temporal.flicker(frames, region),
        }
        if method != "truth":
            values["psnr"] = image.psnr(frames, truth)
            values["psnr_person"] = image.masked_psnr(frames, truth, region)
            values["ssim"] = image.ssim(frames, truth)
            if lpips:
                values["lpips"] = lpips[method]
        yield method, len(frames), values


def _perceptual(judge: Perceptual, made: Mapping[str, np.ndarray], truth: np.ndarray) -> dict[str, np.ndarray]:
    parts: dict[str, list[np.ndarray]] = {method: [] for method in made}
    for start in range(0, len(truth), _BATCH):
        span = slice(start, start + _BATCH)
        described = judge.describe(from_uint8(truth[span]))
        for method, frames in made.items():
            parts[method].append(np.asarray(judge.distance(judge.describe(from_uint8(frames[span])), described)))
    return {method: np.concatenate(each) for method, each in parts.items()}


def _measure_cross(made: Mapping[str, np.ndarray], pair: Pair, judges: Judges):
    source = None
    if judges.persons:
        source = judges.persons(pair.source_frames, pair.source_regions)
        source = source[~np.isnan(source).any(-1)]  # masks may be empty
    for method, frames in made.items():
        yield method, len(frames), _without_truth(frames, pair.regions, pair.target_joints, source, judges)
    values = {"sharpness": image.sharpness(pair.source_frames, pair.source_regions)}
    if source is not None and len(source):
        values["identity"] = identity.similarity_within(source)
    yield "the source", len(pair.source_frames), values
    frames = pair.target_frames
    yield "the target", len(frames), _without_truth(frames, pair.seen_regions, pair.seen_joints, source, judges)


def _without_truth(
    frames: np.ndarray, regions: np.ndarray, joints: np.ndarray, source: np.ndarray | None, judges: Judges
) -> dict[str, np.ndarray]:
    """What can be told of frames that should show the source's person with these joints."""
    values = {"sharpness": image.sharpness(frames, regions), "flicker": temporal.flicker(frames, regions)}
    if judges.create_estimator:
        found = pose_error.find_joints(frames, joints, judges.create_estimator)
        values["pck"], values["pose_distance"] = pose_error.pose_errors(found, joints, frames.shape[1])
    if source is not None and len(source):
        values["identity"] = identity.similarity(judges.persons(frames, regions), source)
    return values
