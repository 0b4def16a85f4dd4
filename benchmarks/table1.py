"""The paper's Table 1, repeated at a size that can be afforded: `python -m benchmarks.table1 --out=DIR`.

Renders one set of dancers, trains for each seed stage 1 and every row of the table from it, and measures each row on
the same held-out pairs by `stmt_tf.evaluate`. Into DIR/table1.md goes the paper's column beside ours, with the findings
that the paper reads from it and whether ours show them, into DIR/table1.png the gains that they are about.
DIR/seedN/ROW/results has all that an evaluation writes, DIR/seedN/sheet what all rows make of the same pairs,
DIR/jobs.json the commands and how long they took.

Interrupt it whenever you like: the same command goes on with the job that it was at, and within it. What is measured
so far is in DIR/table1.md after each row.

The rows are the flagfiles of --configs, by default 64 pixels and a quarter of the paper's width. At the paper's size:
--configs=configs --stage1=configs/stage1.flags, with --records that hold such frames, and weeks of a GPU.
"""

from __future__ import annotations

from benchmarks.quality_settings import Table1Config
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.table1", Table1Config, interrupted=flags.GOES_ON)

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.jobs import Job, Log
from benchmarks.table1_plot import Finding, plot
from stmt_tf import assets
from stmt_tf.data.record_files import find_records
from stmt_tf.evaluate.examples import COLUMNS
from stmt_tf.evaluate.report import markdown
from stmt_tf.evaluate.video_distances import EARLIER
from stmt_tf.files import whole_file
from stmt_tf.video.sheet import write_png


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of Table 1: its name there, and the paper's figures."""

    name: str
    vfid: float
    psnr: float


ROWS = {
    "mse": Row("MSE", 10.25, 22.10),
    "mse_vgg": Row("MSE + VGG", 9.50, 22.83),
    "rb6": Row("MSE + VGG + Fusion RB6", 7.99, 22.79),
    "rb6_dv3": Row("MSE + VGG + Fusion RB6 + D_V^3", 8.09, 23.07),
    "rb6_dv": Row("MSE + VGG + Fusion RB6 + D_V", 7.93, 22.96),
    "avg_dv": Row("MSE + VGG + Fusion Avg + D_V", 8.06, 22.83),
    "max_dv": Row("MSE + VGG + Fusion Max + D_V", 7.47, 21.37),
    "sa3d_rb6_dv": Row("MSE + VGG + Fusion SA3D+RB6 + D_V", 7.74, 23.25),
    "rb6_sa2d_dv": Row("MSE + VGG + Fusion RB6+SA2D + D_V", 7.57, 23.20),
}
FIRST, LAST = "mse", "rb6_sa2d_dv"
_SINGLE_FRAME = ("mse", "mse_vgg")

# What the paper reads from its table, or its table shows: the row that is better than the other, in which figure.
FINDINGS = [
    ("a perceptual loss helps", "mse_vgg", "mse", "vfid"),
    ("a perceptual loss helps", "mse_vgg", "mse", "psnr"),
    ("several frames beat one", "rb6", "mse_vgg", "vfid"),
    ("D_V helps", "rb6_dv", "rb6", "vfid"),
    ("D_V helps", "rb6_dv", "rb6", "psnr"),
    ("three ranges of D_V beat one", "rb6_dv", "rb6_dv3", "vfid"),
    ("one range of D_V has the better PSNR", "rb6_dv3", "rb6_dv", "psnr"),
    ("attention beats the average", "rb6_dv", "avg_dv", "vfid"),
    ("attention beats the average", "rb6_dv", "avg_dv", "psnr"),
    ("the maximum has a good VFID", "max_dv", "rb6_dv", "vfid"),
    ("the maximum has a bad PSNR", "avg_dv", "max_dv", "psnr"),
    ("self-attention over frames helps", "sa3d_rb6_dv", "rb6_dv", "psnr"),
    ("self-attention over space helps", "rb6_sa2d_dv", "rb6_dv", "vfid"),
    ("self-attention over space helps", "rb6_sa2d_dv", "rb6_dv", "psnr"),
]
_UNLIKE_THE_PAPER = (
    "the single-frame rows go on training all of stage 1, the others keep it as it is: several frames have it harder",
)
_IS_BETTER_LOWER = {"vfid": True, "psnr": False}


def method(row: str, seed: int) -> str:
    """What a row of a seed is called in the evaluation."""
    return ROWS[row].name + (f" (seed {seed})" if seed else "")


