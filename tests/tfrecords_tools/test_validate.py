"""Every fault of record files is found, and named with its file and record."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from made_videos import add_video, configure
from records import make_clip, write_records

from stmt_tf.data.schema import encode_clip
from tfrecords_tools import create_clips, validate
from tfrecords_tools.settings import ValidateConfig


def faults(pattern) -> list[str]:
    return list(validate.Validator().faults(str(pattern)))


def altered(clip=None, **changes) -> bytes:
    """A record whose context or steps were changed behind the encoder's back."""
    example = tf.train.SequenceExample.FromString(encode_clip(clip or make_clip(steps=4)))
    lists = example.feature_lists.feature_list
    for name, change in changes.items():
        if name in lists:
            change(lists[name].feature)
        else:
            change(example.context.feature[name])
    return example.SerializeToString()


def write(path, *records: bytes):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set of records as `create_clips` makes it."""
    folder = tmp_path_factory.mktemp("made")
    add_video(folder, "a.mp4")
    create_clips.create_clips(*configure(folder, size=16))
    return folder / "records"


def test_sound_records_have_no_faults(made, tmp_path):
    assert faults(made / "*.tfrecord") == []
    write_records(tmp_path / "train-a", [make_clip(clip_id="one"), make_clip(5, clip_id="two", masks=False)])
    validator = validate.Validator()
    assert list(validator.faults(str(tmp_path / "train-*"))) == []
    assert (validator.files, validator.records) == (1, 2)


@settings(max_examples=80, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_found(made, where, bit):
    (path,) = made.glob("*.tfrecord")
    for target in (path, made / "manifest.json"):
        content = target.read_bytes()
        offset = int(where * len(content))
        try:
            flipped = content[:offset] + bytes([content[offset] ^ (1 << bit)]) + content[offset + 1 :]
            target.write_bytes(flipped)
            told = faults(path)
        finally:
            target.write_bytes(content)
        assert all(str(made) in fault for fault in told)
        if target == path:
            assert any(f"{path}: record 0" in fault for fault in told) and any("SHA-256" in fault for fault in told)
        else:
            assert told or json.loads(flipped) == json.loads(content)  # a blank is as good as another


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (b"no clip", "not a clip record"),
        (altered(clip_id=lambda f: f.bytes_list.value.__setitem__(0, b"\xff")), "'utf-8' codec"),
        (altered(schema_version=lambda f: f.int64_list.value.__setitem__(0, 9)), "schema version 9"),
        (altered(fps=lambda f: f.float_list.value.__setitem__(0, 0.0)), "has 0.0 frames per second"),
        (altered(flows=lambda steps: steps.pop()), "has 2 flows, for 4 frames"),
        (altered(masks=lambda steps: steps.pop()), "has 3 masks, for 4 frames"),
        (altered(joints=lambda steps: steps.pop()), "has 3 joints, for 4 frames"),
        (altered(joints=lambda s: s[2].float_list.value.__setitem__(5, np.nan)), "joints of step 2 are not finite"),
        (altered(joints=lambda s: s[2].float_list.value.__setitem__(5, 1.5)), "confidences of joints are not in"),
        (altered(width=lambda f: f.int64_list.value.__setitem__(0, 31)), "step 0: (32, 32, 3) instead of (32, 31"),
        (
            altered(frames=lambda s: s[1].bytes_list.value.__setitem__(0, s[1].bytes_list.value[0][:300])),
            "frames, step 1: not decodable",
        ),
        (
            altered(flows=lambda s: s[1].bytes_list.value.__setitem__(
                0, cv2.imencode(".png", np.zeros((8, 32, 3), np.uint16))[1].tobytes())),
            "flows, step 1: (8, 32, 3) instead of (32, 32, 3)",
        ),
    ],
)
def test_faults_of_content_are_named_with_file_and_record(tmp_path, record, words):
    path = write(tmp_path / "a", encode_clip(make_clip(clip_id="sound")), record)
    told = faults(path)
    assert any(words in fault for fault in told), told
    assert all(fault.startswith(f"{path}: record 1 (from 0; at byte ") for fault in told)


def test_clips_that_are_there_twice_are_named_with_both_places(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name, encode_clip(make_clip(clip_id="one")))
    (told,) = faults(tmp_path / "*")
    assert told.startswith(f"{tmp_path / 'b'}: record 0") and f"as {tmp_path / 'a'}: record 0" in told


def test_the_same_frames_under_another_name_are_named_with_both_places(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / name, encode_clip(make_clip(steps=9 if name == "c" else 8, clip_id=name)))
    (told,) = faults(tmp_path / "*")
    assert told.startswith(f"{tmp_path / 'b'}: record 0") and f"of another, {tmp_path / 'a'}: record 0" in told


def test_a_video_in_two_splits_is_named_with_both_places(tmp_path):
    one = dataclasses.replace(make_clip(clip_id="one"), video_id="v")
    two = dataclasses.replace(make_clip(5, clip_id="two"), video_id="v")
    write_records(tmp_path / "train-a", [one])
    write_records(tmp_path / "val-a", [two])
    (told,) = faults(tmp_path / "*")
    assert f"{tmp_path / 'val-a'}: record 0" in told
    assert f"video 'v' is in the split val, and in train by {tmp_path / 'train-a'}" in told


def test_empty_and_cut_off_files_are_faults(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    whole = write(tmp_path / "b", encode_clip(make_clip())).read_bytes()
    (tmp_path / "b").write_bytes(whole[:-5])
    assert faults(tmp_path / "a") == [f"{tmp_path / 'a'}: holds no record"]
    (told,) = faults(tmp_path / "b")
    assert "the file ends within its" in told


def test_files_that_are_missing_or_of_unknown_origin_are_named(made, tmp_path):
    records = tmp_path / "records"
    records.mkdir()
    (path,) = made.glob("*.tfrecord")
    (records / "manifest.json").write_bytes((made / "manifest.json").read_bytes())
    stray = write_records(records / "train-stray.tfrecord", [make_clip()])
    assert faults(records / "*.tfrecord") == [
        f"{stray}: is not in {records / 'manifest.json'}",
        f"{records / path.name}: is missing, but in {records / 'manifest.json'}",
    ]


@pytest.mark.slow
def test_command_names_faults_and_ends_with_status_1(tmp_path, capsys):
    path = write(tmp_path / "a", encode_clip(make_clip()), b"no clip")
    with pytest.raises(SystemExit) as caught:
        validate.main(ValidateConfig(str(path)))
    assert caught.value.code == 1
    fault, summary, advice = capsys.readouterr().out.splitlines()
    assert fault.startswith(f"{path}: record 1 (from 0; at byte ") and "not a clip record" in fault
    assert summary == "1 faults in 2 records of 1 files" and advice.startswith("Remove the files")


def test_sound_records_end_with_status_0(made, capsys):
    with pytest.raises(SystemExit) as caught:
        validate.main(ValidateConfig(str(made / "*.tfrecord")))
    assert caught.value.code == 0
    assert capsys.readouterr().out == "0 faults in 1 records of 1 files\n"


def test_manifest_that_cannot_be_read_is_an_error_in_one_line(tmp_path):
    path = write_records(tmp_path / "a", [make_clip()])
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(SystemExit, match=f"^validate: {tmp_path}/manifest.json, or a file beside it, cannot be read: "):
        validate.main(ValidateConfig(path))


def test_file_that_goes_before_its_checksum_is_an_error(made):
    pattern = str(made / "*.tfrecord")
    (path,) = made.glob("*.tfrecord")
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(OSError, match=f"cannot be read: .*{path.name}"):
            list(validate.manifest_faults(pattern, [str(path)]))
    finally:
        path.write_bytes(content)


def test_no_files_are_an_error_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match="^validate: no record file matches"):
        validate.main(ValidateConfig(str(tmp_path / "*")))
