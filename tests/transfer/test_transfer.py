"""Whole transfers, of rendered dancers with their exact joints given as AlphaPose's results."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from threads import running_stages
from tiny_model import model_directory
from transfers import Painter, save, write_poses
from videos import numbered_frames, write_audio, write_video
from words import own_lines

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.place.compositing import Compositor
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.transfer.checks import check
from stmt_tf.transfer.command import main
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import VideoError, probe, read_chosen, read_frames
from stmt_tf.video.sheet import write_png
from stmt_tf.video.writer import VideoWriter

SIZE = 64
LENGTH = 9
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def dancers():
    return [render_video(3, index, SIZE, LENGTH, 12.5) for index in (1, 5)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, dancers):
    """Flags of two videos, the target's at 12.5 fps with sound, and of their poses."""
    folder = tmp_path_factory.mktemp("inputs")
    source, target = dancers
    sound = write_audio(folder / "sound.m4a")
    return {
        "source": save(folder / "source.mp4", source),
        "target": save(folder / "target.mp4", target, fps=12.5, audio=sound),
        "pose": "alphapose",
        "source_poses": write_poses(folder / "source.json", source.joints),
        "target_poses": write_poses(folder / "target.json", target.joints),
        "num_source_frames": 3,
    }


def images_of(path):
    return np.stack([frame.image for frame in read_frames(path)])


def command(*arguments, **settings):
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "stmt_tf.transfer", *flags, *arguments]


def run(*arguments, **settings):
    return subprocess.run(command(*arguments, **settings), capture_output=True, text=True, timeout=3600)


@pytest.mark.slow
def test_the_command_makes_a_playable_video_with_the_targets_times_and_sound(tmp_path, inputs):
    output = tmp_path / "result.mp4"
    pictures = {"sheet": tmp_path / "sheet.png", "preview": tmp_path / "preview.png"}
    done = run(**inputs, output=output, model=model_directory(), **pictures)
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["preview.png", "result.mp4", "sheet.png"]
    told = [line for line in own_lines(done.stderr.replace("\r", "\n")) if line.strip()]
    assert all(
        line.startswith(("poses:", "source:", "result:"))
        or any(words in line for words in ("loading the model", "source frames:", "wrote"))
        for line in told
    ), done.stderr
    assert "frames/s" in done.stderr and str(output) in told[-1]
    assert "frames/s, source.mp4, target.mp4]" in done.stderr and "frames/s, result.mp4]" in done.stderr
    info = probe(output)
    assert (info.width, info.height, info.fps, info.num_frames) == (SIZE, SIZE, 12.5, LENGTH)
    expected = [frame.time for frame in read_frames(inputs["target"])]
    np.testing.assert_allclose([frame.time for frame in read_frames(output)], expected, atol=1e-4)
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert container.streams.audio[0].codec_context.name == "aac"
    sheet = cv2.imread(str(pictures["sheet"]))
    assert sheet.shape[0] > 3 * 240 and sheet.shape[1] >= 8 * 240


@pytest.mark.slow
def test_the_command_makes_the_preview_alone(tmp_path, inputs, caplog, capsys):
    preview, model = str(tmp_path / "preview.png"), model_directory()
    with caplog.at_level("INFO", logger="absl"):
        main(TransferConfig(**inputs, model=model, preview=preview))
    assert os.listdir(tmp_path) == ["preview.png"]
    told = capsys.readouterr().err
    assert caplog.messages[-1] == f"wrote {preview}" and "poses:" in told and "result:" not in told
    assert re.search(r"source: 100%.* (\d+)/\1 .*source\.mp4", told)


def test_outside_the_crop_the_result_is_the_sources_place(tmp_path, inputs, dancers, monkeypatch):
    small = Crop(16, 8, 24)
    monkeypatch.setattr(Crop, "around", classmethod(lambda *_: small))
    output = tmp_path / "result.mp4"
    MotionTransfer(Painter())(**inputs, output=str(output))
    source, result = images_of(inputs["source"]), images_of(output)
    outside = np.ones((SIZE, SIZE), bool)
    outside[6:34, 14:42] = False  # the crop and the blocks around it, which the encoder touches
    still = outside & (np.ptp(source.astype(int), axis=0).max(-1) < 20)
    assert still.mean() > 0.2
    differences = np.abs(result.astype(int) - np.median(source, axis=0))[:, still]
    assert np.percentile(differences, 90) <= 12  # but for what is never seen there
    inside = result[:, 10:30, 18:38].astype(int)
    assert (inside[..., 0] - inside[..., 1] > 100).any((1, 2)).all()


