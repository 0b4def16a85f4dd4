"""Videos to records: steps, joints, flow, splits, and going on after what went wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from made_videos import PERSON, SIDE, add_video, configure, pose, room

from stmt_tf.data.schema import decode_clip
from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators.imported import AlphaPoseEstimator
from stmt_tf.pose.estimators.layouts import BODY_25
from stmt_tf.video.flow import FlowError, write_flo
from stmt_tf.video.reader import Frame
from stmt_tf.video.resample import at_rate
from tfrecords_tools import create_clips as tool
from tfrecords_tools.clips import listing, process, store, survey
from tfrecords_tools.clips.process import process_video
from tfrecords_tools.clips.settings import ClipSettings

one_line = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_addons") is None, reason="nothing in it depends on TensorFlow's line"
)


def read_clips(folder: Path, output: str = "records") -> dict[str, list]:
    """The clips of each record file."""
    return {
        path.name: [decode_clip(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
        for path in sorted((folder / output).glob("[!.]*.tfrecord"))
    }


def files_in(folder: Path) -> list[str]:
    """All files of the records but those that are made anew each time: manifest and report."""
    root = folder / "records"
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in ("manifest.json", "report.html", "report.json"))


def entry_name(video_id: str) -> str:
    return f"videos/{store.file_stem(video_id)}.json"


def problems(tried: list[dict]) -> dict[str, str]:
    return {entry["video_id"]: store.problem_of(entry) for entry in tried}


def test_clip_holds_frames_joints_and_flow_of_the_crop(tmp_path):
    add_video(tmp_path, "a.mp4")
    (entry,) = tool.create_clips(*configure(tmp_path))
    assert entry["video_id"] == "a.mp4" and len(store.clips_of(entry)) == 1
    ((clip,),) = read_clips(tmp_path).values()
    assert clip.frames.shape == (30, 32, 32, 3) and clip.flows.shape == (29, 32, 32, 2)
    assert (clip.video_id, clip.fps, clip.pose_tool, clip.flow_tool) == ("a.mp4", 25.0, "alphapose", "dis")
    assert (clip.joints[..., 2] == 1).all()
    assert 0.6 < np.ptp(clip.joints[0, :, 1]) / 32 < 0.85
    for image, joints in zip(clip.frames, clip.joints):
        x, y = joints[skeleton.RIGHT_WRIST, :2].round().astype(int)
        assert image[y, x].min() > 180


def test_longer_videos_become_several_clips_without_overlap(tmp_path):
    add_video(tmp_path, "a.mp4", steps=70)
    tool.create_clips(*configure(tmp_path, seconds=1.2))
    ((first, second),) = read_clips(tmp_path).values()
    assert (len(first.frames), len(second.frames)) == (30, 30)  # the last 10 are too few
    assert first.clip_id != second.clip_id and first.video_id == second.video_id


def test_stretches_without_a_person_are_left_out(tmp_path):
    add_video(tmp_path, "a.mp4", steps=80, unseen=range(26, 50))
    tool.create_clips(*configure(tmp_path))
    ((first, second),) = read_clips(tmp_path).values()
    assert (len(first.frames), len(second.frames)) == (26, 30)


def test_rate_is_constant_whatever_the_videos(tmp_path):
    add_video(tmp_path, "a.mp4", steps=60, fps=50)
    tool.create_clips(*configure(tmp_path))
    ((clip,),) = read_clips(tmp_path).values()
    assert len(clip.frames) == 30
    hand = clip.joints[:, skeleton.RIGHT_WRIST, 1]
    np.testing.assert_allclose(np.diff(hand), np.diff(hand).mean(), atol=1e-4)


def test_nearest_frames_are_taken():
    frames = [Frame(np.zeros((1, 1, 3), np.uint8), time, i) for i, time in enumerate((1.0, 1.3, 1.35, 2.0))]
    assert [f.index for f in at_rate(frames, 10)] == [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert [f.index for f in at_rate(frames, 1)] == [0, 3]
    assert list(at_rate([], 10)) == []
    steady = [Frame(frames[0].image, i / 29.97, i) for i in range(300)]
    assert [f.index for f in at_rate(steady, 29.97)] == list(range(300))


def test_flow_files_are_joined_cropped_and_scaled(tmp_path):
    add_video(tmp_path, "b/a.mp4", steps=60, fps=50)
    flows = tmp_path / "flows" / "b" / "a"
    flows.mkdir(parents=True)
    for t in range(59):
        write_flo(flows / f"{t:06d}.flo", np.full((SIDE, SIDE, 2), (1.5, -1), np.float32))
    tool.create_clips(*configure(tmp_path, flow_dir=str(tmp_path / "flows")))
    ((clip,),) = read_clips(tmp_path).values()
    assert clip.flow_tool == "flo"
    # Two frames of the video a step; the size of the crop follows from the person's.
    scale = np.ptp(clip.joints[0, :, 1]) / np.ptp(PERSON[:, 1])
    expected = np.array([3, -2]) * scale
    np.testing.assert_allclose(clip.flows, np.broadcast_to(expected, clip.flows.shape), atol=0.02)


def test_openpose_results_are_read_from_a_directory_of_the_videos_name(tmp_path):
    add_video(tmp_path, "b/a.mp4")
    tool.create_clips(*configure(tmp_path))
    results = tmp_path / "openpose" / "b" / "a"
    results.mkdir(parents=True)
    for t in range(30):
        points = np.zeros((25, 3))
        points[[BODY_25.neck, *BODY_25.limbs]] = np.c_[pose(t), np.ones(14)][1:]
        points[[*BODY_25.nose, *BODY_25.eyes, *BODY_25.ears]] = (*pose(t)[skeleton.HEAD], 1)
        people = [{"pose_keypoints_2d": points.ravel().tolist()}]
        (results / f"a_{t:012d}_keypoints.json").write_text(json.dumps({"people": people}))
    changes = {"pose": "openpose", "pose_results": str(tmp_path / "openpose"), "output": str(tmp_path / "other")}
    tool.create_clips(*configure(tmp_path, **changes))
    ((expected,),) = read_clips(tmp_path).values()
    ((clip,),) = read_clips(tmp_path, "other").values()
    assert (expected.pose_tool, clip.pose_tool) == ("alphapose", "openpose")
    # The head's top is derived from the face here; in the picture the rest is where AlphaPose's is.
    scales = [np.ptp(found.joints[0, 1:, 1]) / np.ptp(PERSON[1:, 1]) for found in (clip, expected)]
    inside = [found.joints[:, 1:, :2] - found.joints[:, 1:2, :2] for found in (clip, expected)]
    np.testing.assert_allclose(inside[0] / scales[0], inside[1] / scales[1], atol=0.01)


def box_of(image, joints):
    """For the person's matte: the box of the joints."""
    matte = np.zeros(image.shape[:2], np.uint8)
    (left, top), (right, bottom) = joints[:, :2].min(0).astype(int), joints[:, :2].max(0).astype(int) + 1
    matte[top:bottom, left:right] = 255
    return matte