def check(config: Table1Config) -> None:
    """Finds what cannot work before hours of training; raises FileNotFoundError."""
    for path in (config.stage1, *(f"{config.configs}/{row}.flags" for row in ROWS)):
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path} is no flagfile; give --stage1 and --configs, in the clone's root")
    if config.records:
        for split in ("train", "val", "test"):
            find_records(f"{config.records}/{split}-*.tfrecord", "--records")


def trainings(seeds: int) -> list[tuple[str, int]]:
    """The row and the seed of each training of a row."""
    return [(row, seed) for seed in range(seeds) for row in ROWS]


def jobs(config: Table1Config) -> Iterator[Job]:
    """All that has to be done, in order."""
    if not config.records:
        yield from _render(config)
    records = tuple(f"--{split}_records={config.training_records}/{split}-*.tfrecord" for split in ("train", "val"))
    pairs = (f"--records={config.test_records}/test-*.tfrecord", f"--num_pairs={config.num_pairs}")
    for row, seed in trainings(config.seeds):
        stage1, place = config.place(seed) / "stage1", config.place(seed, row)
        if row == FIRST:
            where = (f"--flagfile={config.stage1}", *records, f"--seed={seed}", f"--workdir={stage1}")
            yield Job(f"stage 1, seed {seed}", "stmt_tf.train", where)
        flagfile, workdir = f"--flagfile={config.configs}/{row}.flags", f"--workdir={place / 'training'}"
        where = (flagfile, *records, f"--seed={seed}", f"--init={stage1}", workdir)
        yield Job(f"{row}, seed {seed}", "stmt_tf.train", where)
        model = place / "model"
        yield Job(f"export {row}, seed {seed}", "stmt_tf.export", (workdir, f"--output={model}"))
        results = f"--output={place / 'results'}"
        yield Job(f"evaluate {row}, seed {seed}", "stmt_tf.evaluate", (f"--model={model}", *pairs, results))
        if row == LAST:
            yield _sheet(config, seed, model)


def _sheet(config: Table1Config, seed: int, model: Path) -> Job:
    """What all rows of a seed make of the same pairs, in one picture."""
    made = (f"{ROWS[row].name}{'@1' * (row in _SINGLE_FRAME)}={config.place(seed, row) / 'model'}" for row in ROWS)
    shown = (f"--num_pairs={min(config.num_pairs, COLUMNS)}", f"--output={config.place(seed) / 'sheet'}")
    of_all = (f"--model={model}", f"--compare={','.join(made)}", f"--records={config.test_records}/test-*.tfrecord")
    return Job(f"sheet, seed {seed}", "stmt_tf.evaluate", (*of_all, *shown))


def _render(config: Table1Config) -> Iterator[Job]:
    # Of one series, so that no video of the test split is in a training split, however many are rendered.
    series = ("--seed=1", "--frames_per_video=32", "--fps=10")
    sets = (
        (config.training_records, config.num_videos, ("train", "val")),
        (config.test_records, 20 * config.num_pairs, ("test",)),  # 1 of 20 is for testing
    )
    for directory, count, splits in sets:
        what = (f"--output={directory}", f"--num_videos={count}", f"--splits={','.join(splits)}")
        yield Job(f"render {' and '.join(splits)}", "tfrecords_tools.synthetic_dancers", (*what, *series))


def read_results(config: Table1Config) -> dict[tuple[str, int], Mapping]:
    """What the evaluation of each row and seed says (its metrics.json), of those that are measured so far."""
    paths = {(row, seed): config.place(seed, row) / "results" / "metrics.json" for row, seed in trainings(config.seeds)}
    return {training: json.loads(path.read_text()) for training, path in paths.items() if path.exists()}


def read_figures(results: Mapping[tuple[str, int], Mapping]) -> dict[tuple[str, int], dict[str, float]]:
    """VFID and PSNR of each row and seed: of one source frame where the row has no fusion."""
    figures = {}
    for (row, seed), metrics in results.items():
        means = metrics["means"]["model K=1" if row in _SINGLE_FRAME else "model K=4"]
        figures[row, seed] = {"vfid": means["VFID"], "psnr": means["psnr"]}
    return figures


