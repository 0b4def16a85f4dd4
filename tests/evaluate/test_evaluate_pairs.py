import dataclasses
import json
import os

import pytest
from evaluations import NOBODY, OUTPUTS, Oracle, config_for, make_clips, pairs, results, rows

from stmt_tf.data.schema import encode_clip
from stmt_tf.evaluate.command import check, evaluate
from stmt_tf.evaluate.settings import EvaluateConfig


def test_pairs_of_two_clips_need_no_truth(tmp_path):
    clips = make_clips()
    text = evaluate(config_for(tmp_path, clips, set="cross", num_pairs=4), Oracle(clips), NOBODY)
    assert sorted(os.listdir(tmp_path / "out")) == OUTPUTS
    found = results(tmp_path)
    assert found["set"] == "cross" and found["pairs"] == 4 and "psnr" not in found["means"]["model K=4"]
    assert list(found["means"])[-2:] == ["the source", "the target"]
    assert all(pair["source_clip"] != pair["target_clip"] for pair in pairs(tmp_path))
    assert "flicker background" in text and "PSNR" not in text and "PCK" not in text


def test_both_sets_have_a_directory_each(tmp_path):
    clips = make_clips()
    text = evaluate(config_for(tmp_path, clips, set="both"), Oracle(clips), NOBODY)
    assert sorted(os.listdir(tmp_path / "out")) == ["cross", "same"]
    for which, count in (("same", 3), ("cross", 6)):
        assert sorted(os.listdir(tmp_path / "out" / which)) == OUTPUTS
        with open(tmp_path / "out" / which / "metrics.json") as file:
            found = json.load(file)
        assert found["set"] == which and found["pairs"] == count
        assert f"Set {which}:\n\n{(tmp_path / 'out' / which / 'table.md').read_text()}" in text


def test_set_that_cannot_be_drawn_stops_both(tmp_path):
    clips = make_clips(1)
    config = config_for(tmp_path, clips, set="both")
    with pytest.raises(ValueError, match="all of one video"):
        evaluate(config, Oracle(clips), NOBODY)
    assert not os.path.exists(config.output)


def test_pairs_file_gives_the_same_results(tmp_path):
    clips = make_clips()
    first = config_for(tmp_path, clips, num_target_frames=3, num_pairs=2, seed=5)
    evaluate(first, Oracle(clips, error=5), NOBODY)
    expected, drawn = rows(tmp_path), (tmp_path / "out" / "pairs.json").read_text()
    again = EvaluateConfig(
        model="a model", records=first.records, output=first.output, pairs=os.path.join(first.output, "pairs.json")
    )
    evaluate(again, Oracle(clips, error=5), NOBODY)
    assert rows(tmp_path) == expected
    assert (tmp_path / "out" / "pairs.json").read_text() == drawn


def test_pairs_file_that_does_not_fit_leaves_nothing_behind(tmp_path):
    clips = make_clips(2)
    evaluate(config_for(tmp_path, clips), Oracle(clips), NOBODY)
    drawn = str(tmp_path / "out" / "pairs.json")
    config = dataclasses.replace(config_for(tmp_path, clips[:1], pairs=drawn), output=str(tmp_path / "new"))
    with pytest.raises(ValueError, match=r"names the clip clip1, which --records lack"):
        evaluate(config, Oracle(clips), NOBODY)
    assert not os.path.exists(config.output)


def test_pairs_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="--pairs=none.json is not a file; give a pairs.json"):
        check(config_for(tmp_path, make_clips(1), pairs="none.json"))


def test_pairs_file_that_was_given_keeps_pairs_that_cannot_be_measured(tmp_path):
    clips = make_clips()
    config = config_for(tmp_path, clips)
    evaluate(config, Oracle(clips), NOBODY)
    drawn = (tmp_path / "out" / "pairs.json").read_text()
    with open(tmp_path / "test-0.tfrecord", "r+b") as file:
        file.seek(50)
        file.write(b"damage")
    pairs_file = str(tmp_path / "out" / "pairs.json")
    evaluate(dataclasses.replace(config, pairs=pairs_file, skip_corrupt=True), Oracle(clips), NOBODY)
    found = results(tmp_path)
    assert found["pairs"] == 2 and "the clip clip0 is not among" in found["left_out"][0]
    assert (tmp_path / "out" / "pairs.json").read_text() == drawn


def test_damaged_record_ends_the_evaluation_or_is_skipped(tmp_path):
    clips = make_clips()
    config = config_for(tmp_path, clips)
    with open(tmp_path / "test-0.tfrecord", "r+b") as file:
        file.seek(len(encode_clip(clips[0])) + 16 + 50)
        file.write(b"damage")
    with pytest.raises(ValueError, match=r"test-0\.tfrecord: record 1 .* is damaged: .* give --skip_corrupt"):
        evaluate(config, Oracle(clips), NOBODY)
    assert not os.path.exists(config.output)
    evaluate(dataclasses.replace(config, skip_corrupt=True), Oracle(clips), NOBODY)
    found = results(tmp_path)
    assert found["pairs"] == 2 and len(found["damaged_records"]) == 1
    assert "record 1 (from 0" in found["damaged_records"][0]
