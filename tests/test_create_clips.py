"""Videos to records: steps, joints, flow, splits, and going on after what went wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import videos
from records import STANDING

from stmt_tf.data.schema import decode_clip
from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators.layouts import MPII_16
from stmt_tf.video.flow import FlowError, write_flo
from stmt_tf.video.reader import Frame
from stmt_tf.video.resample import at_rate
from tfrecords_tools import create_clips as tool
from tfrecords_tools.clips import ClipsConfig, make_clips

SIDE = 96
PERSON = STANDING * 60 + (18, 18)


def pose(t: int) -> np.ndarray:
    """Joints `[14, 2]` at frame t: somebody who stands, and lowers the right hand a little."""
    joints = PERSON.copy()
    joints[skeleton.RIGHT_WRIST, 1] += 0.1 * t
    return joints


def frame(t: int) -> np.ndarray:
    """A grey frame with a bright square of 5 pixels at the right hand."""
    image = np.full((SIDE, SIDE, 3), 60, np.uint8)
    x, y = pose(t)[skeleton.RIGHT_WRIST].round().astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def keypoints(joints: np.ndarray) -> list[float]:
    """The same joints in AlphaPose's MPII layout."""
    points = np.zeros((16, 3))
    points[[MPII_16.head, MPII_16.neck, *MPII_16.limbs]] = np.c_[joints, np.ones(14)]
    return points.ravel().tolist()


def add_video(folder: Path, name: str, steps: int = 30, unseen: range = range(0), **options) -> Path:
    """Writes folder/videos/name and its poses, which `unseen` frames lack."""
    path = folder / "videos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    videos.write_video(path, [frame(t) for t in range(steps)], crf="8", **options)
    entries = [
        {"image_id": f"{t}.jpg", "keypoints": keypoints(pose(t))} for t in range(steps) if t not in unseen
    ]
    results = (folder / "poses" / name).with_suffix(".json")
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(entries))
    return path


def configure(folder: Path, **changes) -> ClipsConfig:
    values = {
        "videos": str(folder / "videos"),
        "output": str(folder / "records"),
        "pose": "alphapose",
        "pose_results": str(folder / "poses"),
        "size": 32,
        "processes": 1,
        **changes,
    }
    return ClipsConfig(**values)


def read_clips(folder: Path) -> dict[str, list]:
    """The clips of each record file."""
    return {
        path.name: [decode_clip(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
        for path in sorted((folder / "records").glob("*.tfrecord"))
    }


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "records").iterdir())


def test_clip_holds_frames_joints_and_flow_of_the_crop(tmp_path):
    add_video(tmp_path, "a.mp4")
    (outcome,) = tool.create_clips(configure(tmp_path))
    assert (outcome.video_id, outcome.clips, outcome.problem) == ("a.mp4", 1, "")
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
    tool.create_clips(configure(tmp_path, seconds=1.2))
    ((first, second),) = read_clips(tmp_path).values()
    assert (len(first.frames), len(second.frames)) == (30, 30)  # the last 10 are too few
    assert first.clip_id != second.clip_id and first.video_id == second.video_id


def test_stretches_without_a_person_are_left_out(tmp_path):
    add_video(tmp_path, "a.mp4", steps=80, unseen=range(26, 50))
    tool.create_clips(configure(tmp_path))
    ((first, second),) = read_clips(tmp_path).values()
    assert (len(first.frames), len(second.frames)) == (26, 30)


def test_rate_is_constant_whatever_the_videos(tmp_path):
    add_video(tmp_path, "a.mp4", steps=60, fps=50)
    tool.create_clips(configure(tmp_path))
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
    config = configure(tmp_path, flow_dir=str(tmp_path / "flows"))
    tool.create_clips(config)
    ((clip,),) = read_clips(tmp_path).values()
    assert clip.flow_tool == "flo"
    # Two frames of the video a step; the size of the crop follows from the person's.
    scale = np.ptp(clip.joints[0, :, 1]) / np.ptp(PERSON[:, 1])
    expected = np.array([3, -2]) * scale
    np.testing.assert_allclose(clip.flows, np.broadcast_to(expected, clip.flows.shape), atol=0.02)


def test_flow_files_that_do_not_fit_are_named(tmp_path):
    add_video(tmp_path, "a.mp4")
    (tmp_path / "flows" / "a").mkdir(parents=True)
    config = configure(tmp_path, flow_dir=str(tmp_path / "flows"))
    with pytest.raises(FlowError, match=r"0 \.flo files for 30 frames"):
        list(make_clips("a.mp4", config))
    for t in range(29):
        write_flo(tmp_path / "flows" / "a" / f"{t:06d}.flo", np.zeros((4, 6, 2)))
    with pytest.raises(FlowError, match=r"000000\.flo: is 6 x 4, the video 96 x 96"):
        list(make_clips("a.mp4", config))


