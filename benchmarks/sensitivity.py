"""What each metric sees, and what it is blind to: `python -m benchmarks.sensitivity --records=GLOB --output=DIR ...`.

Distorts the true target frames of same-video pairs in known ways (`benchmarks.distortions`), and has everything that
`stmt_tf.evaluate` measures there judge them, as if methods had made them. Into --output go table.md, results.json (the
same, with intervals and all settings) and sheet.png (the first frames of one pair under each distortion). A run that
was interrupted goes on where it was when its command is given again.
"""

from __future__ import annotations

from benchmarks.quality_settings import SensitivityConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.sensitivity", SensitivityConfig, interrupted=flags.GOES_ON)

import dataclasses
import os
import shlex
import sys
import zlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

import stmt_tf
from benchmarks.distortions import distort
from stmt_tf.assets import AssetError
from stmt_tf.evaluate import report
from stmt_tf.evaluate.clips import ClipIndex, index_clips
from stmt_tf.evaluate.command import check, load_judges
from stmt_tf.evaluate.evaluation import measure_made, summarise
from stmt_tf.evaluate.kept_results import KeptResults, Measured, states
from stmt_tf.evaluate.measures import Judges
from stmt_tf.evaluate.pair_frames import load_pair
from stmt_tf.evaluate.pairs import Choice, Sampling, draw_pairs
from stmt_tf.evaluate.settings import EvaluateConfig
from stmt_tf.files import whole_file
from stmt_tf.video.files import VideoError
from stmt_tf.video.sheet import contact_sheet, write_png

_SHOWN = 8  # frames of a row of the sheet


def measure_distortions(config: EvaluateConfig, size: int, judges: Judges) -> str:
    """Writes the results; returns the table and what there is to say of it."""
    files = check(config)
    index = index_clips(files, size)
    sampling = Sampling(config.num_source_frames, config.num_target_frames, config.seed)
    choices, left_out = draw_pairs(index, "same", config.num_pairs, sampling)
    for reason in left_out:
        logging.warning("left out: %s", reason)
    os.makedirs(config.output, exist_ok=True)
    kept = KeptResults(config.output, _depends_on(config, size, judges, files))
    rows, features, strips = [], [], {}
    for number, choice in enumerate(tqdm(choices, "pairs measured", unit=" pairs")):
        measured = kept.read(number)
        if measured is None:
            measured = _measure_pair(choice, index, size, config.seed, judges, is_shown=number == 0)
            kept.write(number, measured)
        rows += [row for row in measured.rows if row["method"] != "truth"]  # which the undistorted frames are
        features += [measured.features] if measured.features else []
        strips.update(measured.pictures)
    text, results = summarise("same", rows, features, judges)
    about = {
        "command": shlex.join(["python", "-m", "benchmarks.sensitivity", *sys.argv[1:]]),
        "versions": {"stmt_tf": stmt_tf.__version__, "tensorflow": tf.__version__},
        "config": dataclasses.asdict(config),
        "size": size,
    }
    write_png(os.path.join(config.output, "sheet.png"), contact_sheet([(x, [strips[x]]) for x in strips], size))
    for name, content in (("table.md", text), ("results.json", report.as_json({**about, **results}))):
        with whole_file(os.path.join(config.output, name)) as hidden:
            hidden.write_text(content, encoding="utf-8")
    kept.clear()
    return text


def _depends_on(config: EvaluateConfig, size: int, judges: Judges, files: Sequence[str]) -> list:
    """All that a pair's results depend on; how many pairs there are is not, so that a run may end earlier or later."""
    used = [judges.perceptual is not None, judges.videos.name if judges.videos else None]
    drawn = [config.num_source_frames, config.num_target_frames, config.seed]
    return [size, used, drawn, [states(path) for path in files]]


def _measure_pair(
    choice: Choice, index: ClipIndex, size: int, seed: int, judges: Judges, is_shown: bool
) -> Measured:
    pair = load_pair(choice, index, size)
    made = distort(pair.target_frames, np.random.default_rng([seed, zlib.crc32(choice.name.encode())]))
    measured = measure_made(made, pair, judges)
    if is_shown:
        measured.pictures.update({name: np.concatenate(frames[:_SHOWN], axis=1) for name, frames in made.items()})
    return measured


def main(config: SensitivityConfig) -> None:
    try:
        evaluation = EvaluateConfig(
            model="the truth, distorted",
            records=config.records,
            output=config.output,
            num_pairs=config.num_pairs,
            num_target_frames=config.num_target_frames,
            seed=config.seed,
        )
        check(evaluation)  # before the networks, which take their time to load
        print(measure_distortions(evaluation, config.size, load_judges(evaluation)))
    except (AssetError, OSError, ValueError, VideoError) as error:
        sys.exit(f"sensitivity: {error}")
