"""Evaluation of a model beside others and baselines: draws the pairs, has them measured, writes the results."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import os
import shlex
import sys
from collections.abc import Sequence

import tensorflow as tf
from absl import logging

import stmt_tf
from stmt_tf import assets
from stmt_tf.data.record_files import find_records
from stmt_tf.evaluate import examples, pairs_file, plots, report
from stmt_tf.evaluate.clips import ClipIndex, index_clips
from stmt_tf.evaluate.comparison import Model, Other, parse_others
from stmt_tf.evaluate.evaluation import measure_pairs, summarise
from stmt_tf.evaluate.kept_results import KeptResults, states
from stmt_tf.evaluate.measures import Judges
from stmt_tf.evaluate.pair_frames import PairSet, sound_pairs
from stmt_tf.evaluate.pairs import Sampling, draw_pairs
from stmt_tf.evaluate.settings import EvaluateConfig
from stmt_tf.features.i3d import load_i3d
from stmt_tf.files import whole_file
from stmt_tf.metrics.identity import PersonFeatures
from stmt_tf.metrics.lpips import LPIPS
from stmt_tf.models.versions import newest
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.serving.inference import TransferModel
from stmt_tf.video.files import VideoError
from stmt_tf.video.sheet import write_png
from stmt_tf.zoo import find_model


def evaluate(config: EvaluateConfig, model: Model, judges: Judges, others: Sequence[Other] = ()) -> str:
    """Writes the results, one pair at a time: memory does not grow with their number.

    Args:
        config: what to measure on; `config.model` is named in the results, and looked at for changes, only.
        model: the model.
        judges: the networks that judge.
        others: further models to measure beside it.

    Returns:
        The tables and what there is to say of them, for people.

    Raises:
        OSError: no records, or the output directory cannot be written.
        ValueError: the records cannot be read, no pair can be drawn from them, or --pairs does not fit them.
        PoseError: the pose estimator's model cannot be loaded.
    """
    files = check(config)
    if not config.pairs:
        model.check_source_count(config.num_source_frames)
    size = _size(config, model)
    index = index_clips(files, size, config.skip_corrupt)
    # All that may be wrong with what was asked for shows before anything is written.
    sets = [_choose(config, which, index, size) for which in config.sets]
    for pairs in sets:
        model.check_source_count(len(pairs.choices[0].source_frames))
    texts, finished = [], []
    for pairs in sets:
        output = os.path.join(config.output, pairs.which) if config.set == "both" else config.output
        text, kept = _evaluate_set(config, output, pairs, model, others, judges)
        texts.append(f"Set {pairs.which}:\n\n{text}" if config.set == "both" else text)
        finished.append(kept)
    for kept in finished:  # not before the last set is measured, or an interrupt would cost the first one
        kept.clear()
    return "\n".join(texts)


def _size(config: EvaluateConfig, model: Model) -> int:
    """Side in pixels of the frames to measure on."""
    size = config.size or model.size
    if size % model.size or (size != model.size and not model.takes_any_size):
        multiple = " or a multiple of that" if model.takes_any_size else ""
        raise ValueError(f"--size={size}: this model makes frames of {model.size} pixels{multiple}")
    return size


def _choose(config: EvaluateConfig, which: str, index: ClipIndex, size: int) -> PairSet:
    """The pairs to measure on, all of which can be decoded."""
    if config.pairs:
        choices, left_out = pairs_file.read_pairs(config.pairs, which, index)
    else:
        sampling = Sampling(
            sources=config.num_source_frames,
            targets=config.num_target_frames,
            seed=config.seed,
            selection=config.source_selection,
            complete_sources=config.complete_sources,
            seen_targets=config.seen_targets,
            sides=config.sides,
        )
        choices, left_out = draw_pairs(index, which, config.num_pairs, sampling)
        if len(choices) < config.num_pairs:
            logging.warning("the clips give %d of the %d pairs asked for (%s)", len(choices), config.num_pairs, which)
        short = sum(choice.target_count < config.num_target_frames for choice in choices)
        if short:
            logging.warning("%d pairs have fewer than --num_target_frames=%d", short, config.num_target_frames)
    choices, damaged = sound_pairs(choices, index, size, config.skip_corrupt)
    for reason in left_out + damaged:
        logging.warning("left out: %s", reason)
    return PairSet(which, choices, left_out + damaged, index, size)


def _evaluate_set(
    config: EvaluateConfig, output: str, pairs: PairSet, model: Model, others: Sequence[Other], judges: Judges
) -> tuple[str, KeptResults]:
    """Writes the results on one set into a directory; returns the text for people, and what keeps the results."""
    about = {
        "set": pairs.which,
        "config": dataclasses.asdict(config),
        "model": newest(config.model),
        "versions": {"stmt_tf": stmt_tf.__version__, "tensorflow": tf.__version__},
        "size": pairs.size,
        "left_out": pairs.left_out,
        "damaged_records": list(pairs.index.damaged),
    }
    os.makedirs(output, exist_ok=True)
    kept = KeptResults(output, [about, *_depends_on(config, judges, pairs)])
    rows, features, pictures, attention = [], [], [], []
    for measured in measure_pairs(pairs, model, others, judges, kept, config.videos):
        rows += measured.rows
        features += [measured.features] if measured.features else []
        pictures += [measured.pictures] if measured.pictures else []
        attention += [measured.attention] if measured.attention else []
    text, results = summarise(pairs.which, rows, features, judges)
    text += _told(config, pairs)
    write_png(os.path.join(output, "plots.png"), plots.plot(pairs.which, rows, results))
    write_png(os.path.join(output, "sheet.png"), examples.sheet(pictures))
    attention_sheet = os.path.join(output, "attention.png")
    if attention:
        write_png(attention_sheet, examples.sheet(attention))
    elif os.path.exists(attention_sheet):
        os.remove(attention_sheet)  # of another model
    command = shlex.join(["python", "-m", "stmt_tf.evaluate", *sys.argv[1:]])
    _write(output, "per_video.csv", report.as_csv(rows))
    _write(output, "table.md", text)
    drawn = os.path.join(output, "pairs.json")
    if os.path.realpath(drawn) != os.path.realpath(config.pairs):  # which may have more pairs than can be measured
        _write(output, "pairs.json", pairs_file.as_text(pairs.choices, pairs.which))
    _write(output, "metrics.json", report.as_json({"command": command, **about, **results}))
    return text, kept


def _told(config: EvaluateConfig, pairs: PairSet) -> str:
    """What was measured, for whoever finds the table alone."""
    chosen = f"pairs of {config.pairs}" if config.pairs else f"source frames: {config.source_selection}"
    damaged = f"; {len(pairs.index.damaged)} damaged records skipped" if pairs.index.damaged else ""
    choices = pairs.choices
    return (
        f"- {len(choices)} pairs of the set {pairs.which} with {len(choices[0].source_frames)} source frames "
        f"({chosen}), {pairs.size} pixels; model {config.model}, records {config.records}{damaged}\n"
    )


def _depends_on(config: EvaluateConfig, judges: Judges, pairs: PairSet) -> list:
    """What results depend on besides the settings: the pairs, the files and the judges."""
    records = sorted({clip.address.path for clip in pairs.index.clips.values()})
    directories = [directory for _, directory, _ in parse_others(config.compare)]
    directories += [given for given in (config.i3d, config.vgg_weights, config.pose_model) if os.path.exists(given)]
    used = [name for name in ("perceptual", "persons", "create_estimator") if getattr(judges, name)]
    return [
        [dataclasses.asdict(choice) for choice in pairs.choices],
        [states(path) for path in (config.model, *directories, *records)],
        used,
        judges.videos.name if judges.videos else None,
    ]


def _write(output: str, name: str, content: str) -> None:
    with whole_file(os.path.join(output, name)) as hidden:
        hidden.write_text(content, encoding="utf-8")


def check(config: EvaluateConfig) -> list[str]:
    """The record files; fails early, and creates nothing, where the results could not be written.

    Raises:
        FileNotFoundError: no records, or no pairs file.
        NotADirectoryError, PermissionError: the directory of the results or the videos cannot be made or written.
    """
    for flag in ("output", *(["videos"] if config.videos else [])):
        existing = os.path.abspath(getattr(config, flag))
        while not os.path.exists(existing):
            existing = os.path.dirname(existing)
        if not os.path.isdir(existing):
            raise NotADirectoryError(f"--{flag}={getattr(config, flag)}: {existing} is a file, not a directory")
        if not os.access(existing, os.W_OK):
            raise PermissionError(f"--{flag}={getattr(config, flag)}: {existing} cannot be written")
    if config.pairs and not os.path.isfile(config.pairs):
        raise FileNotFoundError(f"--pairs={config.pairs} is not a file; give a pairs.json that an evaluation wrote")
    return find_records(config.records)


def load_judges(config: EvaluateConfig) -> Judges:
    """The networks that the sets need and whose weights are given or lie in the cache.

    Raises:
        AssetError: weights that were given are damaged.
        PoseError: the pose estimator's model that was given cannot be loaded.
    """
    same, cross = ("same" in config.sets), ("cross" in config.sets)
    vgg = _weights("vgg16", config.vgg_weights, "LPIPS and the similarity of persons")
    pose = _weights("pose_landmarker", config.pose_model, "the error of poses") if cross else None
    if pose and importlib.util.find_spec("mediapipe") is None:
        logging.warning("the error of poses is left out; it needs the package mediapipe")
        pose = None
    create = functools.partial(create_estimator, "mediapipe", pose)
    if pose:
        create().close()  # a damaged file shows now and not after the first pair
    i3d = _weights("i3d", config.i3d, "VFID and FVD") if same else None
    return Judges(
        perceptual=LPIPS(vgg) if vgg and same else None,
        persons=PersonFeatures(vgg) if vgg and cross else None,
        create_estimator=create if pose else None,
        videos=load_i3d(config.i3d or None) if i3d else None,
    )


def _weights(asset: str, given: str, purpose: str) -> str | None:
    """The weights given, else those in the cache; None, and a hint, where there are none."""
    if given or assets.is_cached(asset):
        return given or str(assets.where(asset))
    logging.warning("no %s; for it, run `python -m stmt_tf.assets fetch %s`", purpose, asset)
    return None


def main(config: EvaluateConfig) -> None:
    """Evaluates and prints the tables."""
    try:
        check(config)  # before the networks, which take their time to load
        config = dataclasses.replace(config, model=find_model(config.model))
        others = [
            Other(name, TransferModel(find_model(model)), single)
            for name, model, single in parse_others(config.compare)
        ]
        text = evaluate(config, TransferModel(config.model), load_judges(config), others)
    except (assets.AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"evaluate: {error}")
    print(text)
    logging.info("wrote the results into %s", config.output)