def test_mattes_of_the_estimator_become_the_masks_of_the_crop(tmp_path, monkeypatch):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(*configure(tmp_path))
    ((clip,),) = read_clips(tmp_path).values()
    assert clip.masks is None  # results that are imported have none
    asked = []

    def matte(self, image, joints):
        asked.append(joints)
        return box_of(image, joints)

    monkeypatch.setattr(AlphaPoseEstimator, "matte", matte)
    tool.create_clips(*configure(tmp_path, output=str(tmp_path / "other")))
    np.testing.assert_allclose([joints[:, :2] for joints in asked], [pose(t) for t in range(30)], atol=1e-4)
    ((clip,),) = read_clips(tmp_path, "other").values()
    assert clip.masks.shape == (30, 32, 32) and clip.masks.dtype == np.uint8
    expected = [box_of(image, joints) for image, joints in zip(clip.frames, clip.joints)]
    # Edges lie within pixels of the crop.
    assert ((clip.masks > 127) != (np.array(expected) > 127)).sum((1, 2)).max() < 40
    assert (clip.masks[:, 16, 16] == 255).all()


@pytest.mark.parametrize(("wrong", "has_masks"), [(3, True), (4, False)])
def test_of_mattes_that_make_no_sense_a_clip_takes_a_tenth(tmp_path, monkeypatch, wrong, has_masks):
    add_video(tmp_path, "a.mp4")
    asked = []

    def matte(self, image, joints):
        asked.append(joints)
        return box_of(image, joints) * (len(asked) > wrong)

    monkeypatch.setattr(AlphaPoseEstimator, "matte", matte)
    tool.create_clips(*configure(tmp_path))
    ((clip,),) = read_clips(tmp_path).values()
    assert len(asked) == 30 and (clip.masks is not None) is has_masks
    if has_masks:
        assert clip.masks.any((1, 2)).all()