def is_red(images):
    return images[..., 0].astype(int) - images[..., 2] > 100


def test_of_a_source_with_a_cut_only_the_shot_is_taken_that_shows_somebody_longest(tmp_path, inputs, dancers, caplog):
    mine, other = dancers
    path = write_video(tmp_path / "cut.mp4", [*other.frames[:5], *mine.frames, *other.frames[5:]], crf="10")
    joints = np.concatenate([other.joints[:5], mine.joints, other.joints[5:]])
    settings = {**inputs, "source": path, "source_poses": write_poses(tmp_path / "cut.json", joints)}
    del settings["target"], settings["target_poses"]
    with caplog.at_level("WARNING"):
        source = MotionTransfer(Painter()).prepare_source(**settings)
    assert "has 2 cuts; only the shot that shows somebody longest is taken, frames 5 to 13 of 18" in caplog.text
    np.testing.assert_array_equal(np.flatnonzero((source.track[..., 2] > 0).any(1)), np.arange(5, 14))
    for frame in source.frames:
        assert np.abs(frame.astype(int) - mine.frames).mean((1, 2, 3)).min() < 4
    settings.update(source=inputs["source"], source_poses=inputs["source_poses"])
    alone = MotionTransfer(Painter()).prepare_source(**settings)
    assert np.abs(source.plate.astype(int) - alone.plate).mean() < 4


@pytest.mark.parametrize("suffix, count", [("png", 1), ("jpg", 1), ("mp4", 2)])
def test_a_picture_or_a_few_frames_are_a_source(tmp_path, inputs, dancers, suffix, count):
    source, output = tmp_path / f"source.{suffix}", tmp_path / "result.mp4"
    if suffix == "mp4":
        write_video(source, list(dancers[0].frames[:count]), crf="10")
    else:
        cv2.imwrite(str(source), dancers[0].frames[0][..., ::-1])
    poses = write_poses(tmp_path / "source.json", dancers[0].joints[:count])
    settings = {**inputs, "source": source, "source_poses": poses, "num_source_frames": 0}
    MotionTransfer(Painter())(**settings, output=output)
    made = images_of(output)
    assert made.shape == (LENGTH, SIZE, SIZE, 3) and is_red(made).any((1, 2)).all()
    # The place is the picture's own, but for where its person was.
    away = np.ones((SIZE, SIZE), bool)
    low, high = (f(dancers[0].joints[:count, :, :2], axis=(0, 1)).astype(int) for f in (np.min, np.max))
    away[max(0, low[1] - 8) : high[1] + 8, max(0, low[0] - 8) : high[0] + 8] = False
    away &= ~is_red(made).any(0)
    assert away.mean() > 0.1
    differences = np.abs(made.astype(int) - dancers[0].frames[0])[:, away]
    assert np.percentile(differences, 90) <= 16

@pytest.mark.parametrize("crop_only", [False, True])
def test_picture_takes_the_place_of_the_background(tmp_path, inputs, crop_only):
    picture, output, sheet = tmp_path / "blue.png", tmp_path / "result.mp4", tmp_path / "sheet.png"
    cv2.imwrite(str(picture), np.full((30, 90, 3), (200, 60, 20), np.uint8))  # BGR
    MotionTransfer(Painter())(**inputs, output=output, background=picture, sheet=sheet, crop_only=crop_only)
    result = images_of(output)
    assert result.shape[1:3] == ((32, 32) if crop_only else (SIZE, SIZE))
    assert is_red(result).any((1, 2)).all()
    corner = result[:, :2, :2].astype(int)
    assert np.abs(corner - (20, 60, 200)).max() < 20
    assert cv2.imread(str(sheet)).shape[0] > 4 * 240  # a row more


def test_video_gives_another_place(tmp_path, inputs, dancers):
    output = tmp_path / "result.mp4"
    third = {"background": inputs["target"], "background_poses": inputs["target_poses"]}
    # Who sees the background everywhere: its place is the target's first frame as it is.
    MotionTransfer(Painter())(**inputs, **third, output=output)
    chosen = images_of(inputs["target"]).astype(int)
    top = np.s_[:6]  # above everybody
    difference = np.abs(images_of(output)[:, np.newaxis].astype(int) - chosen)[:, :, top]
    assert np.percentile(difference, 95, axis=(2, 3, 4)).min(1).max() <= 16