def table(figures: Mapping[tuple[str, int], Mapping[str, float]]) -> str:
    """The paper's figures and ours, each with its difference to the first row."""
    cells = [["row", "paper: VFID", "to MSE", "PSNR", "to MSE", "ours: VFID", "to MSE", "PSNR", "to MSE"]]
    for (row, seed), ours in figures.items():
        paper, first = ROWS[row], ROWS[FIRST]
        ours_first = figures[FIRST, seed]
        line = [method(row, seed)]
        for name in ("vfid", "psnr"):
            value = getattr(paper, name)
            line += [f"{value:.2f}", f"{value - getattr(first, name):+.2f}"] if seed == 0 else ["", ""]
        for name in ("vfid", "psnr"):
            line += [f"{ours[name]:.2f}", f"{ours[name] - ours_first[name]:+.2f}"]
        cells.append(line)
    return markdown(cells)


def gains(figures: Mapping[tuple[str, int], Mapping[str, float]], better: str, worse: str, name: str) -> list[float]:
    """By how much a row is better than another, for each seed that has both: they start from the same stage 1."""
    sign = -1 if _IS_BETTER_LOWER[name] else 1
    seeds = sorted(seed for row, seed in figures if row == better and (worse, seed) in figures)
    return [sign * (figures[better, seed][name] - figures[worse, seed][name]) for seed in seeds]


def spread(figures: Mapping[tuple[str, int], Mapping[str, float]], name: str) -> float:
    """The largest difference between seeds of one gain: smaller gains tell nothing. NaN for one seed."""
    of_findings = [gains(figures, better, worse, figure) for _, better, worse, figure in FINDINGS if figure == name]
    return max((max(values) - min(values) for values in of_findings if len(values) > 1), default=math.nan)


def measured(figures: Mapping[tuple[str, int], Mapping[str, float]]) -> Iterator[Finding]:
    """Those of the paper's findings whose rows we have."""
    paper = {(row, 0): {"vfid": ROWS[row].vfid, "psnr": ROWS[row].psnr} for row in ROWS}
    for text, *rows, name in FINDINGS:
        if ours := gains(figures, *rows, name):
            yield Finding(text, *rows, name.upper(), *gains(paper, *rows, name), ours)


def findings(figures: Mapping[tuple[str, int], Mapping[str, float]]) -> str:
    """A line for each of the paper's findings: its gain there and here, and whether ours can be told from chance."""
    cells = [["the paper finds", "better", "than", "figure", "gain: paper", "ours", "each seed", "came out"]]
    for found in measured(figures):
        mean = sum(found.ours) / len(found.ours)
        if len(found.ours) == 1:
            verdict = "one seed"
        elif abs(mean) <= spread(figures, found.figure.lower()):
            verdict = "within the spread of seeds"
        else:
            verdict = "yes" if mean > 0 else "no"
        each = ", ".join(f"{gain:+.2f}" for gain in found.ours)
        told = found.text, found.better, found.worse, found.figure
        cells.append([*told, f"{found.paper:+.2f}", f"{mean:+.2f}", each, verdict])
    return markdown(cells)


def report(results: Mapping[tuple[str, int], Mapping], hours: float) -> str:
    """The text of table1.md: of all rows, or of those that are measured so far."""
    figures = read_figures(results)
    spreads = {name.upper(): spread(figures, name) for name in ("vfid", "psnr")}
    told = ", ".join(f"{name} {value:.2f}" for name, value in spreads.items() if not math.isnan(value))
    apart = f"- largest difference between seeds of one gain: {told}\n" if told else ""
    any_of_them = next(iter(results.values()))
    of_distances = [note for note in any_of_them["video_distances"]["notes"] if "interval over the videos" not in note]
    notes = "".join(f"- {note}\n" for note in (*_UNLIKE_THE_PAPER, *of_distances))
    floor = any_of_them["means"][EARLIER]["VFID"]
    return (
        f"{table(figures)}\n{findings(figures)}\n"
        f"{apart}- real against real: VFID {floor:.2f}\n"
        f"- {any_of_them['pairs']} same-video pairs, {any_of_them['size']} pixels; {hours:.1f} hours in all\n{notes}"
    )


def main(config: Table1Config) -> None:
    if not assets.is_cached("i3d"):
        sys.exit("table1: VFID needs I3D; run `python -m stmt_tf.assets fetch i3d`")
    out = Path(config.out)
    try:
        check(config)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"table1: {error}")
    log = Log(out / "jobs.json")

    def write_table() -> None:
        if results := read_results(config):
            with whole_file(str(out / "table1.md")) as hidden:
                hidden.write_text(report(results, log.hours))
            write_png(out / "table1.png", plot(list(measured(read_figures(results)))))

    log.run(jobs(config), write_table)
    print((out / "table1.md").read_text())
