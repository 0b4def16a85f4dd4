"""Measures a model on same-video pairs, beside two baselines that it must beat.

    python -m stmt_tf.evaluate --model=DIR --records='DIR/test-*.tfrecord' --output=DIR

Records may be rendered or cut from real videos. `stmt_tf.metrics.pairs` tells how source and target frames are
drawn. Every method sees the same source frames:

    model K=1, model K=4   the model with one of the source frames, and with all
    warped                 the composite of warped parts that the model starts from, before any network drew
    nearest pose           for each target frame, the source frame of the nearest pose
    source median          the median of the source frames

Into --output go table.md (means over the clips), metrics.json (the same with all settings, and the model's
margins over the better baseline), per_video.csv (one line a clip and method) and sheet.png (examples). Of a model with
attention also attention.png: of the same examples, where each source frame is trusted (as the paper's Fig. 7).
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, logging
from tqdm import tqdm

import stmt_tf
from stmt_tf import assets, flags
from stmt_tf.config import setting
from stmt_tf.data.pipeline import find_records
from stmt_tf.inference import TransferModel
from stmt_tf.metrics import report
from stmt_tf.metrics.comparison import (
    BASELINES,
    COLUMNS,
    Model,
    Perceptual,
    measure,
    run_methods,
)
from stmt_tf.metrics.lpips import LPIPS
from stmt_tf.metrics.pairs import SIDES, Pair, UnusableClip, choose_clips, draw_pair, read_clips
from stmt_tf.video.files import VideoError, whole_file
from stmt_tf.video.sheet import contact_sheet, write_png

_SHEET_COLUMNS = 8


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """One evaluation."""

    model: str = setting("", "Model directory.")
    records: str = setting("", "Glob of the TFRecord files to draw clips from.")
    output: str = setting("", "Directory to write the results into; results in it are replaced.")
    num_clips: int = setting(32, "Clips to measure on.")
    num_source_frames: int = setting(4, "K: source frames of a clip.")
    num_target_frames: int = setting(8, "L: target frames of a clip.")
    sides: str = setting(
        "any",
        "Which clips and frames: any; or opposite, sources that all show one side of the person, front or back, and "
        "targets that show the other.",
        SIDES,
    )
    vgg_weights: str = setting(
        "", "The asset vgg16 as a file, for LPIPS; empty: as cached, and no LPIPS where it is not."
    )
    seed: int = setting(0, "Seed of the choice of clips and source frames.")

    def __post_init__(self):
        for name in ("model", "records", "output"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is required")
        for name in ("num_clips", "num_source_frames", "num_target_frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise ValueError(f"--seed must not be negative, got {self.seed}")


def evaluate(config: EvaluateConfig, model: Model, perceptual: Perceptual | None) -> str:
    """Writes the results, one clip at a time: memory does not grow with their number.

    Args:
        config: what to measure on; `config.model` is named in the results only.
        model: the model.
        perceptual: LPIPS of two batches of frames in [-1, 1], or None.

    Returns:
        The table and the margins, for people.

    Raises:
        OSError: no records, or the output directory cannot be written.
        ValueError: the records cannot be read, or no pair can be drawn from them.
    """
    files = check(config)
    model.check_source_count(config.num_source_frames)
    chosen = choose_clips(files, config.num_clips, config.seed)
    if len(chosen) < config.num_clips:
        logging.warning("%d clips asked for, the records hold %d", config.num_clips, len(chosen))
    pictured = set(np.linspace(0, len(chosen) - 1, _SHEET_COLUMNS).round().astype(int).tolist())
    rows, left_out, masked = [], [], 0
    pictures: list[dict[str, np.ndarray]] = []
    attention_pictures: list[dict[str, np.ndarray]] = []
    clips = tqdm(read_clips(files, chosen), "clips measured", len(chosen), unit=" clips")
    for index, record in enumerate(clips):
        try:
            pair = draw_pair(
                record, config.num_source_frames, config.num_target_frames, model.size, config.seed, config.sides
            )
        except UnusableClip as error:
            logging.warning("left out: %s", error)
            left_out.append(str(error))
            continue
        made, outputs = run_methods(model, pair)
        rows += measure(made, pair, perceptual)
        masked += pair.has_masks
        if index in pictured:
            pictures.append(picture(made, pair))
            attention_pictures.append(attention_picture(pair, outputs))
    if not rows:
        raise ValueError(f"no pair can be drawn from {config.records}: {left_out[0]}")

    summary = report.means(rows, list(COLUMNS))
    margins = {
        method: {
            metric: report.margin(rows, method, BASELINES, metric)
            for metric in ("psnr", "psnr_person")
            if not np.isnan(summary[method][metric])
        }
        for method in summary
        if method.startswith("model")
    }
    text = report.table(summary, COLUMNS, "method") + "\n" + _sentences(margins)
    results = {
        "command": shlex.join(["python", "-m", "stmt_tf.evaluate", *sys.argv[1:]]),
        "config": dataclasses.asdict(config),
        "versions": {"stmt_tf": stmt_tf.__version__, "tensorflow": tf.__version__},
        "size": model.size,
        "clips": len(rows) // len(summary),
        "clips_with_masks": masked,
        "left_out": left_out,
        "means": summary,
        "margins_over_better_baseline_db": margins,
    }
    os.makedirs(config.output, exist_ok=True)
    write_png(os.path.join(config.output, "sheet.png"), _sheet(pictures))
    if attention_pictures[0]:
        write_png(os.path.join(config.output, "attention.png"), _sheet(attention_pictures))
    texts = {
        "per_video.csv": report.as_csv(rows),
        "table.md": text,
        "metrics.json": report.as_json(results),
    }
    for name, content in texts.items():
        with whole_file(os.path.join(config.output, name)) as hidden:
            hidden.write_text(content, encoding="utf-8")
    return text


def picture(made: dict[str, np.ndarray], pair: Pair) -> dict[str, np.ndarray]:
    """A clip's part of the contact sheet: its sources, and the middle target frame in truth and as made."""
    middle = len(pair.target_frames) // 2
    others = np.delete(pair.source_frames, pair.single, axis=0)
    return {
        "source (K=1)": pair.source_frames[pair.single],
        **{f"source {number}": frame for number, frame in enumerate(others, 2)},
        "truth": pair.target_frames[middle],
        **{method: frames[middle] for method, frames in made.items()},
    }


