import dataclasses
import json

import pytest
from records import make_clip, write_records

from stmt_tf.evaluate.clips import index_clips
from stmt_tf.evaluate.pairs import Choice, Sampling, draw_pairs
from stmt_tf.evaluate.pairs_file import FORMAT, as_text, read_pairs

SAME = {
    "source_clip": "a", "source_frames": [0, 2], "single": 1, "target_clip": "a", "target_first": 4, "target_count": 4,
}  # fmt: skip


@pytest.fixture
def index(tmp_path):
    path = write_records(tmp_path / "a.tfrecord", [make_clip(8, clip_id=name) for name in "abc"])
    return index_clips([path], 32)


@pytest.fixture
def write(tmp_path):
    def write(pairs, /, **settings):
        path = tmp_path / "pairs.json"
        path.write_text(json.dumps({"format": FORMAT, "set": "same", "pairs": pairs, **settings}))
        return str(path)

    return write


@pytest.mark.parametrize("which", ["same", "cross"])
def test_pairs_drawn_are_pairs_read(index, tmp_path, which):
    drawn, _ = draw_pairs(index, which, 3, Sampling(2, 3))
    path = tmp_path / "p.json"
    path.write_text(as_text(drawn, which))
    assert read_pairs(str(path), which, index) == (drawn, [])
    assert len(path.read_text().splitlines()) == 5


def test_pairs_may_be_written_by_hand(index, write):
    assert read_pairs(write([SAME]), "same", index) == ([Choice("a", (0, 2), 1, "a", 4, 4)], [])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"target_clip": "b"}, "pair 1 is of 2 clips, which the set 'same' has not"),
        ({"source_clip": "x", "target_clip": "x"}, "pair 1 names the clip x, which --records lack"),
        ({"source_frames": [0, 8]}, "pair 1: frame 8 of the clip a, which has 8 frames"),
        ({"source_frames": [-1, 0]}, "pair 1: frame -1 of the clip a"),
        ({"target_count": 5}, "pair 1: frame 8 of the clip a"),
        ({"target_count": 0}, "pair 1: target_count must be at least 1, got 0"),
        ({"single": 2}, "pair 1: single must be from 0 to 1, got 2"),
        ({"source_frames": [0, 4]}, "pair 1: source frames must not be among the targets, 4 to 7"),
        ({"source_frames": []}, "pair 1 must have two names, a list of frame numbers and three numbers, got"),
        ({"source_frames": [0, "1"]}, "pair 1 must have two names"),
        ({"single": True}, "pair 1 must have two names"),
        ({"more": 1}, "pair 1 must have source_clip, source_frames, single, target_clip, target_first, target_count"),
    ],
)
def test_pair_that_does_not_fit_is_named_in_one_line(index, write, change, message):
    with pytest.raises(ValueError, match=message) as error:
        read_pairs(write([{**SAME, **change}]), "same", index)
    assert "\n" not in str(error.value) and "pairs.json" in str(error.value)


def test_all_pairs_have_as_many_source_frames(index, write):
    with pytest.raises(ValueError, match="pair 2 has 1 source frames and the first one 2"):
        read_pairs(write([SAME, {**SAME, "source_frames": [0], "single": 0}]), "same", index)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"format": "another"}, "lacks the format 'stmt_tf pairs 1' or its pairs"),
        ({"pairs": {}}, "lacks the format"),
        ({"set": "cross"}, "holds the set 'cross'; give it with --set of that name"),
        ({"pairs": []}, "no pair is left to measure on"),
    ],
)
def test_file_of_something_else_is_named(index, write, settings, message):
    with pytest.raises(ValueError, match=message):
        read_pairs(write([SAME], **settings), "same", index)


def test_words_are_no_pairs_file(index, tmp_path):
    (tmp_path / "p.json").write_text("words")
    with pytest.raises(ValueError, match=r"p\.json is not a pairs file \(Expecting value"):
        read_pairs(str(tmp_path / "p.json"), "same", index)
    with pytest.raises(OSError, match="none"):
        read_pairs(str(tmp_path / "none"), "same", index)


def test_pairs_of_damaged_records_are_left_out(index, write):
    damaged = dataclasses.replace(index, clips={"a": index.clips["a"]}, damaged=("a record",))
    other = {**SAME, "source_clip": "b", "target_clip": "b"}
    assert read_pairs(write([SAME, other]), "same", damaged) == (
        [Choice("a", (0, 2), 1, "a", 4, 4)], ["pair 2: the clip b is not among the sound records"],
    )
    with pytest.raises(ValueError, match="no pair is left"):
        read_pairs(write([other]), "same", damaged)