def test_model_makes_another_place_where_that_is_asked_for(tmp_path, inputs):
    output, sheet = tmp_path / "result.mp4", tmp_path / "sheet.png"
    third = {"background": inputs["target"], "background_poses": inputs["target_poses"]}
    settings = {**inputs, **third, "output": output, "sheet": sheet, "crop_only": True}
    result = MotionTransfer(Painter())(**settings, background_by="model")
    frames = images_of(output).astype(int)
    assert frames.shape[1:3] == (32, 32)
    away = ~np.asarray(result.masks).any(0)
    assert away.any() and np.abs(frames[:, away] - (0, 255, 0)).mean() < 20  # the Painter's place
    assert (result.background == (0, 255, 0)).all()
    assert cv2.imread(str(sheet)).shape[0] > 4 * 240  # a row more
    MotionTransfer(Painter())(**settings)  # the plate
    assert np.abs(images_of(output).astype(int)[:, away] - (0, 255, 0)).mean() > 40


def test_background_that_cannot_be_used_is_one_line(tmp_path, inputs):
    settings = {**inputs, "output": str(tmp_path / "result.mp4")}
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(VideoError, match="--background takes a colour .* a picture .* or a video. .*a.jpg: "):
        check(TransferConfig(**settings, background=str(tmp_path / "a.jpg")))
    with pytest.raises(VideoError, match="--background takes a colour .* or a video. .*none.mp4: no such file"):
        check(TransferConfig(**settings, background=str(tmp_path / "none.mp4")))
    with pytest.raises(PoseError, match="needs its results: give --background_poses"):
        check(TransferConfig(**settings, background=inputs["target"]))
    picture = str(tmp_path / "b.png")
    cv2.imwrite(picture, np.zeros((30, 90, 3), np.uint8))
    for background, crop_only in ((inputs["target"], False), (picture, True), ("", True)):
        with pytest.raises(ValueError, match="--background_by=model makes the model's square view of a video: give"):
            check(TransferConfig(**settings, background=background, background_by="model", crop_only=crop_only))
    assert sorted(os.listdir(tmp_path)) == ["a.jpg", "b.png"]


def test_variable_times_and_a_turned_target_are_kept(tmp_path, inputs, dancers):
    times = [0.0, 0.1, 0.15, 0.4, 0.41, 0.5, 0.9, 1.0, 1.3]
    target = write_video(tmp_path / "target.mp4", list(dancers[1].frames), times=times, rotation=90)
    output = tmp_path / "result.mp4"
    MotionTransfer(Painter())(**{**inputs, "target": target}, output=str(output))
    np.testing.assert_allclose([frame.time for frame in read_frames(output)], times, atol=1e-3)


def test_the_crop_alone_is_what_the_model_makes(tmp_path, inputs):
    output = tmp_path / "result.mp4"
    MotionTransfer(Painter())(**inputs, output=str(output), crop_only=True)
    images = images_of(output).astype(int)
    assert images.shape == (LENGTH, 32, 32, 3)
    assert 0.05 < is_red(images).mean() < 0.8


def test_side_by_side_shows_source_target_and_result(tmp_path, inputs):
    output = tmp_path / "result.mp4"
    MotionTransfer(Painter())(**inputs, output=str(output), layout="side_by_side")
    images = images_of(output)
    assert images.shape == (LENGTH, 256, 768, 3)
    target = images_of(inputs["target"])
    shown = cv2.resize(images[4, :, 256:512], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - target[4]).mean() < 6
    moved = np.abs(np.diff(images[:, :, :256].astype(int), axis=0)).max((1, 2, 3))
    assert (moved > 20).sum() >= 3  # the source, of twice the target's rate, is played over and over


@pytest.mark.parametrize("held_objects", [False, True])
def test_the_source_is_repaired_unless_what_is_held_is_to_be_shown(tmp_path, inputs, monkeypatch, held_objects):
    sides = []
    repair = "stmt_tf.transfer.prepare.whole_person"
    monkeypatch.setattr(repair, lambda model, source, side: sides.append(side) or source)
    MotionTransfer(Painter())(**inputs, output=str(tmp_path / "out.mp4"), held_objects=held_objects)
    assert sides == [] if held_objects else len(sides) == 1