def test_second_run_makes_only_what_is_missing(tmp_path):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(configure(tmp_path))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "records").iterdir()}
    assert tool.create_clips(configure(tmp_path)) == []
    add_video(tmp_path, "sub/b.mp4")
    assert [outcome.video_id for outcome in tool.create_clips(configure(tmp_path))] == ["sub/b.mp4"]
    assert len(files_in(tmp_path)) == 3
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_videos_that_cannot_be_used_are_told_and_leave_nothing(tmp_path):
    add_video(tmp_path, "a.mp4")
    add_video(tmp_path, "empty_scene.mp4", unseen=range(30))
    add_video(tmp_path, "short.mp4", steps=10)
    cut_off = add_video(tmp_path, "cut_off.mp4", steps=60)
    cut_off.write_bytes(cut_off.read_bytes()[: cut_off.stat().st_size * 3 // 4])
    (tmp_path / "videos" / "text.mp4").write_text("hello")
    (tmp_path / "poses" / "text.json").write_text("[]")
    add_video(tmp_path, "no_poses.mp4")
    (tmp_path / "poses" / "no_poses.json").unlink()
    outcomes = tool.create_clips(configure(tmp_path))
    problems = {outcome.video_id: outcome.problem for outcome in outcomes}
    assert problems.pop("a.mp4") == ""
    assert "person was found in 0%" in problems.pop("empty_scene.mp4")
    assert "no stretch of 1 s" in problems.pop("short.mp4")
    assert "cannot be decoded" in problems.pop("cut_off.mp4")
    assert "not a readable video" in problems.pop("text.mp4")
    assert "no_poses.json cannot be read" in problems.pop("no_poses.mp4")
    assert problems == {}
    assert files_in(tmp_path) == ["clips.json", tool.record_name("a.mp4")]
    text = tool.summary(outcomes, configure(tmp_path))
    assert text.startswith("1 clips made from 1 videos") and text.count("skipped, ") == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_nothing_half_written(tmp_path, monkeypatch, error):
    add_video(tmp_path, "a.mp4", steps=60)

    def interrupted(*arguments):
        yield next(make_clips(*arguments))
        assert len(files_in(tmp_path)) == 2
        raise error

    monkeypatch.setattr(tool, "make_clips", interrupted)
    with pytest.raises(error):
        tool.create_clips(configure(tmp_path, seconds=1))
    assert files_in(tmp_path) == ["clips.json"]


def test_other_settings_need_another_directory(tmp_path):
    add_video(tmp_path, "a.mp4")
    tool.create_clips(configure(tmp_path))
    with pytest.raises(ValueError, match=r"size 32 there, 64 asked for"):
        tool.create_clips(configure(tmp_path, size=64))
    (tmp_path / "records" / "clips.json").write_text("[1")
    with pytest.raises(ValueError, match="clips.json is damaged"):
        tool.create_clips(configure(tmp_path))


def test_no_videos_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="no videos below"):
        tool.create_clips(configure(tmp_path))
    assert not (tmp_path / "records").exists()


def test_videos_are_found_below_the_directory(tmp_path):
    for name in ("b.MOV", "a/c.mp4", "._b.mov", "notes.txt", "a/d.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "folder.mp4").mkdir()
    assert tool.find_videos(str(tmp_path)) == ["a/c.mp4", "b.MOV"]


def test_split_depends_on_the_name_alone_and_never_changes():
    assert [tool.split_of(f"{i}.mp4") for i in range(6)] == ["train", "train", "train", "train", "test", "train"]
    splits = [tool.split_of(f"video {i}.mp4") for i in range(2000)]
    assert splits.count("train") == pytest.approx(1600, abs=60)
    assert splits.count("val") == pytest.approx(200, abs=50)


def test_every_video_has_a_file_name_of_its_own_that_a_glob_finds():
    names = ["a/b.mp4", "a_b.mp4", "a b.mp4", "ä.mp4", "ö.mp4", "[x]*.mp4", "long" * 80 + ".mp4"]
    files = [tool.record_name(name) for name in names]
    assert len(set(files)) == len(files)
    for name, file in zip(names, files):
        assert file.startswith(tool.split_of(name) + "-") and file.endswith(".tfrecord")
        assert len(file) < 140 and not set(file) & set("[]*? /")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"videos": ""}, "--videos is required"),
        ({"output": ""}, "--output is required"),
        ({"pose_results": ""}, "--pose=alphapose needs --pose_results"),
        ({"size": 8}, "got 8, 1, 25.0 and 10.0"),
        ({"processes": 0}, "got 32, 0"),
        ({"fps": -1.0}, "got 32, 1, -1.0"),
    ],
)
def test_odd_flags_are_refused(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        configure(tmp_path, **changes)


@pytest.mark.slow
def test_several_processes_make_the_same_files(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        add_video(tmp_path, name)
    alone = configure(tmp_path, output=str(tmp_path / "alone"))
    outcomes = tool.create_clips(alone)
    assert tool.create_clips(configure(tmp_path, processes=2)) == outcomes
    assert files_in(tmp_path) == sorted(os.listdir(alone.output))
    for name, clips in read_clips(tmp_path).items():
        for record, clip in zip(tf.data.TFRecordDataset(os.path.join(alone.output, name)), clips):
            other = decode_clip(record.numpy())
            assert clip.clip_id == other.clip_id
            for field in ("frames", "joints", "flows"):
                np.testing.assert_array_equal(getattr(clip, field), getattr(other, field))


@pytest.mark.parametrize(("skipped", "status"), [(False, 0), (True, 1)])
def test_exit_status_tells_of_skipped_videos(tmp_path, monkeypatch, capsys, skipped, status):
    add_video(tmp_path, "a.mp4")
    if skipped:
        (tmp_path / "videos" / "text.mp4").write_text("hello")
        (tmp_path / "poses" / "text.json").write_text("[]")
    monkeypatch.setattr(tool.flags, "read", lambda _: configure(tmp_path))
    monkeypatch.setattr(tool.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as caught:
        tool.main(["create_clips"])
    assert caught.value.code == status
    out = capsys.readouterr().out
    assert out.startswith("1 clips made from 1 videos") and ("skipped, text.mp4" in out) == skipped


def test_bad_flags_end_with_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tool.flags, "read", lambda _: configure(tmp_path, size=1))
    monkeypatch.setattr(tool.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match="^create_clips: --size must be at least 16"):
        tool.main(["create_clips"])
