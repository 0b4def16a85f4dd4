import itertools
from collections import Counter

import pytest
import tensorflow as tf

from stmt_tf.data import record_files
from stmt_tf.data.order import read_clips, shuffled_samples

COUNTS = [3, 1, 4, 0, 2, 5, 1]  # records of each file; four files are read at once
SAMPLES, BUFFER = 2, 8  # windows of four clips
PASS = sum(COUNTS) * SAMPLES


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files whose records are their names, such as 2.0 for the first of the third file."""
    directory = tmp_path_factory.mktemp("records")
    for file, count in enumerate(COUNTS):
        with tf.io.TFRecordWriter(str(directory / f"{file}")) as writer:
            for number in range(count):
                writer.write(f"{file}.{number}")
    return [str(directory / f"{file}") for file in range(len(COUNTS))]


def samples(files, count, first=0, seed=5, samples_per_clip=SAMPLES):
    """(record, number of its sample, what the seed drew) of samples."""

    def draw(clip, seed):
        numbers = tf.range(samples_per_clip)
        return {
            "record": tf.repeat(clip[1], samples_per_clip),
            "number": numbers,
            "drawn": tf.random.stateless_uniform([samples_per_clip], seed),
        }

    dataset = shuffled_samples(files, draw, samples_per_clip, BUFFER, seed, first).take(count)
    return [(x["record"].decode(), int(x["number"]), float(x["drawn"])) for x in dataset.as_numpy_iterator()]


@pytest.fixture(scope="module")
def whole(files):
    return samples(files, 3 * PASS)


def records_of(drawn) -> list[str]:
    return [record for record, _, _ in drawn]


def test_each_pass_has_every_clip_equally_often_and_in_another_order(files, whole):
    everything = {f"{file}.{number}": SAMPLES for file, count in enumerate(COUNTS) for number in range(count)}
    passes = [records_of(whole[start : start + PASS]) for start in range(0, 3 * PASS, PASS)]
    assert all(Counter(each) == everything for each in passes)
    assert all(one != other for one, other in itertools.combinations(passes, 2))


def test_short_epochs_leave_no_clip_out(files, whole):
    """Epochs of a quarter of a pass, each begun anew as after an interruption."""
    epochs = [samples(files, PASS // 4, first) for first in range(0, PASS, PASS // 4)]
    assert set(records_of(itertools.chain(*epochs))) == set(records_of(whole))


def test_row_can_be_entered_anywhere(files, whole):
    for first in (7, 9, 17, PASS - 1, PASS, 2 * PASS + 19):
        assert samples(files, 9, first) == whole[first : first + 9], first


def test_samples_of_a_clip_are_drawn_apart_and_kept_apart(whole):
    assert len({drawn for _, _, drawn in whole}) == 3 * PASS
    for start in range(0, PASS - BUFFER + 1, BUFFER):
        half = BUFFER // SAMPLES
        one, other = (whole[start + i : start + i + half] for i in (0, half))
        assert [number for _, number, _ in one + other] == [0] * half + [1] * half
        assert set(records_of(one)) == set(records_of(other)) and len(set(records_of(one))) == half
    first, second = (records_of(whole[i : i + 4]) for i in (0, 4))
    assert first != second  # the second samples come in an order of their own


def test_window_mixes_files_and_the_seed_decides_how(files):
    one, other = (records_of(samples(files, 8, seed=seed, samples_per_clip=1)) for seed in (1, 2))
    assert one != other
    for window in (one, other):
        assert len({record[0] for record in window}) >= 3


def test_more_samples_of_a_clip_than_the_buffer_holds(files):
    drawn = samples(files, 20, samples_per_clip=10)
    assert [len(set(records_of(drawn[i : i + 10]))) for i in (0, 10)] == [1, 1]
    assert drawn[0][0] != drawn[10][0]


def test_files_that_lie_before_are_not_read(tmp_path, monkeypatch):
    files = []
    for file in range(12):
        path = str(tmp_path / f"{file}")
        with tf.io.TFRecordWriter(path) as writer:
            writer.write(f"{file}.0")
        files.append(path)
    whole = samples(files, 24)
    monkeypatch.setattr(record_files, "count", lambda path: 1)
    for record in set(records_of(whole[:16])):  # two windows, which are eight files
        (tmp_path / record.split(".")[0]).write_bytes(b"no record file")
    assert samples(files, 8, 16) == whole[16:]
    with pytest.raises(tf.errors.DataLossError):
        samples(files, 8, 15)


def test_clips_come_with_their_places(files):
    places = [(place.decode(), record) for place, record in read_clips(files[2]).as_numpy_iterator()]
    assert places == [(f"{files[2]}: record {i} (from 0)", b"2.%d" % i) for i in range(4)]
