import pytest
import tensorflow as tf
from records import make_clip, write_records

from stmt_tf.data.schema import encode_clip
from stmt_tf.evaluate.clips import index_clips


def test_index_knows_every_clip(tmp_path):
    files = [
        write_records(tmp_path / f"{shard}.tfrecord", [make_clip(4, clip_id=f"{shard}{i}") for i in range(3)])
        for shard in "ab"
    ]
    index = index_clips(files, 32)
    assert list(index.clips) == ["a0", "a1", "a2", "b0", "b1", "b2"] and index.damaged == ()
    clip = index.clips["b1"]
    assert (clip.video_id, clip.frames, clip.address.number) == ("video_of_b1", 4, 1)
    assert clip.read() == encode_clip(make_clip(4, clip_id="b1"))


@pytest.mark.parametrize(
    "clips, size, message",
    [
        ([make_clip(2)], 64, r"record 0 \(from 0; at byte 0\): clip clip has frames of 32 x 32 .* have 64 x 64"),
        ([make_clip(2), make_clip(2)], 32, r"record 1 .* is a clip of the name clip, and so is .*record 0"),
    ],
)
def test_records_that_do_not_fit_are_named(tmp_path, clips, size, message):
    with pytest.raises(ValueError, match=message):
        index_clips([write_records(tmp_path / "a.tfrecord", clips)], size)


def test_record_that_is_no_clip_is_named_in_one_line(tmp_path):
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(encode_clip(make_clip(2)))
        writer.write(b"something else")
    with pytest.raises(ValueError, match=r"a\.tfrecord: record 1 .*not a clip record") as error:
        index_clips([path], 32)
    assert "\n" not in str(error.value)


def test_record_of_another_schema_version_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("stmt_tf.data.schema.SCHEMA_VERSION", 7)
    path = write_records(tmp_path / "a.tfrecord", [make_clip(2)])
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"a\.tfrecord: record 0 .*schema version 7, this program reads 1"):
        index_clips([path], 32)


def damage(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"damage")


def test_damaged_record_ends_the_reading_or_is_skipped(tmp_path):
    clips = [make_clip(2, clip_id=name) for name in "abc"]
    path = write_records(tmp_path / "a.tfrecord", clips)
    offset = len(encode_clip(clips[0])) + 16
    damage(path, offset + 100)
    where = rf"a\.tfrecord: record 1 \(from 0; at byte {offset}\) is damaged"
    with pytest.raises(ValueError, match=where + ".* give --skip_corrupt"):
        index_clips([path], 32)
    index = index_clips([path], 32, skip_corrupt=True)
    assert list(index.clips) == ["a", "c"] and len(index.damaged) == 1
    assert index.clips["c"].read() == encode_clip(clips[2])


@pytest.mark.parametrize("content, message", [("", "no sound record in"), ("words", "record 0 .* is damaged")])
def test_a_file_that_holds_no_records_is_named(tmp_path, content, message):
    path = tmp_path / "a.tfrecord"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        index_clips([str(path)], 32)