def test_flow_files_that_do_not_fit_are_named(tmp_path):
    add_video(tmp_path, "a.mp4")
    (tmp_path / "flows" / "a").mkdir(parents=True)
    path, (_, flags) = tmp_path / "videos" / "a.mp4", configure(tmp_path, flow_dir=str(tmp_path / "flows"))
    with pytest.raises(FlowError, match=r"0 \.flo files for 30 frames"):
        list(process_video(path, "a.mp4", flags))
    for t in range(29):
        write_flo(tmp_path / "flows" / "a" / f"{t:06d}.flo", np.zeros((4, 6, 2)))
    with pytest.raises(FlowError, match=r"000000\.flo: is 6 x 4, the video 96 x 96"):
        list(process_video(path, "a.mp4", flags))


def test_second_run_makes_only_what_is_missing(tmp_path):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(*configure(tmp_path))
    before = {tmp_path / "records" / name: 0 for name in files_in(tmp_path)}
    before = {path: path.stat().st_mtime_ns for path in before}
    assert tool.create_clips(*configure(tmp_path)) == []
    add_video(tmp_path, "sub/b.mp4")
    assert list(problems(tool.create_clips(*configure(tmp_path)))) == ["sub/b.mp4"]
    assert len(files_in(tmp_path)) == 5
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_videos_that_cannot_be_used_are_told_and_leave_nothing(tmp_path):
    add_video(tmp_path, "a.mp4")
    add_video(tmp_path, "empty_scene.mp4", unseen=range(30))
    add_video(tmp_path, "short.mp4", steps=10)
    cut_off = add_video(tmp_path, "cut_off.mp4", steps=60)
    cut_off.write_bytes(cut_off.read_bytes()[: cut_off.stat().st_size // 2])
    (tmp_path / "videos" / "text.mp4").write_text("hello")
    (tmp_path / "poses" / "text.json").write_text("[]")
    add_video(tmp_path, "no_poses.mp4")
    (tmp_path / "poses" / "no_poses.json").unlink()
    tried = tool.create_clips(*configure(tmp_path))
    told = problems(tried)
    assert told.pop("a.mp4") == told.pop("empty_scene.mp4") == told.pop("short.mp4") == ""
    assert told.pop("cut_off.mp4").startswith("cut_off.mp4: the video has no frames")
    assert told.pop("text.mp4").startswith("text.mp4: not a readable video")
    assert "no_poses.json cannot be read" in told.pop("no_poses.mp4")
    assert told == {}
    assert [name for name in files_in(tmp_path) if "/" not in name] == ["clips.json", store.record_name("a.mp4")]
    text = tool.summary(tried, configure(tmp_path)[0])
    assert text.startswith("1 clips made from 1 of 6 videos") and text.count("skipped: ") == 3
    # What was read needs no second try, though it gave no clip; the others may be mended by now.
    assert list(problems(tool.create_clips(*configure(tmp_path)))) == ["cut_off.mp4", "no_poses.mp4", "text.mp4"]


def test_an_error_of_ours_costs_one_video(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        add_video(tmp_path, name)

    def faulty(path, video_id, flags):
        if video_id == "a.mp4":
            raise ZeroDivisionError("by zero\nsecond line")
        return process_video(path, video_id, flags)

    monkeypatch.setattr(store, "process_video", faulty)
    tried = tool.create_clips(*configure(tmp_path))
    assert problems(tried) == {"a.mp4": "a.mp4: ZeroDivisionError: by zero", "b.mp4": ""}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_nothing_half_written(tmp_path, monkeypatch, error):
    add_video(tmp_path, "a.mp4", steps=60)

    def interrupted(*arguments):
        yield next(process_video(*arguments))
        assert len(files_in(tmp_path)) == 2
        raise error

    monkeypatch.setattr(store, "process_video", interrupted)
    with pytest.raises(error):
        tool.create_clips(*configure(tmp_path, seconds=1))
    assert files_in(tmp_path) == ["clips.json"]


def test_other_settings_need_another_directory(tmp_path):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(*configure(tmp_path))
    with pytest.raises(ValueError, match=r"size 32 there, 64 asked for"):
        tool.create_clips(*configure(tmp_path, size=64))
    (tmp_path / "records" / "clips.json").write_text("[1")
    with pytest.raises(ValueError, match="clips.json is damaged"):
        tool.create_clips(*configure(tmp_path))


def test_no_videos_are_an_error(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(ValueError, match="no videos below"):
        tool.create_clips(*configure(tmp_path))
    assert not (tmp_path / "records").exists()


def test_what_is_no_directory_is_told(tmp_path):
    add_video(tmp_path, "a.mp4")
    with pytest.raises(ValueError, match="--videos=.*a.mp4 is no directory: give one with videos in it"):
        tool.create_clips(*configure(tmp_path, videos=str(tmp_path / "videos" / "a.mp4")))
    with pytest.raises(OSError, match="--output=.*a.mp4 cannot be made a directory .File exists"):
        tool.create_clips(*configure(tmp_path, output=str(tmp_path / "videos" / "a.mp4")))


def test_videos_that_are_gone_stay_with_their_records_alone(tmp_path):
    for name in ("a.mp4", "b.mp4", "c.mp4", "text.mp4"):
        add_video(tmp_path, name)
    (tmp_path / "videos" / "text.mp4").write_text("hello")
    tool.create_clips(*configure(tmp_path))
    for name in ("a.mp4", "b.mp4", "text.mp4"):
        (tmp_path / "videos" / name).unlink()
    (tmp_path / "records" / store.record_name("b.mp4")).unlink()
    assert tool.create_clips(*configure(tmp_path)) == []
    entries = store.read_entries(str(tmp_path / "records"))
    assert [entry["video_id"] for entry in entries] == ["a.mp4", "c.mp4"]
    manifest = json.loads((tmp_path / "records" / "manifest.json").read_text())
    assert sorted(manifest["files"]) == sorted(store.record_name(name) for name in ("a.mp4", "c.mp4"))


def test_split_depends_on_the_name_alone_and_never_changes():
    assert [store.split_of(f"{i}.mp4") for i in range(6)] == ["train", "train", "train", "train", "test", "train"]
    splits = [store.split_of(f"video {i}.mp4") for i in range(2000)]
    assert splits.count("train") == pytest.approx(1600, abs=60)
    assert splits.count("val") == pytest.approx(200, abs=50)


NAMES = st.sets(st.from_regex(r"([a-c]/)?[a-zA-Z0-9 ]{1,6}\.(mp4|MOV|webm)", fullmatch=True), max_size=12)


@settings(max_examples=40, deadline=None)
@given(first=NAMES, added=NAMES)
def test_more_videos_move_none_to_another_split(first, added):
    def assigned(root):
        return {name: store.record_name(name, 1) for name in listing.find_videos(root)}

    with tempfile.TemporaryDirectory() as root:
        for name in first:
            Path(root, name).parent.mkdir(exist_ok=True)
            Path(root, name).touch()
        before = assigned(root)
        for name in added:
            Path(root, name).parent.mkdir(exist_ok=True)
            Path(root, name).touch()
        after = assigned(root)
    assert set(before) == first and set(after) == first | added
    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after)


def test_every_video_has_a_file_name_of_its_own_that_a_glob_finds():
    names = ["a/b.mp4", "a_b.mp4", "a b.mp4", "ä.mp4", "ö.mp4", "[x]*.mp4", "long" * 80 + ".mp4"]
    files = [store.record_name(name) for name in names]
    assert len(set(files)) == len(files)
    for name, file in zip(names, files):
        assert file.startswith(store.split_of(name) + "-") and file.endswith(".tfrecord")
        assert len(file) < 140 and not set(file) & set("[]*? /")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"videos": ""}, "--videos is required"),
        ({"output": ""}, "--output is required"),
        ({"pose_results": ""}, "--pose=alphapose needs --pose_results"),
        ({"size": 8}, "got 8, 25.0 and 10.0"),
        ({"processes": 0}, "--processes must be at least 1, got 0"),
        ({"fps": -1.0}, "got 32, -1.0"),
        ({"cut": "none"}, "--cut must be one of all, random; got 'none'"),
        ({"min_whole": 0.0}, "got 0.0, 0.1 and 0.005"),
        ({"shard_megabytes": 0.0}, "--shard_megabytes must be greater than 0, got 0.0"),
        ({"shard_megabytes": float("nan")}, "--shard_megabytes must be greater than 0, got nan"),
        ({"seconds": 0.5}, "--seconds must be at least 1, the shortest clip; got 0.5"),
        ({"seconds": float("nan")}, "got 32, 25.0 and nan"),
    ],
)
def test_odd_flags_are_refused(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        configure(tmp_path, **changes)


@pytest.mark.slow
def test_several_processes_make_the_same_files(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        add_video(tmp_path, name)
    contents = []
    for processes, output in ((1, tmp_path / "alone"), (2, tmp_path / "together")):
        tool.create_clips(*configure(tmp_path, processes=processes, output=str(output)))
        files = (path for path in output.rglob("*") if path.is_file())
        contents.append({path.relative_to(output).as_posix(): path.read_bytes() for path in files})
    assert contents[0] == contents[1] and len(contents[0]) == 8


def test_record_files_are_bounded_and_the_manifest_has_their_checksums(tmp_path):
    add_video(tmp_path, "a.mp4", steps=90)
    config, flags = configure(tmp_path, seconds=1.0)
    tool.create_clips(config, flags)
    (whole,) = (tmp_path / "records").glob("*.tfrecord")
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(whole))]
    assert len(records) == 3
    limit = len(records[0]) + len(records[1]) + 32
    config, flags = configure(tmp_path, seconds=1.0, shard_megabytes=limit / 1e6, output=str(tmp_path / "bounded"))
    tool.create_clips(config, flags)
    shards = [tmp_path / "bounded" / store.record_name("a.mp4", number) for number in (0, 1)]
    assert sorted((tmp_path / "bounded").glob("*.tfrecord")) == shards
    assert [shard.stat().st_size for shard in shards] == [limit, len(records[2]) + 16]
    assert [record.numpy() for record in tf.data.TFRecordDataset([str(shard) for shard in shards])] == records
    manifest = json.loads((tmp_path / "bounded" / "manifest.json").read_text())
    assert manifest["settings"] == flags.content()
    assert manifest["files"] == {
        shard.name: {"sha256": hashlib.sha256(shard.read_bytes()).hexdigest(), "bytes": shard.stat().st_size}
        for shard in shards
    }