def test_a_target_that_is_not_whole_in_view_is_told(tmp_path, inputs, dancers, caplog):
    joints = dancers[1].joints.copy()
    joints[:4, 10] = 0.0  # an ankle
    poses = write_poses(tmp_path / "poses.json", joints)
    settings = {**inputs, "target_poses": poses}
    with caplog.at_level("WARNING"):
        MotionTransfer(Painter())(**settings, output=str(tmp_path / "out.mp4"))
    assert "not all of the body is in view in 4 of 9 frames" in caplog.text


def test_frames_without_a_person_show_the_place_alone(tmp_path, inputs, dancers, caplog):
    joints = dancers[1].joints.copy()
    joints[:7] = 0.0
    poses = write_poses(tmp_path / "poses.json", joints)
    output = tmp_path / "result.mp4"
    settings = {**inputs, "target_poses": poses, "crop_only": True}
    with caplog.at_level("WARNING"):
        MotionTransfer(Painter())(**settings, output=str(output))
    assert "no person in 7 of 9 frames" in caplog.text
    assert "is laid straight on" not in caplog.text
    reddish = is_red(images_of(output)).mean((1, 2))
    assert (reddish[:7] < 0.01).all() and (reddish[7:] > 0.05).all()


def test_the_same_seed_makes_the_same_video(tmp_path, inputs):
    made = []
    for name, seed in (("a", 1), ("b", 1)):
        output = tmp_path / f"{name}.mp4"
        MotionTransfer(Painter())(**inputs, output=output, source_selection="random", seed=seed)
        made.append(output.read_bytes())
    assert made[0] == made[1]


def test_a_video_without_a_person_is_named(tmp_path, inputs):
    empty = write_video(tmp_path / "empty.mp4", numbered_frames(4))
    (tmp_path / "none.json").write_text("[]")
    with pytest.raises(PoseError, match=r"none\.json: shows somebody in 0 of the 4 frames of .*empty\.mp4"):
        estimate_tracks([PosedVideo(empty, "alphapose", results=str(tmp_path / "none.json"))])


def test_other_people_are_one_warning_that_names_the_video(tmp_path, inputs, dancers, caplog):
    entries = json.loads(Path(inputs["source_poses"]).read_text())
    for entry in list(entries):
        beside = [x + 25 * (i % 3 == 0) for i, x in enumerate(entry["keypoints"])]
        entries.append({**entry, "keypoints": beside})
    (tmp_path / "two.json").write_text(json.dumps(entries))
    with caplog.at_level("WARNING"):
        estimate_tracks([PosedVideo(inputs["source"], "alphapose", results=str(tmp_path / "two.json"))])
    (record,) = caplog.records
    assert "source.mp4: More than one person" in record.getMessage()


def bad_inputs(folder, inputs):
    (folder / "text.mp4").write_text("no video")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "folder.png").mkdir()
    out = str(folder / "out" / "result.mp4")
    no_poses = {"pose": "mediapipe", "source_poses": "", "target_poses": ""}
    return {
        "a missing source": ({"source": "none.mp4"}, "none.mp4: no such file"),
        "a missing target": ({"target": "none.mp4"}, "none.mp4: no such file"),
        "a text file": ({"source": str(folder / "text.mp4")}, "not a readable video"),
        "an empty file": ({"target": str(folder / "empty.mp4")}, "not a readable video"),
        "a directory": ({"target": str(folder)}, "is a directory"),
        "no such output directory": ({"output": str(folder / "none" / "a.mp4")}, "Create it first"),
        "an unknown extension": ({"output": str(folder / "out" / "a.avi")}, "unsupported extension"),
        "output over the source": ({"output": inputs["source"]}, "another flag names it too"),
        "sheet over the preview": ({"preview": f"{folder}/a.png", "sheet": f"{folder}/./a.png"}, "names it too"),
        "a preview that is no PNG": ({"preview": f"{folder}/out/a.jpg"}, "ends in .png"),
        "a preview in no directory": ({"preview": f"{folder}/none/a.png"}, "does not exist. Create it"),
        "a sheet that is a directory": ({"sheet": str(folder / "folder.png")}, "is a directory"),
        "mattes that are not there": ({"source_mattes": "/no/such/mattes"}, "no such directory"),
        "more source frames than there are": ({"num_source_frames": 99}, "has 9 frames"),
        "a negative number of source frames": ({"num_source_frames": -1}, "got -1"),
        "no results of the pose tool": ({"source_poses": ""}, "give --source_poses"),
        "saved poses that are not there": ({**no_poses, "target_poses": "none.json"}, "none.json: no such file"),
        "missing results": ({"target_poses": "none.json"}, "--target_poses=none.json: no such file"),
        "results for mediapipe": ({"pose": "mediapipe"}, "are for --pose=openpose or alphapose, got --pose=mediapipe"),
        "results for movenet": ({"pose": "movenet", "source_poses": ""}, "--target_poses="),
        "a missing model": ({**no_poses, "pose_model": "none.task"}, "--pose_model=none.task: no such file"),
        "a missing MoveNet": ({**no_poses, "pose": "movenet", "pose_model": "movenet"}, "--pose_model=movenet: no"),
    }, out


