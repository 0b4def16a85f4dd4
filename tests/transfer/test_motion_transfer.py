"""The Python door: what a call gives, and the steps by themselves."""

import contextlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_model import model_directory
from transfers import Painter, save_posed, write_poses

import stmt_tf
from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.pose.estimators.results import read_results
from stmt_tf.video.reader import VideoError, read_frames

SIZE, LENGTH = 64, 9
ROOT = Path(stmt_tf.__file__).parents[1]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two videos and their poses, by the names of settings."""
    return save_posed(tmp_path_factory.mktemp("videos"), LENGTH)


@pytest.fixture(scope="module")
def transfer():
    return MotionTransfer.from_pretrained(model_directory())


def of_target(videos):
    return {name: videos[name] for name in ("target", "target_poses", "pose")}


def prepared(transfer, videos, **settings):
    return transfer.prepare_source(videos["source"], pose="alphapose", source_poses=videos["source_poses"], **settings)


def test_frames_masks_poses_and_background_are_arrays_made_when_asked_for(transfer, videos):
    result = transfer(**videos, num_source_frames=2)
    frames, masks = np.asarray(result.frames), np.asarray(result.masks)
    assert frames.shape == (LENGTH, SIZE, SIZE, 3) and frames.dtype == np.uint8 and len(result.frames) == LENGTH
    assert masks.shape == (LENGTH, SIZE, SIZE) and masks.dtype == np.uint8
    assert result.poses.shape == (LENGTH, 14, 3) and result.background.shape == (SIZE, SIZE, 3)
    np.testing.assert_array_equal(np.asarray(result.frames), frames)  # made anew


def test_the_mask_is_where_the_person_is_shown(videos):
    result = MotionTransfer(Painter())(**videos)
    for frame, mask in zip(result.frames, result.masks):
        frame = frame.astype(int)
        assert (frame[mask == 255] == (255, 0, 0)).all() and (mask == 255).any()
        assert np.abs(frame - result.background)[mask == 0].max() <= 1


def test_the_crop_alone_has_masks_and_a_background_of_its_size(videos):
    result = MotionTransfer(Painter())(**videos, crop_only=True)
    assert {image.shape[:2] for image in (*result.frames, *result.masks, result.background)} == {(32, 32)}


def test_the_file_shows_the_frames(tmp_path, videos):
    result = MotionTransfer(Painter())(**videos, output=tmp_path / "out.mp4")
    written = np.stack([frame.image for frame in read_frames(tmp_path / "out.mp4")]).astype(int)
    assert np.abs(written - np.asarray(result.frames)).mean() < 6


def test_a_source_is_prepared_once_for_several_targets(transfer, videos, monkeypatch):
    whole = transfer(**videos, num_source_frames=2)
    source = prepared(transfer, videos, num_source_frames=2)
    monkeypatch.setattr("stmt_tf.transfer.prepare.read_source", None)  # nobody reads it again
    for _ in range(2):
        result = transfer(source, **of_target(videos))
        np.testing.assert_array_equal(np.asarray(result.frames), np.asarray(whole.frames))


def test_what_is_prepared_does_not_change(transfer, videos):
    source = prepared(transfer, videos)
    with pytest.raises(ValueError, match="num_source_frames, seed: what is prepared already does not change"):
        transfer(source, **of_target(videos), seed=1, num_source_frames=2)


def test_a_model_is_personalized_on_what_is_prepared_alone():
    with pytest.raises(TypeError, match="source must be what prepare_source gives, got 'A.mp4'"):
        MotionTransfer(Painter()).personalized("A.mp4", minutes=3)


def test_fine_tuning_starts_from_the_model_that_was_loaded(videos, monkeypatch):
    started = []
    monkeypatch.setattr("stmt_tf.personalize.command.check_start", lambda *_: None)
    monkeypatch.setattr(
        "stmt_tf.personalize.command.personalized", lambda *given: started.append(given[-1]) or Painter()
    )
    transfer = MotionTransfer(Painter(), "loaded")
    source = prepared(transfer, videos)
    mine = transfer.personalized(source, minutes=3)
    assert started == ["loaded"]
    for model in (mine, MotionTransfer(Painter())):
        with pytest.raises(ValueError, match="no directory whose weights .* or was fine-tuned already"):
            model.personalized(source, minutes=3)
        with pytest.raises(ValueError, match="no directory whose weights .* or was fine-tuned already"):
            model(**videos, personalize=3)


def test_a_picture_to_fine_tune_on_is_refused_before_anything_slow(tmp_path, videos, monkeypatch):
    monkeypatch.setattr("stmt_tf.transfer.prepare.estimate_shots", None)
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((SIZE, SIZE, 3), np.uint8))
    transfer = MotionTransfer(Painter(), model_directory())
    with pytest.raises(ValueError, match="photo.png: shows its person in 1 frame"):
        transfer(**{**videos, "source": photo}, personalize=3)


def test_what_is_not_of_a_source_is_not_prepared(transfer, videos):
    with pytest.raises(ValueError, match="background: has no effect here; give it to the transfer"):
        prepared(transfer, videos, background="place.jpg")


def test_a_result_is_not_made_where_it_cannot_be_written(videos, monkeypatch):
    folder = Path(videos["source"]).parent
    monkeypatch.chdir(folder)
    result, before = MotionTransfer(Painter())(**videos), sorted(folder.iterdir())
    monkeypatch.setattr(Painter, "generate", None)
    for settings, complaint in (
        ({"output": "source.mp4"}, "source.mp4: cannot be written, as another flag names it too"),
        ({"output": "target.mp4"}, "target.mp4: cannot be written, as another flag names it too"),
        ({"output": "out.avi"}, "unsupported extension"),
        ({"output": "out.mp4", "layout": "round"}, "must be one of result, side_by_side, got 'round'"),
        ({"output": "out.mp4", "sheet": "none/sheet.png"}, "Create it first"),
    ):
        with pytest.raises((ValueError, VideoError), match=complaint):
            result.write(**settings)
    assert sorted(folder.iterdir()) == before


def test_another_place_is_shown(tmp_path, videos):
    picture = tmp_path / "blue.png"
    cv2.imwrite(str(picture), np.full((SIZE, SIZE, 3), (200, 60, 20), np.uint8))  # BGR
    result = MotionTransfer(Painter())(**videos, background=picture)
    assert (result.background == (20, 60, 200)).all()


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"no_such": 1}, TypeError, "no setting is called 'no_such'"),
        ({"max_size": "512"}, TypeError, "max_size must be a whole number, got '512'"),
        ({"model": "my_model"}, ValueError, "give it to MotionTransfer.from_pretrained"),
        ({"live": "0"}, ValueError, "give it to MotionTransfer.live"),
        ({"layout": "round"}, ValueError, "--layout must be one of result, side_by_side, got 'round'"),
        ({"target": "none.mp4"}, VideoError, "none.mp4: no such file"),
        ({"target": ""}, ValueError, "--target is required"),
        ({"sheet": "sheet.png"}, ValueError, "shows frames of --output"),
        ({"num_source_frames": 99}, ValueError, "has 9 frames"),
    ],
)
def test_what_cannot_work_is_told(transfer, videos, change, error, complaint):
    with pytest.raises(error, match=complaint):
        transfer(**{**videos, **change})


def test_the_door_costs_no_tensorflow_until_a_model_is_loaded():
    code = "import sys; from stmt_tf import MotionTransfer; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_names_that_are_not_there_are_told_as_usual():
    with pytest.raises(AttributeError, match="has no attribute 'MotionTransfe'"):
        stmt_tf.MotionTransfe  # noqa: B018


@pytest.mark.parametrize("name", ["poses.json", "poses"])
def test_poses_that_are_saved_give_the_same_result(tmp_path, videos, name, monkeypatch):
    transfer = MotionTransfer(Painter())
    saved = {f"{which}_poses": tmp_path / f"{which}_{name}" for which in ("source", "target")}
    first = transfer(**videos, save_poses=saved["target_poses"], save_source_poses=saved["source_poses"])
    again = {**videos, **saved}
    if name == "poses.json":
        monkeypatch.setattr("stmt_tf.pose.tracks._detections", None)  # nobody looks for them
        again["pose"] = "mediapipe"
        monkeypatch.setattr("stmt_tf.transfer.source.sound_mattes", lambda *_: None)
        monkeypatch.setattr("stmt_tf.pose.tracks.create_estimator", lambda *_: contextlib.nullcontext())
    second = transfer(**again)
    np.testing.assert_allclose(second.poses, first.poses, atol=0.02)
    for which, index in (("source", 1), ("target", 5)):
        joints = render_video(3, index, SIZE, LENGTH, 12.5).joints
        read = read_results(str(saved[f"{which}_poses"]))
        np.testing.assert_allclose(read[4].people[0][:14, :2], joints[4, :, :2], atol=0.01)


def test_jittery_poses_are_smoothed_and_saved_as_they_were(tmp_path, videos):
    joints = render_video(3, 5, SIZE, LENGTH, 12.5).joints.copy()
    joints[..., :2] += np.random.default_rng(0).normal(0, 1.5, joints[..., :2].shape)
    jittery = {**videos, "target_poses": write_poses(tmp_path / "jittery.json", joints), "retarget": "none"}
    plain, smoothed = (
        MotionTransfer(Painter())(**jittery, smooth_poses=seconds, save_poses=tmp_path / f"{seconds}.json")
        for seconds in (0.0, 0.3)  # 7 frames of 25 a second
    )
    shake = [np.abs(np.diff(result.poses[..., :2], n=2, axis=0)).mean() for result in (plain, smoothed)]
    assert shake[1] < 0.6 * shake[0]
    assert (tmp_path / "0.0.json").read_bytes() == (tmp_path / "0.3.json").read_bytes()
