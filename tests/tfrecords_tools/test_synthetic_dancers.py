"""Tests of the records of rendered dancers: splits, and sets that grow and resume."""

from __future__ import annotations

import os

import numpy as np
import pytest

from dancers import render_video
from stmt_tf.data.schema import decode_clip
from tfrecords_tools import synthetic_dancers
from tfrecords_tools.settings import DancersConfig


def test_splits_depend_on_the_number_alone():
    names = [synthetic_dancers.split_of(i) for i in range(40)]
    assert names.count("train") == 36 and names.count("val") == 2 and names.count("test") == 2
    small = {i for name, part in synthetic_dancers.shards(40, 7) for i in part if name[:3] == "val"}
    large = {i for name, part in synthetic_dancers.shards(80, 9) for i in part if name[:3] == "val"}
    assert small == {18, 38} and small < large


def _write(path, **changes):
    options = {"num_videos": 21, "seed": 3, "size": 16, "frames_per_video": 2, "fps": 5.0}
    options.update({"videos_per_shard": 10, "processes": 1, **changes})
    return synthetic_dancers.write_dancers(DancersConfig(output=str(path), **options))


def _clips(path):
    import tensorflow as tf

    files = sorted(str(p) for p in path.glob("*.tfrecord"))
    return [decode_clip(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def test_records_hold_the_rendered_videos_and_a_second_run_does_what_is_missing(tmp_path):
    assert _write(tmp_path) == 21
    names = sorted(p.name for p in tmp_path.glob("*.tfrecord"))
    assert names == [
        "test-00000-of-00001.tfrecord",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
    ]
    clip, video = _clips(tmp_path)[-1], render_video(3, 18, 16, 2, 5.0)
    assert clip.video_id == "dancer-3-000018" and clip.pose_tool == "rendered"
    np.testing.assert_array_equal(clip.masks, video.masks)
    np.testing.assert_array_equal(clip.joints, video.joints)
    np.testing.assert_allclose(clip.flows, video.flows, atol=1 / 64)

    before = (tmp_path / names[1]).read_bytes()
    assert _write(tmp_path) == 0
    os.remove(tmp_path / names[1])
    assert _write(tmp_path) == 10
    assert (tmp_path / names[1]).read_bytes() == before


def test_a_set_of_other_settings_is_not_mixed_in(tmp_path):
    _write(tmp_path, num_videos=1)
    with pytest.raises(ValueError, match="seed 3 there, 4 asked for"):
        _write(tmp_path, num_videos=1, seed=4)


def test_a_failure_leaves_no_half_written_shard(tmp_path, monkeypatch):
    def fail(job):
        raise OSError("disk full")

    monkeypatch.setattr(synthetic_dancers, "_serialized", fail)
    with pytest.raises(OSError, match="disk full"):
        _write(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["dancers.json"]


@pytest.mark.slow
def test_records_are_the_same_whatever_the_number_of_processes(tmp_path):
    _write(tmp_path / "one", num_videos=6)
    _write(tmp_path / "two", num_videos=6, processes=2)
    # Features are a map, which protobuf may write in another order in another process.
    ones, twos = _clips(tmp_path / "one"), _clips(tmp_path / "two")
    assert len(ones) == len(twos) == 6
    for one, two in zip(ones, twos):
        assert one.clip_id == two.clip_id
        for field in ("frames", "joints", "masks", "flows"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
