"""The report of a set of clips: its figures, and its page on a phone."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf
from browsers import start_browser
from made_videos import PERSON, add_video, configure, frame

import stmt_tf
from tfrecords_tools import create_clips
from tfrecords_tools.clip_report.page import page
from tfrecords_tools.clip_report.statistics import statistics
from tfrecords_tools.clips import store
from tfrecords_tools.clips.settings import ClipSettings


def clip(frames: int, **figures) -> dict:
    shares = {"coverage": 1.0, "front": 1.0, "side": 0.0, "back": 0.0, **figures}
    return {"start": 0.0, "stop": frames / 25, "clip_id": "c", "figures": {"frames": frames, **shares}}


REJECTED = {"start": 0.0, "stop": 1.0, "faults": [{"test": "camera", "value": 0.1, "bar": 0.005}]}


def test_statistics_weigh_shares_by_frames():
    entries = [
        {"split": "train", "parts": [clip(100), REJECTED, clip(300, coverage=0.5, front=0.0, back=1.0)]},
        {"split": "train", "parts": [REJECTED]},
        {"split": "val", "parts": [clip(50, front=0.4, side=0.6)]},
    ]
    figures = statistics(entries)
    assert figures["train"] == {
        "videos": 1, "clips": 2, "frames": 400, "hours": pytest.approx(16 / 3600),
        "coverage": 0.625, "front": 0.25, "side": 0.0, "back": 0.75,
    }  # fmt: skip
    assert figures["test"] == {**dict.fromkeys(("videos", "clips", "frames"), 0), "hours": 0.0,
                               **dict.fromkeys(("coverage", "front", "side", "back"))}
    assert (figures["all"]["videos"], figures["all"]["frames"]) == (2, 450)
    assert figures["all"]["front"] == pytest.approx((100 + 0.4 * 50) / 450)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """A set with a clip, a cut, somebody else, and a file that is no video but has an unpleasant name."""
    folder = tmp_path_factory.mktemp("report")
    dark, light = [frame(t) // 3 for t in range(30)], [frame(t) * 3 for t in range(30)]
    add_video(folder, "good.mp4")
    add_video(folder, "cut.mp4", frames=dark + light)
    add_video(folder, "two.mp4", others=[PERSON + (30, 0)])
    add_video(folder, "<b>&.mp4").write_text("hello")
    create_clips.create_clips(*configure(folder, size=32))
    return folder / "records"


def test_json_has_all_that_became_of_the_videos(records):
    content = json.loads((records / "report.json").read_text())
    assert content["videos"] == store.read_entries(str(records))
    assert "thumbnail" not in (records / "report.json").read_text()
    assert content["statistics"]["all"]["clips"] == 3 and content["statistics"]["all"]["frames"] == 90
    assert content["settings"]["size"] == 32
    told = {
        video["video_id"]: [[f["test"] for f in part.get("faults", ())] for part in video["parts"]]
        for video in content["videos"]
    }
    assert told == {"<b>&.mp4": [[]], "cut.mp4": [[], ["shot"], []], "good.mp4": [[]], "two.mp4": [["others"]]}


def test_page_tells_every_rejection_with_its_measure_bar_and_picture(records):
    page = (records / "report.html").read_text()
    assert "<h1>3 clips of 4 videos</h1>" in page
    assert "&lt;b&gt;&amp;.mp4: not a readable video" in page and "<b>&.mp4" not in page
    assert page.count(f"Made with stmt_tf {stmt_tf.__version__}, TensorFlow {tf.__version__}, NumPy ") == 1
    assert "The shot changes: 100%, must be at most 40%" in page
    assert "Somebody else is there: 100%, must be at most 10%" in page
    assert page.count("data:image/png;base64,") == 6
    assert page.count("data:image/jpeg;base64,") == 5 and page.count("no picture") == 1
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.browser
@pytest.mark.slow
def test_page_fits_a_phone_and_loads_nothing(records, tmp_path):
    browser = start_browser(tmp_path / "profile", tmp_path)
    try:
        metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get((records / "report.html").as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        browser.find_element("css selector", "summary").click()
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        images = browser.execute_script("return [...document.images].map((image) => image.naturalWidth)")
        assert len(images) == 11 and all(images)
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert [name for name in loaded if not name.startswith("data:")] == []
        assert browser.get_log("browser") == []
    finally:
        browser.quit()


def test_a_set_without_any_clip_has_a_page_too(tmp_path):
    part = {"start": 0.0, "stop": 0.0, "problem": "a.mp4: no video"}
    entry = {"video_id": "a.mp4", "split": "train", "made_with": {"A": "1", "B": "2"}, "parts": [part]}
    for entries in ([], [entry]):
        text = page(str(tmp_path), entries, ClipSettings())
        assert f"<h1>0 clips of {len(entries)} video" in text and text.count("data:image/png;base64,") == 6
