import csv
import io
import json
import math

import pytest

from stmt_tf.evaluate import report

ROWS = [
    {"clip_id": clip, "method": method, "psnr": value}
    for clip, values in {"a": (20.0, 15.0, 10.0), "b": (30.0, 21.0, 29.0), "c": (25.0, math.nan, math.nan)}.items()
    for method, value in zip(("ours", "one", "two"), values)
]


def test_means_are_over_the_clips_that_are_known():
    assert report.means(ROWS, ["psnr"]) == {"ours": {"psnr": 25.0}, "one": {"psnr": 18.0}, "two": {"psnr": 19.5}}


def test_means_of_what_nobody_measured_are_unknown():
    assert math.isnan(report.means(ROWS, ["lpips"])["ours"]["lpips"])


def test_margin_is_over_the_better_baseline_of_each_clip():
    rows = ROWS[:6]
    assert report.margin(rows, "ours", ("one", "two"), "psnr") == {
        "of_means": 25.0 - 19.5,
        "mean": (5.0 + 1.0) / 2,
        "least": 1.0,
        "least_on": "b",
    }


def test_margin_counts_each_pair_of_a_clip():
    rows = [
        {"clip_id": "a", "method": method, "psnr": value}
        for values in ((20.0, 18.0), (25.0, 26.0))
        for method, value in zip(("ours", "one"), values)
    ]
    assert report.margin(rows, "ours", ("one",), "psnr") == {
        "of_means": 22.5 - 22.0, "mean": 0.5, "least": -1.0, "least_on": "a",
    }


def test_margin_needs_a_clip_with_the_metric():
    rows = [{"clip_id": "a", "method": "ours", "psnr": math.nan}]
    with pytest.raises(ValueError, match="no clip has a psnr"):
        report.margin(rows, "ours", (), "psnr")


def test_table_is_aligned_markdown_with_blanks_for_the_unknown():
    summary = {"ours": {"psnr": 25.128, "ssim": 0.5}, "truth": {"psnr": math.nan, "ssim": 1.0}}
    columns = {"psnr": ("PSNR", 2), "ssim": ("SSIM", 3)}
    assert report.table(summary, columns, "method") == (
        "| method |  PSNR |  SSIM |\n"
        "| ------ | ----: | ----: |\n"
        "| ours   | 25.13 | 0.500 |\n"
        "| truth  |       | 1.000 |\n"
    )


def test_csv_gives_the_rows_back():
    rows = [{"clip_id": 'a,"b"', "psnr": 1.5}, {"clip_id": "c", "psnr": math.nan}]
    assert list(csv.DictReader(io.StringIO(report.as_csv(rows)))) == [
        {"clip_id": 'a,"b"', "psnr": "1.5"},
        {"clip_id": "c", "psnr": ""},
    ]


def test_json_has_null_for_the_unknown():
    assert json.loads(report.as_json({"a": [math.nan, 1.5], "b": "x"})) == {"a": [None, 1.5], "b": "x"}
