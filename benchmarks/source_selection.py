"""Which source frames to show a model, and how many: `python -m benchmarks.source_selection --models=NAME=DIR,... ...`.

The paper draws them at random and leaves a better choice to future work. Here each model sees K = 1, 2, 4 and 8 frames,
as far as its fusion allows, drawn at random and by coverage of poses and facings (`stmt_tf.pose.selection`), of the
first half of each clip, and makes the same run of the second half. All that `stmt_tf.evaluate` measures goes into
--output: table.md and results.json. A run that was interrupted goes on where it was when its command is given again.
"""

from __future__ import annotations

from benchmarks.quality_settings import SelectionConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.source_selection", SelectionConfig, interrupted=flags.GOES_ON)

import dataclasses
import os
import shlex
import sys

import tensorflow as tf
from tqdm import tqdm

import stmt_tf
from stmt_tf.assets import AssetError
from stmt_tf.data.record_files import find_records
from stmt_tf.evaluate import report
from stmt_tf.evaluate.clips import ClipIndex, index_clips
from stmt_tf.evaluate.command import load_judges
from stmt_tf.evaluate.comparison import generate, parse_others
from stmt_tf.evaluate.evaluation import measure_made, summarise
from stmt_tf.evaluate.kept_results import KeptResults, states
from stmt_tf.evaluate.pair_frames import load_pair
from stmt_tf.evaluate.pairs import Choice, Sampling, draw_pairs
from stmt_tf.evaluate.settings import EvaluateConfig
from stmt_tf.files import whole_file
from stmt_tf.pose.selection import METHODS
from stmt_tf.serving.inference import TransferModel


def draw_all(config: SelectionConfig, index: ClipIndex) -> list[dict[tuple[int, str], Choice]]:
    """The pairs, each by K and selection: what differs within one is its source frames alone.

    Clips that are too short for the largest K are left out.

    Raises:
        ValueError: all of them are.
    """
    drawn = {}
    for count in config.counts:
        for selection in METHODS:
            sampling = Sampling(count, config.num_target_frames, config.seed, selection)
            choices, _ = draw_pairs(index, "same", config.num_pairs, sampling)
            drawn[count, selection] = {(choice.target_clip, choice.target_first): choice for choice in choices}
    shared = [key for key in drawn[max(config.counts), METHODS[0]] if all(key in choices for choices in drawn.values())]
    if not shared:
        raise ValueError(f"no clip has twice as many frames as the largest of --counts, {max(config.counts)}")
    return [{which: choices[key] for which, choices in drawn.items()} for key in shared]


def make_all(models: dict[str, TransferModel], choices: dict[tuple[int, str], Choice], index: ClipIndex):
    """What each model makes of each choice, by a name for people; and the pair that has the truth."""
    made = {}
    size = next(iter(models.values())).size
    for name, model in models.items():
        for (count, selection), choice in choices.items():
            if _takes(model, count):
                pair = load_pair(choice, index, size)
                made[f"{name}, K={count}, {selection}"] = generate(model, pair, range(count))["frame"]
    return made, pair


def _takes(model: TransferModel, count: int) -> bool:
    return model.num_source_frames is None or count <= model.num_source_frames


def compare(config: SelectionConfig) -> str:
    """Writes the results; returns the table and what there is to say of it."""
    files = find_records(config.records)
    directories = {name: directory for name, directory, _ in parse_others(config.models, "--models")}
    models = {name: TransferModel(directory) for name, directory in directories.items()}
    if not any(_takes(model, min(config.counts)) for model in models.values()):
        raise ValueError(f"--counts: none of the models looks at as many as {min(config.counts)} source frames")
    if len({model.size for model in models.values()}) > 1:
        raise ValueError(f"--models make frames of different sizes, {[model.size for model in models.values()]}")
    judges = load_judges(EvaluateConfig(model="several", records=config.records, output=config.output))
    index = index_clips(files, next(iter(models.values())).size)
    pairs = draw_all(config, index)
    os.makedirs(config.output, exist_ok=True)
    about = {
        "command": shlex.join(["python", "-m", "benchmarks.source_selection", *sys.argv[1:]]),
        "versions": {"stmt_tf": stmt_tf.__version__, "tensorflow": tf.__version__},
        "config": dataclasses.asdict(config),
    }
    used = [judges.perceptual is not None, judges.videos.name if judges.videos else None]
    kept = KeptResults(config.output, [about, used, [states(path) for path in (*files, *directories.values())]])
    rows, features = [], []
    for number, choices in enumerate(tqdm(pairs, "pairs measured", unit=" pairs")):
        measured = kept.read(number)
        if measured is None:
            made, pair = make_all(models, choices, index)
            measured = measure_made(made, pair, judges)
            kept.write(number, measured)
        rows += measured.rows
        features += [measured.features] if measured.features else []
    text, results = summarise("same", rows, features, judges)
    for name, content in (("table.md", text), ("results.json", report.as_json({**about, **results}))):
        with whole_file(os.path.join(config.output, name)) as hidden:
            hidden.write_text(content, encoding="utf-8")
    kept.clear()
    return text


def main(config: SelectionConfig) -> None:
    try:
        print(compare(config))
    except (AssetError, OSError, ValueError) as error:
        sys.exit(f"source_selection: {error}")
