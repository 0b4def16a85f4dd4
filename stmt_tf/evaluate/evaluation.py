"""Measures the pairs of a set one by one, and sums up what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from stmt_tf.evaluate import examples, report
from stmt_tf.evaluate.comparison import BASELINES, Model, Other, run_methods
from stmt_tf.evaluate.kept_results import KeptResults, Measured
from stmt_tf.evaluate.measures import COLUMNS, Judges, measure
from stmt_tf.evaluate.pair_frames import Pair, PairSet, load_pair
from stmt_tf.evaluate.video_distances import Features, pair_features, video_distances
from stmt_tf.evaluate.videos import write_videos

_COPIES = " and ".join(BASELINES)


def measure_pairs(
    pairs: PairSet, model: Model, others: Sequence[Other], judges: Judges, kept: KeptResults, videos: str = ""
) -> Iterator[Measured]:
    """Yields the results of each pair, of those measured before as they were kept.

    Args:
        pairs: which ones.
        model: the model.
        others: further ones to measure beside it.
        judges: who judges.
        kept: where results are kept.
        videos: directory to write what each method made into, see `write_videos`; empty: no videos.

    Raises:
        OSError: a record cannot be read, or a result not be kept.
        ValueError: a pair cannot be decoded.
        VideoError: a video cannot be written.
    """
    shown = examples.shown(len(pairs.choices))
    for number, choice in enumerate(tqdm(pairs.choices, "pairs measured", unit=" pairs")):
        measured = kept.read(number)
        if measured is None:
            pair = load_pair(choice, pairs.index, pairs.size)
            made, outputs, alone = run_methods(model, pair, others)
            if videos:
                write_videos(videos, number, made, pair)
            measured = measure_made(made, pair, judges)
            if number in shown:
                measured.pictures.update(examples.picture(made, pair))
                measured.attention.update(examples.attention_picture(pair, outputs, alone))
            kept.write(number, measured)
        yield measured


def measure_made(made: Mapping[str, np.ndarray], pair: Pair, judges: Judges) -> Measured:
    """All that is measured of what methods made of a pair, uint8 `[L, size, size, 3]` by their names; no pictures."""
    rows = measure(made, pair, judges)
    for row in rows:
        row["masks"] = int(pair.has_masks)
    measured = Measured(rows)
    if judges.videos and not pair.choice.is_cross:
        measured.features.update(pair_features(judges.videos, made, pair))
    return measured


def summarise(
    which: str, rows: Sequence[report.Row], features: Sequence[Features], judges: Judges
) -> tuple[str, dict[str, Any]]:
    """Means over the pairs, and what is said of all their videos together.

    Args:
        which: the set.
        rows: of all pairs.
        features: of all pairs, or empty.
        judges: who judged.

    Returns:
        Text for people, with a table; and the same as nested dicts.
    """
    columns = dict(COLUMNS[which])
    summary = report.means(rows, list(columns))
    truth = [row for row in rows if row["method"] == rows[0]["method"]]  # one row a pair
    notes: list[str] = []
    results: dict[str, Any] = {"pairs": len(truth), "pairs_with_masks": sum(row["masks"] for row in truth)}
    if features:
        found = video_distances(judges.videos, features, [row["frames"] for row in truth])
        for method, values in found.values.items():
            summary.setdefault(method, {}).update(values)
            columns.update({name: (name, 2) for name in values})
        notes += found.notes
        results["video_distances"] = {"intervals": found.intervals, "notes": found.notes}
    summary = {
        method: {name: values.get(name, np.nan) for name in columns} for method, values in summary.items()
    }
    margins = _margins(rows, summary) if which == "same" else {}
    known = {name: at for name, at in columns.items() if not all(np.isnan(x[name]) for x in summary.values())}
    text = report.table(summary, known, "method") + "\n" + _sentences(margins) + "".join(f"- {x}\n" for x in notes)
    return text, {**results, "means": summary, "margins_over_better_baseline_db": margins}


def _margins(rows: Sequence[report.Row], summary: dict[str, dict[str, float]]) -> dict[str, dict[str, Any]]:
    return {
        method: {
            metric: report.margin(rows, method, BASELINES, metric)
            for metric in ("psnr", "psnr_person")
            if not np.isnan(summary[method][metric])
        }
        for method in summary
        if method.startswith("model K=")
    }


def _sentences(margins: dict[str, dict[str, dict[str, Any]]]) -> str:
    return "".join(
        f"- {method}, {COLUMNS['same'][metric][0]}: {at['of_means']:+.2f} over the better of {_COPIES}; pair by pair "
        f"{at['mean']:+.2f} on average, {at['least']:+.2f} at least (clip {at['least_on']})\n"
        for method, by_metric in margins.items()
        for metric, at in by_metric.items()
    )
