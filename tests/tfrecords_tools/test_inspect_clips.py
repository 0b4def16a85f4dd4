"""The table and the sheet of what record files hold."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, write_records

from stmt_tf.data.schema import encode_clip
from tfrecords_tools import inspect_clips as tool


def test_table_tells_of_every_clip_and_of_all(tmp_path):
    clips = [make_clip(steps=10, clip_id="one"), make_clip(steps=20, clip_id="two", masks=False)]
    clips[1].joints[:10, :, 2] = 0
    write_records(tmp_path / "train-0.tfrecord", clips)
    lines = tool.inspect_clips(tool.InspectConfig(str(tmp_path / "*.tfrecord"))).splitlines()
    assert lines[1].split("  ")[0] == "one" and "32 x 32" in lines[1]
    assert "100%" in lines[1] and " yes " in lines[1] and "made, made" in lines[1]
    assert "50%" in lines[2] and " no " in lines[2] and "train-0.tfrecord" in lines[2]
    assert lines[3].startswith("2 clips of 2 videos, 30 frames, 0.0 minutes; 66.7% of the joints")


def test_long_table_is_cut_but_sums_are_whole(tmp_path):
    write_records(tmp_path / "a", [make_clip(steps=2, size=16, clip_id=str(i)) for i in range(45)])
    lines = tool.inspect_clips(tool.InspectConfig(str(tmp_path / "a"))).splitlines()
    assert len(lines) == 1 + 40 + 2
    assert lines[-2] == "... and 5 more" and lines[-1].startswith("45 clips of 45 videos, 90 frames")


def test_sheet_shows_skeletons_masks_and_flow(tmp_path):
    write_records(tmp_path / "a", [make_clip(12, clip_id=str(i)) for i in range(5)])
    sheet = tmp_path / "sheet.png"
    tool.inspect_clips(tool.InspectConfig(str(tmp_path / "a"), str(sheet), num_clips=2))
    image = cv2.imread(str(sheet))
    assert image.shape[0] == 4 * (192 + 24) and image.shape[1] == 8 * (192 + 4)
    rows = tool.clip_rows(make_clip(12))
    assert [len(images) for _, images in rows] == [8, 8]
    picture = rows[0][1][0].astype(int)
    assert (np.ptp(picture, axis=-1) > 60).any()  # colours on a grey frame


def test_of_a_short_clip_each_frame_with_a_next_one_is_shown_once():
    assert [len(images) for _, images in tool.clip_rows(make_clip(4))] == [3, 3]


def test_clip_without_flow_or_masks_has_one_row():
    clip = make_clip(masks=False)
    rows = tool.clip_rows(dataclasses.replace(clip, flows=np.zeros_like(clip.flows)))
    assert len(rows) == 1


def test_files_that_are_no_records_are_named(tmp_path):
    (tmp_path / "a.tfrecord").write_text("hello world, this is no record")
    with pytest.raises(ValueError, match=r"a.tfrecord: record 0 .* is damaged: its length fails .*; make"):
        tool.inspect_clips(tool.InspectConfig(str(tmp_path / "a.tfrecord")))
    with tf.io.TFRecordWriter(str(tmp_path / "b.tfrecord")) as writer:
        writer.write(b"no clip")
    with pytest.raises(ValueError, match=r"b.tfrecord: record 0 \(.*\): not a clip record.*tools.validate"):
        tool.inspect_clips(tool.InspectConfig(str(tmp_path / "b.tfrecord")))
    with pytest.raises(FileNotFoundError, match="no record file matches"):
        tool.inspect_clips(tool.InspectConfig(str(tmp_path / "c*")))


def test_command_names_the_record_that_cannot_be_shown(tmp_path):
    example = tf.train.SequenceExample.FromString(encode_clip(make_clip(steps=4)))
    example.feature_lists.feature_list["frames"].feature[1].bytes_list.value[0] = b"no picture"
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(encode_clip(make_clip(steps=4)))
        writer.write(example.SerializeToString())
    with pytest.raises(SystemExit) as ended:
        tool.main(tool.InspectConfig(path, sheet=str(tmp_path / "sheet.png")))
    line = ended.value.code
    assert "\n" not in line and "{{" not in line
    assert line.startswith(f"inspect_clips: {path}: record 1 (from 0; at byte ") and "cannot be decoded" in line
    assert "tfrecords_tools.validate" in line and not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize("fps", [0.0, -1.0, np.nan, np.inf])
def test_clip_without_a_frame_rate_is_named(tmp_path, fps):
    path = write_records(tmp_path / "a", [make_clip(steps=2), dataclasses.replace(make_clip(steps=2), fps=fps)])
    with pytest.raises(ValueError, match=rf"{path}: record 1 \(.*\): has 2 frames, {fps} per second.*tools.validate"):
        tool.inspect_clips(tool.InspectConfig(path))


def test_odd_flags_are_refused():
    with pytest.raises(ValueError, match="--records is required"):
        tool.InspectConfig()
    with pytest.raises(ValueError, match="at least 1, got 0"):
        tool.InspectConfig("a", num_clips=0)
