import dataclasses
import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, write_records

from stmt_tf.config import DataConfig
from stmt_tf.data import record_files, schema
from stmt_tf.data.checks import broken_records_told, check_records
from stmt_tf.data.pipeline import validation_dataset


def check(path, frames=6, size=32):
    check_records(str(path), "--train_records", frames, size)


def test_records_that_fit_pass(tmp_path):
    check(write_records(tmp_path / "one", [make_clip(6)]))
    check(write_records(tmp_path / "larger", [make_clip(9, size=64)]))


@pytest.mark.parametrize(
    "clip, words",
    [
        (make_clip(5), "clip has 5 frames, fewer than K \\+ L = 6"),
        (make_clip(6, size=16), "16 x 16 pixels, smaller than --size=32"),
    ],
    ids=["short", "small"],
)
def test_records_that_do_not_fit_are_named(tmp_path, clip, words):
    path = write_records(tmp_path / "one", [clip])
    with pytest.raises(ValueError, match=f"--train_records: {path}: .*{words}"):
        check(path)


def test_frames_must_be_square(tmp_path):
    clip = make_clip(6, size=64)
    clip = dataclasses.replace(
        clip, frames=clip.frames[:, :32], flows=clip.flows[:, :32], masks=clip.masks[:, :32]
    )
    with pytest.raises(ValueError, match="64 x 32 pixels; they must be square"):
        check(write_records(tmp_path / "one", [clip]))


def test_other_schema_version_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 7)
    path = write_records(tmp_path / "one", [make_clip(6)])
    monkeypatch.undo()
    with pytest.raises(ValueError, match=f"{path}: the record has schema version 7"):
        check(path)


def test_what_is_no_record_file_is_named(tmp_path):
    (tmp_path / "text").write_text("no records here, but enough bytes for a header")
    with pytest.raises(ValueError, match=r"text: record 0 .* is damaged: its length fails its check"):
        check(tmp_path / "text")


def test_file_that_was_cut_short_is_named(tmp_path):
    whole = Path(write_records(tmp_path / "whole", [make_clip(6)])).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut: record 0 .* is damaged: the file ends within its"):
        check(tmp_path / "cut")


def test_what_is_no_clip_is_named(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "other")) as writer:
        writer.write(np.arange(9).tobytes())
    with pytest.raises(ValueError, match="other: not a clip record") as caught:
        check(tmp_path / "other")
    message = str(caught.value)
    assert "\n" not in message and "{{" not in message and "[Op" not in message


def test_one_empty_file_among_others_is_no_fault_but_nothing_at_all_is(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="there is no clip in these files"):
        check(tmp_path / "*")
    write_records(tmp_path / "one", [make_clip(6)])
    check(tmp_path / "*")


def test_every_file_is_looked_at(tmp_path):
    write_records(tmp_path / "a", [make_clip(6)])
    path = write_records(tmp_path / "b", [make_clip(3)])
    with pytest.raises(ValueError, match=path):
        check(tmp_path / "*")


def test_of_many_files_all_lengths_and_a_few_records_are_read(tmp_path, monkeypatch):
    for number in range(40):
        write_records(tmp_path / f"{number:02d}", [make_clip(2, size=8)])
    read, scan = [], record_files.scan
    monkeypatch.setattr(record_files, "scan", lambda path: read.append(path[-2:]) or scan(path))
    check(tmp_path / "*", frames=2, size=8)
    assert len(read) == 16 and {"00", "39"} < set(read) and np.diff(sorted(map(int, read))).max() == 3
    write_lying_length(tmp_path / "01")
    assert "01" not in read
    with pytest.raises(ValueError, match=r"01: record 0 .* is damaged: the file ends within its 1099511627776 bytes"):
        check(tmp_path / "*", frames=2, size=8)


def write_lying_length(path, length=1 << 40):
    length = struct.pack("<Q", length)
    path.write_bytes(length + struct.pack("<I", record_files.masked_crc32c(length)) + b"end")


def damage_content(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-9])


def break_pictures(path):
    write_records(path, [make_clip(6)])
    clip = tf.train.SequenceExample.FromString(schema.encode_clip(make_clip(6)))
    for frame in clip.feature_lists.feature_list["frames"].feature:
        frame.bytes_list.value[0] = b"no picture"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(schema.encode_clip(make_clip(6)))
        writer.write(clip.SerializeToString())


@pytest.mark.parametrize(
    "damage",
    [
        damage_content,
        cut_short,
        lambda path: write_lying_length(path, 1 << 63),
        break_pictures,
        lambda path: write_records(path, [make_clip(6), make_clip(4)]),
        Path.unlink,
    ],
    ids=["damaged", "cut", "length", "pictures", "short", "gone"],
)
def test_of_a_record_that_breaks_in_mid_training_is_told_how_to_find_it(tmp_path, damage):
    for name in ("a", "b", "c"):
        write_records(tmp_path / name, [make_clip(6) for _ in range(3)])
    pattern = str(tmp_path / "*")
    config = DataConfig(val_records=pattern, num_target_frames=3, batch_size=3)
    dataset = validation_dataset(config, sources=2, size=32, count=9)
    damage(tmp_path / "b")
    with pytest.raises(ValueError, match="tfrecords_tools.validate") as caught, broken_records_told(pattern):
        list(dataset)
    assert pattern in str(caught.value) and "\n" not in str(caught.value)


def test_errors_of_other_kinds_stay_what_they_are(tmp_path):
    pattern = write_records(tmp_path / "sound", [make_clip(6)])
    with pytest.raises(tf.errors.InvalidArgumentError), broken_records_told(pattern):
        tf.reshape(tf.zeros([3]), [2])
    with pytest.raises(tf.errors.NotFoundError), broken_records_told(pattern):
        tf.io.read_file(pattern + "none")