def test_record_files_of_an_earlier_try_are_removed(tmp_path):
    add_video(tmp_path, "a.mp4", steps=90)
    tool.create_clips(*configure(tmp_path, seconds=1.0, shard_megabytes=1e-6))
    first, *others = (tmp_path / "records" / store.record_name("a.mp4", number) for number in range(3))
    assert first.exists() and all(other.exists() for other in others)
    first.unlink()
    unfinished = [tmp_path / "records" / ".0a1b2c3d.part.tfrecord", tmp_path / "records" / "videos" / ".0a.part.json"]
    for path in unfinished:
        path.touch()
        os.utime(path, (0, 0))
    written = tmp_path / "records" / ".1a2b3c4d.part.tfrecord"  # by another run, at this moment
    written.touch()
    tool.create_clips(*configure(tmp_path, seconds=1.0))
    assert not any(path.exists() for path in unfinished) and written.exists()
    written.unlink()
    assert sorted((tmp_path / "records").glob("*.tfrecord")) == [first]
    assert len(read_clips(tmp_path)[first.name]) == 3


def test_a_full_disk_ends_the_run_and_blames_no_video(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        add_video(tmp_path, name)

    class FullDisk(tf.io.TFRecordWriter):
        def write(self, record):
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(store.tf.io, "TFRecordWriter", FullDisk)
    with pytest.raises(OSError, match="records cannot be written .No space left on device"):
        tool.create_clips(*configure(tmp_path))
    assert files_in(tmp_path) == ["clips.json"]


def test_who_is_followed_is_looked_for_anew_in_the_first_frame_of_a_shot(tmp_path, monkeypatch):
    images = [room(seed)[:, :SIDE] for seed in (0, 1) for _ in range(20)]
    add_video(tmp_path, "a.mp4", frames=images)
    anew = []
    monkeypatch.setattr(
        AlphaPoseEstimator, "detect_anew", lambda _, image, index, people: anew.append(index) or people + 1
    )
    _, settings = configure(tmp_path)
    with survey.open_estimator("a.mp4", settings) as estimator:
        found = survey.survey(tmp_path / "videos" / "a.mp4", estimator, settings)
    ((first, start), (_, end)) = found.shots()
    assert (first, end) == (0, len(found.indices)) and anew == [found.indices[start]] and anew[0] >= 20


def test_a_damaged_entry_is_made_again(tmp_path):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(*configure(tmp_path))
    path = tmp_path / "records" / entry_name("a.mp4")
    content = path.read_text()
    path.write_text(content.replace('"split"', '"splot"'))
    assert list(problems(tool.create_clips(*configure(tmp_path)))) == ["a.mp4"]
    assert path.read_text() == content


def test_a_name_that_is_no_text_is_left_out(tmp_path, caplog):
    add_video(tmp_path, "a.mp4")
    with open(bytes(tmp_path / "videos") + b"/\xe4.mp4", "wb"):
        pass
    with caplog.at_level("WARNING", logger="absl"):
        assert list(problems(tool.create_clips(*configure(tmp_path)))) == ["a.mp4"]
    assert r"b'\xe4.mp4' is left out, since its name is not UTF-8" in caplog.text


def test_a_video_whose_error_comes_again_with_its_picture_costs_no_other(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        add_video(tmp_path, name)
    read = survey.read_frames

    def out_of_memory(path):
        if str(path).endswith("a.mp4"):
            raise MemoryError
        return read(path)

    for module in (survey, process):
        monkeypatch.setattr(module, "read_frames", out_of_memory)
    told = problems(tool.create_clips(*configure(tmp_path)))
    assert told == {"a.mp4": "a.mp4: MemoryError: MemoryError", "b.mp4": ""}


class FatalSettings(ClipSettings):
    """Those of videos of which b.mp4 ends the process that reads it."""

    @property
    def longest(self):
        frames = {name for frame in inspect.stack() if (name := frame.frame.f_locals.get("video_id"))}
        if "b.mp4" in frames:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().longest


@pytest.mark.slow
@one_line
def test_a_video_that_ends_its_process_costs_no_other(tmp_path):
    for letter in "abc":
        add_video(tmp_path, f"{letter}.mp4")
    config, flags = configure(tmp_path, processes=2)
    told = problems(tool.create_clips(config, FatalSettings(**dataclasses.asdict(flags))))
    assert told.pop("b.mp4") == "b.mp4: the process that read it died (out of memory?)"
    assert told == {"a.mp4": "", "c.mp4": ""}


@pytest.mark.slow
@one_line
def test_a_killed_run_leaves_no_processes_and_can_be_gone_on_with(tmp_path):
    for name, steps in {"a.mp4": 30, "b.mp4": 30, "c.mp4": 200}.items():  # the last is not done when the first one is
        add_video(tmp_path, name, steps)
    places = {"videos": "videos", "pose_results": "poses", "output": "records"}
    command = [sys.executable, "-m", "tfrecords_tools.create_clips", "--pose=alphapose", "--size=32", "--processes=2"]
    command += [f"--{name}={tmp_path / folder}" for name, folder in places.items()]
    process = subprocess.Popen(command, cwd=Path(tool.__file__).parent.parent, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not list((tmp_path / "records").glob("videos/*.json")) and process.poll() is None:
        time.sleep(0.01)
    left = [int(pid) for pid in children.read_text().split()]
    process.kill()
    process.wait()
    assert len(left) >= 2
    deadline = time.monotonic() + 3600  # a busy machine takes its time
    while any(is_running(pid) for pid in left) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_running(pid) for pid in left)
    assert "c.mp4" in problems(tool.create_clips(*configure(tmp_path)))
    assert {name.split(".")[-1] for name in files_in(tmp_path)} == {"json", "tfrecord"}
    assert len(read_clips(tmp_path)) == 3


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_removed_record_file_is_made_again(tmp_path):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(*configure(tmp_path))
    path = tmp_path / "records" / store.record_name("a.mp4")
    content = path.read_bytes()
    path.unlink()
    assert list(problems(tool.create_clips(*configure(tmp_path)))) == ["a.mp4"]
    assert path.read_bytes() == content


def test_the_command_tells_of_skipped_videos_and_ends_with_status_1(tmp_path, capsys):
    add_video(tmp_path, "a.mp4")
    (tmp_path / "videos" / "text.mp4").write_text("hello")
    (tmp_path / "poses" / "text.json").write_text("[]")
    with pytest.raises(SystemExit) as ended:
        tool.main(*configure(tmp_path))
    assert ended.value.code == 1
    told = capsys.readouterr().out
    assert told.startswith("1 clips made from 1 of 2 videos")
    assert "clips there: 0 train, 1 val, 0 test" in told
    assert "skipped: text.mp4: not a readable video" in told


def test_a_video_without_any_clip_is_no_failure(tmp_path, capsys):
    add_video(tmp_path, "a.mp4", unseen=range(30))
    with pytest.raises(SystemExit) as caught:
        tool.main(*configure(tmp_path))
    assert caught.value.code == 0
    assert "0 clips made from 0 of 1 videos" in capsys.readouterr().out


def test_bad_flags_end_with_one_line():
    command = [sys.executable, "-m", "tfrecords_tools.create_clips", "--videos=a", "--output=b", "--size=1"]
    ended = subprocess.run(command, cwd=Path(tool.__file__).parent.parent, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("create_clips: --size must be at least 16") and ended.stderr.count("\n") == 1