def attention_picture(pair: Pair, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A clip's part of the attention sheet: of the middle target frame, each source frame and its share in the result.

    Shares are white for all and black for nothing. Empty for a model without attention.
    """
    if "foreground_attention" not in outputs:
        return {}
    middle = len(pair.target_frames) // 2
    shown = {"truth": pair.target_frames[middle]}
    for k, frame in enumerate(pair.source_frames):
        shown[f"source {k + 1}"] = frame
        for branch in ("foreground", "background"):
            share = outputs[f"{branch}_attention"][middle, k, :, :, None]
            shown[f"{branch} from source {k + 1}"] = np.rint(255 * share.repeat(3, -1)).astype(np.uint8)
    return {**shown, **{name: outputs[name][middle] for name in ("foreground", "background", "frame")}}


def _sheet(pictures: list[dict[str, np.ndarray]]) -> np.ndarray:
    return contact_sheet([(name, [column[name] for column in pictures]) for name in pictures[0]])


def _sentences(margins: dict[str, dict[str, dict[str, Any]]]) -> str:
    return "".join(
        f"- {method}, {COLUMNS[metric][0]}: {at['of_means']:+.2f} over the better baseline; clip by clip "
        f"{at['mean']:+.2f} on average, {at['least']:+.2f} at least (clip {at['least_on']})\n"
        for method, by_metric in margins.items()
        for metric, at in by_metric.items()
    )


def check(config: EvaluateConfig) -> list[str]:
    """The record files; fails early, and creates nothing, where the results could not be written.

    Raises:
        FileNotFoundError: no records.
        NotADirectoryError, PermissionError: the output directory cannot be made or written.
    """
    existing = os.path.abspath(config.output)
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise NotADirectoryError(f"--output={config.output}: {existing} is a file, not a directory")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"--output={config.output}: {existing} cannot be written")
    return find_records(config.records)


def load_perceptual(vgg_weights: str) -> LPIPS | None:
    """LPIPS if its weights are given or lie in the cache, else None.

    Raises:
        AssetError: the weights given are damaged.
    """
    if vgg_weights or assets.is_cached("vgg16"):
        return LPIPS(vgg_weights or assets.where("vgg16"))
    logging.warning("LPIPS is left out; for it, run `python -m stmt_tf.assets fetch vgg16`")
    return None


def main(argv: Sequence[str]) -> None:
    """Evaluates as the flags say."""
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    try:
        config = flags.read(EvaluateConfig)
        check(config)  # before the model, which takes its time to load
        text = evaluate(config, TransferModel(config.model), load_perceptual(config.vgg_weights))
    except (assets.AssetError, OSError, ValueError, VideoError) as error:
        sys.exit(f"evaluate: {error}")
    except KeyboardInterrupt:
        sys.exit("evaluate: interrupted")
    print(text)
    logging.info("wrote table.md, metrics.json, per_video.csv and sheet.png into %s", config.output)


def run() -> None:
    """Defines the flags and calls `main`."""
    flags.define(EvaluateConfig)
    app.run(main)


if __name__ == "__main__":
    run()
