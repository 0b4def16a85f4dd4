import math

import numpy as np
import pytest

from stmt_tf.evaluate import plots

METHODS = ["model K=1", "costs $5 to $9", "truth"]
PSNR = {"model K=1": (20.0, 30.0, 34.0), "costs $5 to $9": (10.0, math.nan, 20.0), "truth": (math.nan,) * 3}
SHARPNESS = {"model K=1": (1.0, 2.0, 3.0), "costs $5 to $9": (2.0, 2.0, 2.0), "truth": (4.0, 5.0, 9.0)}
DISTANCES = {
    "model K=1": {"VFID": 7.0},
    "costs $5 to $9": {"VFID": 9.0},
    "truth": {"VFID": math.nan},
    "truth, earlier frames": {"VFID": 3.0},
}
INTERVALS = {"model K=1": {"VFID": {"low": 6.0, "high": 8.5}}, "costs $5 to $9": {"VFID": {"low": 8.0, "high": 9.5}}}


def rows(which="same"):
    return [
        {"method": method, **dict.fromkeys(plots.COLUMNS[which], math.nan), "psnr": PSNR[method][i],
         "sharpness": SHARPNESS[method][i]}
        for i in range(3)
        for method in METHODS
    ]


def results(with_videos):
    if with_videos:
        return {"means": DISTANCES, "video_distances": {"intervals": INTERVALS, "notes": []}}
    return {"means": dict.fromkeys(METHODS, {})}


def shown(page):
    return [axes for axes in page.axes if axes.get_visible()]


def drawn(axes, marker):
    """What was drawn with a marker, as (x, y) of each line."""
    return [line.get_xydata().round(6).tolist() for line in axes.get_lines() if line.get_marker() == marker]


def test_there_is_a_panel_for_each_metric_that_is_known_and_says_what_is_better():
    titles = [axes.get_title() for axes in shown(plots.figure("same", rows(), results(with_videos=True)))]
    assert titles == [
        "PSNR [dB]\n↑ higher is better",
        "sharpness person\nnearer to the dashed line (truth) is better",
        "VFID\n↓ lower is better",
    ]
    assert len(shown(plots.figure("same", rows(), results(with_videos=False)))) == 2


@pytest.mark.parametrize("which", ["same", "cross"])
def test_every_metric_can_be_drawn(which):
    everything = [{"method": "truth", **dict.fromkeys(plots.COLUMNS[which], 0.5)}]
    page = plots.figure(which, everything, {"means": {"truth": {}}})
    assert len(shown(page)) == len(plots.COLUMNS[which])


def test_methods_stand_on_the_left_the_first_on_top():
    axes = plots.figure("same", rows(), results(with_videos=True)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [*METHODS, "truth, earlier frames"]
    assert axes.get_ylim() == (3.5, -0.5)


def test_pairs_are_dots_and_their_mean_a_diamond():
    axes = plots.figure("same", rows(), results(with_videos=False)).axes[0]
    assert drawn(axes, "D") == [[[28.0, 0.0]], [[15.0, 1.0]]]
    dots = drawn(axes, ".")
    assert [sorted(x for x, _ in line) for line in dots] == [[20.0, 30.0, 34.0], [10.0, 20.0]]
    assert all(round(y) == place for place, line in enumerate(dots) for _, y in line)
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert bars == [(25.0, 7.0), (12.5, 5.0)]  # between the quartiles


def test_the_truth_is_a_dashed_line_where_it_is_what_is_best():
    panels = shown(plots.figure("same", rows(), results(with_videos=False)))
    dashed = [[line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"] for axes in panels]
    assert dashed == [[], [6.0]]


def test_distances_are_bars_with_their_intervals():
    axes = shown(plots.figure("same", rows(), results(with_videos=True)))[-1]
    assert [(bar.get_width(), bar.get_y() + bar.get_height() / 2) for bar in axes.patches] == [(7, 0), (9, 1), (3, 3)]
    assert drawn(axes, "|") == [[[6.0, 0.0], [8.5, 0.0]], [[8.0, 1.0], [9.5, 1.0]]]


def test_the_picture_is_rgb_and_grows_with_the_methods():
    few = plots.plot("same", rows(), results(with_videos=False))
    more = plots.plot("same", rows(), results(with_videos=True))
    assert few.dtype == more.dtype == np.uint8 and few.shape[2] == 3
    assert more.shape[1] == few.shape[1] and more.shape[0] > few.shape[0]
    assert few.min() < 100 and (few == 255).mean() > 0.5  # ink on paper
    np.testing.assert_array_equal(few, plots.plot("same", rows(), results(with_videos=False)))
