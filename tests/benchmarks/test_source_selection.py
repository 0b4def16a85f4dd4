import json

import numpy as np
import pytest
from evaluations import NOBODY, SIZE, Oracle, make_clips
from records import make_clip, write_records

from benchmarks import source_selection
from benchmarks.source_selection import SelectionConfig, compare, draw_all
from stmt_tf.evaluate.clips import index_clips
from stmt_tf.pose.selection import METHODS


class Any(Oracle):
    """Takes any number of source frames."""

    num_source_frames = None


class Two(Oracle):
    """Takes two source frames at most."""

    num_source_frames = 2


def config_for(tmp_path, clips, **settings):
    write_records(tmp_path / "test-0.tfrecord", clips)
    given = {"models": ("any=a", "two=b"), "records": str(tmp_path / "test-*"), "output": str(tmp_path / "out")}
    return SelectionConfig(**{**given, **settings})


def test_only_the_source_frames_differ(tmp_path):
    config = config_for(tmp_path, make_clips(3, steps=24))
    pairs = draw_all(config, index_clips([str(tmp_path / "test-0.tfrecord")], SIZE))
    assert len(pairs) == 3
    for choices in pairs:
        assert list(choices) == [(count, selection) for count in (1, 2, 4, 8) for selection in METHODS]
        assert len({(choice.target_clip, choice.target_first, choice.target_count) for choice in choices.values()}) == 1
        assert all(len(choice.source_frames) == count for (count, _), choice in choices.items())
        assert len({choice.source_frames for choice in choices.values()}) > 5


def test_clip_too_short_for_the_largest_count_is_left_out(tmp_path):
    clips = [*make_clips(2, steps=24), make_clip(8, SIZE, clip_id="short")]
    config = config_for(tmp_path, clips)
    pairs = draw_all(config, index_clips([str(tmp_path / "test-0.tfrecord")], SIZE))
    assert [choices[1, "random"].target_clip for choices in pairs if "short" in choices[1, "random"].target_clip] == []
    assert len(pairs) == 2


def test_each_model_sees_as_many_frames_as_its_fusion_allows(tmp_path, monkeypatch):
    clips = make_clips(2, steps=24)
    config = config_for(tmp_path, clips, counts=(1, 4))
    models = {"a": Any(clips, error=5), "b": Two(clips)}
    monkeypatch.setattr(source_selection, "TransferModel", models.__getitem__)
    monkeypatch.setattr(source_selection, "load_judges", lambda config: NOBODY)
    text = compare(config)
    assert text == (tmp_path / "out" / "table.md").read_text()
    means = json.loads((tmp_path / "out" / "results.json").read_text())["means"]
    assert list(means)[:-1] == [
        "any, K=1, random", "any, K=1, coverage", "any, K=4, random", "any, K=4, coverage",
        "two, K=1, random", "two, K=1, coverage",
    ]
    assert means["any, K=4, coverage"]["psnr"] == pytest.approx(20 * np.log10(51))
    assert means["two, K=1, random"]["psnr"] == 100.0
    assert models["a"].sources_seen == [1, 1, 4, 4] * 2 and models["b"].sources_seen == [1, 1] * 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.json", "table.md"]


def test_counts_that_leave_nothing_are_refused(tmp_path, monkeypatch):
    clips = make_clips(2, steps=24)
    models = {"a": Any(clips), "b": Two(clips)}
    monkeypatch.setattr(source_selection, "TransferModel", models.__getitem__)
    with pytest.raises(ValueError, match="--counts: none of the models looks at as many as 8"):
        compare(config_for(tmp_path, clips, models=("two=b",), counts=(8,)))
    short = make_clips(2, steps=10)
    with pytest.raises(ValueError, match="no clip has twice as many frames as the largest of --counts, 8"):
        compare(config_for(tmp_path, short))
    assert not (tmp_path / "out").exists()


def test_main_says_in_one_line_what_is_wrong():
    with pytest.raises(SystemExit, match="^source_selection: ") as ended:
        source_selection.main(SelectionConfig(models=("a",), records="none*", output="o"))
    assert "\n" not in ended.value.code


def test_models_of_two_sizes_are_refused(tmp_path, monkeypatch):
    clips = make_clips(1, steps=24)
    models = {"a": Any(clips), "b": Two(clips)}
    models["b"].size = 2 * SIZE
    monkeypatch.setattr(source_selection, "TransferModel", models.__getitem__)
    with pytest.raises(ValueError, match=rf"frames of different sizes, \[{SIZE}, {2 * SIZE}\]"):
        compare(config_for(tmp_path, clips))
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="--models is required"):
        SelectionConfig()
    with pytest.raises(ValueError, match="--counts must be at least 1, got 4,0"):
        SelectionConfig(models=("a=b",), records="r", output="o", counts=(4, 0))