def test_bad_input_is_found_at_once_in_one_line(tmp_path, inputs):
    (tmp_path / "out").mkdir()
    cases, output = bad_inputs(tmp_path, inputs)
    check(TransferConfig(**{**inputs, "output": output}))
    handle = {"pose": "movenet", "pose_model": "https://somewhere/movenet", "source_poses": "", "target_poses": ""}
    check(TransferConfig(**{**inputs, **handle, "output": output}))
    before = sorted(tmp_path.rglob("*"))
    for name, (change, complaint) in cases.items():
        with pytest.raises((PoseError, ValueError, VideoError)) as caught:
            check(TransferConfig(**{**inputs, "output": output, **change}))
        assert complaint in str(caught.value), name
        assert "\n" not in str(caught.value), name
    assert sorted(tmp_path.rglob("*")) == before


def test_a_picture_as_the_target_is_told(tmp_path, inputs, caplog):
    write_png(tmp_path / "pose.png", np.zeros((64, 64, 3), np.uint8))
    with caplog.at_level("WARNING"):
        check(TransferConfig(**{**inputs, "target": str(tmp_path / "pose.png"), "output": str(tmp_path / "a.mp4")}))
    assert "pose.png: is a picture, so the result has one frame" in caplog.text


def test_a_preview_alone_needs_what_the_video_will_need(tmp_path, inputs):
    class OfTwo(Painter):
        def check_source_count(self, count):
            raise ValueError(f"takes 2 source frames, got {count}")

    config = TransferConfig(**inputs, preview=str(tmp_path / "preview.png"))
    with pytest.raises(ValueError, match="takes 2 source frames, got 3"):
        MotionTransfer(OfTwo()).run_preview(config)
    assert not list(tmp_path.iterdir())


def test_attention_without_a_video_is_told(tmp_path, inputs):
    pictures = {"preview": str(tmp_path / "preview.png"), "attention": str(tmp_path / "maps.png")}
    with pytest.raises(SystemExit, match="--attention=.*maps.png shows frames of --output, which is not given"):
        main(TransferConfig(**inputs, **pictures))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_directory_that_cannot_be_written_is_told(tmp_path, inputs):
    tmp_path.chmod(0o500)
    with pytest.raises(VideoError, match="cannot be written"):
        check(TransferConfig(**inputs, output=str(tmp_path / "result.mp4")))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--layout=round"], "value should be one of"),
        (["--num_source_frames=many"], "many"),
        (["--no_such_flag=1"], "no_such_flag"),
        (["stray.mp4"], "takes --flags only, got stray.mp4"),
        (["--source=none.mp4"], "no such file"),
    ],
)
def test_a_command_that_cannot_work_ends_with_status_1_and_one_line(tmp_path, inputs, arguments, complaint):
    done = run(*arguments, **{k: v for k, v in inputs.items() if k != "source"}, output=tmp_path / "result.mp4")
    assert done.returncode == 1
    assert done.stderr.startswith("transfer: ") and complaint in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_no_model_ends_with_one_line(tmp_path, inputs):
    with pytest.raises(SystemExit, match="^transfer: .*not a model directory") as ended:
        main(TransferConfig(**inputs, output=str(tmp_path / "result.mp4"), model=str(tmp_path)))
    assert "\n" not in ended.value.code and os.listdir(tmp_path) == []


@pytest.mark.slow
@pytest.mark.once
def test_an_interrupted_transfer_leaves_nothing(tmp_path, inputs, dancers):
    repeats = 400
    target = write_video(tmp_path / "long.mp4", list(dancers[1].frames) * repeats)
    poses = write_poses(tmp_path / "long.json", np.tile(dancers[1].joints, (repeats, 1, 1)))
    results = tmp_path / "results"
    results.mkdir()
    settings = {**inputs, "target": target, "target_poses": poses}
    process = subprocess.Popen(
        command(**settings, output=results / "result.mp4", model=model_directory()), stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 3600
    while not os.listdir(results) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)  # for commands, SIGTERM is the same: tests/flags/test_command.py
    told = process.communicate(timeout=3600)[1]
    assert process.returncode == 1
    assert told.replace("\r", "\n").splitlines()[-1] == "transfer: interrupted; what was not complete was not written"
    assert "Traceback" not in told
    assert os.listdir(results) == []


@pytest.mark.once
def test_memory_does_not_grow_with_the_length_of_the_videos(tmp_path, dancers):
    size = 152  # the decoder pads such rows: the frames are copied into the memory of NumPy, which is measured
    peaks = []
    for length in (50, 500):
        turn = np.arange(length) % LENGTH
        flags = {}
        for name, dancer in zip(("source", "target"), dancers):
            frames = [cv2.resize(frame, (size, size)) for frame in dancer.frames]
            flags[name] = write_video(tmp_path / f"{name}.mp4", [frames[i] for i in turn])
            joints = dancer.joints[turn] * np.array([size / SIZE, size / SIZE, 1], np.float32)
            flags[f"{name}_poses"] = write_poses(tmp_path / f"{name}.json", joints)
        config = TransferConfig(**flags, pose="alphapose", output=str(tmp_path / "result.mp4"))
        tracemalloc.start()
        try:
            MotionTransfer(Painter()).run(config)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert probe(config.output).num_frames == length
    frames_more = 450 * size * size * 3
    assert peaks[1] - peaks[0] < frames_more / 4  # poses, which are few numbers a frame, are kept


@pytest.mark.parametrize("stage", ["generate", "compose", "write"])
def test_a_fault_in_any_stage_ends_them_all_and_leaves_nothing(tmp_path, inputs, dancers, stage, monkeypatch):
    class Fault(Exception):
        pass

    def failing(function):
        calls = itertools.count()

        def call(*arguments):
            if next(calls) >= 2:
                raise Fault
            return function(*arguments)

        return call

    owner = {"generate": Painter, "compose": Compositor, "write": VideoWriter}[stage]
    monkeypatch.setattr(owner, stage, failing(getattr(owner, stage)))
    target = write_video(tmp_path / "long.mp4", list(dancers[1].frames) * 5)
    poses = write_poses(tmp_path / "long.json", np.tile(dancers[1].joints, (5, 1, 1)))
    results = tmp_path / "results"
    results.mkdir()
    settings = {**inputs, "target": target, "target_poses": poses}
    with pytest.raises(Fault):
        MotionTransfer(Painter())(**settings, output=str(results / "result.mp4"))
    assert os.listdir(results) == [] and running_stages() == []


def test_a_target_that_is_cut_off_is_told_and_leaves_nothing(tmp_path, inputs, dancers):
    target = tmp_path / "cut.mp4"
    whole = Path(write_video(target, list(dancers[1].frames) * 5)).read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    settings = {**inputs, "target": str(target)}
    with pytest.raises(VideoError, match=r"cut\.mp4: cut off; \d+ of \d+ frames are lost"):
        MotionTransfer(Painter())(**settings, output=str(tmp_path / "result.mp4"))
    assert os.listdir(tmp_path) == ["cut.mp4"] and running_stages() == []


def test_chosen_frames_come_in_the_order_asked_for(inputs):
    images = images_of(inputs["source"])
    for image, index in zip(read_chosen(inputs["source"], [5, 0, 5]), (5, 0, 5)):
        np.testing.assert_array_equal(image, images[index])


@pytest.mark.asset("pose_landmarker")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["source.mp4", "target.mp4"])
def test_the_person_of_a_sample_is_found(name):
    (track,) = estimate_tracks([PosedVideo(str(SAMPLES / name))])
    assert (track[..., 2] > 0).any(-1).all()
    assert (track[..., 2] > 0).mean() > 0.95
