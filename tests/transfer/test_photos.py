"""Several photos of one person as a source."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from transfers import Painter, save, write_poses

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.pose import body, skeleton
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer.checks import check
from stmt_tf.transfer.photos import photos_of
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import VideoError
from stmt_tf.video.sheet import write_png

SIZE = 96


class Known:
    """Knows the people of files, and makes mattes that are 255 in the box of the joints."""

    people: dict[str, np.ndarray] = {}

    def __init__(self, path):
        self._people = self.people[Path(path).stem]

    def expect(self, num_frames):
        pass

    def detect(self, frame, index):
        return self._people[index] if len(self._people) > index else self._people[0]

    def matte(self, frame, joints):
        matte = np.zeros(frame.shape[:2], np.uint8)
        low, high = (f(joints[joints[:, 2] > 0, :2], axis=0).round().astype(int) for f in (np.min, np.max))
        matte[low[1] : high[1] + 1, low[0] : high[0] + 1] = 255
        return matte


@pytest.fixture(scope="module")
def dancer():
    return render_video(3, 1, SIZE, 9, 12.5)


@pytest.fixture
def album(tmp_path, dancer, monkeypatch):
    """Three photos of one person, of which the second is twice as large and cut, and the third half as large."""
    folder = tmp_path / "album"
    folder.mkdir()
    photos = [(dancer.frames[0], dancer.joints[0])]
    large = cv2.resize(dancer.frames[4], (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_CUBIC)
    photos.append((large[:, 10:], body.scaled_joints(dancer.joints[4], 2.0) - np.float32([10, 0, 0])))
    small = cv2.resize(dancer.frames[8], (SIZE // 2, SIZE // 2), interpolation=cv2.INTER_AREA)
    photos.append((np.pad(small, ((0, 0), (40, 0), (0, 0))), body.scaled_joints(dancer.joints[8], 0.5) + (40, 0, 0)))
    known = {}
    for number, (frame, joints) in enumerate(photos, 1):
        write_png(folder / f"{number}.png", frame)
        known[str(number)] = joints[np.newaxis, np.newaxis].astype(np.float32)
    (folder / "notes.txt").write_text("no photo")
    monkeypatch.setattr(Known, "people", known)
    monkeypatch.setattr(PosedVideo, "estimator", lambda video: contextlib.nullcontext(Known(video.path)))
    return folder


def test_persons_are_brought_to_the_first_ones_scale_and_inside_its_frame(album, dancer):
    source = MotionTransfer(Painter()).prepare_source(album)
    assert source.frame_size == (SIZE, SIZE) and len(source.frames) == len(source.track) == 3
    np.testing.assert_allclose(source.track[0], dancer.joints[0], atol=1e-4)
    tall = [body.stature(pose[np.newaxis]) for pose in dancer.joints[[0, 4, 8]]]
    found = [body.stature(pose[np.newaxis]) for pose in source.track]
    assert found[1] / found[0] == pytest.approx(tall[1] / tall[0], rel=0.15)
    assert found[2] / found[0] == pytest.approx(tall[2] / tall[0], rel=0.15)
    assert source.track[..., :2].min() >= 0 and source.track[..., :2].max() < SIZE


def test_a_joint_that_a_photo_does_not_show_is_not_made_up(album):
    Known.people["2"][0, 0, skeleton.RIGHT_WRIST] = 0
    track = MotionTransfer(Painter()).prepare_source(album).track
    assert not track[1, skeleton.RIGHT_WRIST].any() and track[1, skeleton.RIGHT_ELBOW].all()


def test_the_first_photo_stays_as_it_is_even_where_the_person_reaches_its_edge(album, dancer):
    feet = int(dancer.joints[0, :, 1].max())
    write_png(album / "1.png", dancer.frames[0][: feet - 1])
    joints = dancer.joints[0].copy()
    joints[joints[:, 1] > feet - 2] = 0
    Known.people["1"] = joints[np.newaxis, np.newaxis]
    source = MotionTransfer(Painter()).prepare_source(album)
    np.testing.assert_array_equal(source.frames[0], dancer.frames[0][: feet - 1])
    np.testing.assert_allclose(source.track[0], joints, atol=1e-4)


def test_frames_and_mattes_go_where_the_joints_go(album, dancer):
    source = MotionTransfer(Painter()).prepare_source(album)
    for pose, matte, frame, own in zip(source.joints, source.mattes, source.frames, (0, 4, 8)):
        points = np.rint(pose[:, :2]).astype(int)
        inside = matte[points[:, 1].clip(1, SIZE - 2), points[:, 0].clip(1, SIZE - 2)]
        assert inside.mean() > 0.8 and 0 <= matte.min() and matte.max() <= 1
        x, y = np.rint(pose[1, :2]).astype(int)
        own_x, own_y = np.rint(dancer.joints[own, 1, :2]).astype(int)
        colour, own_colour = (image.astype(int) for image in (frame[y + 2, x], dancer.frames[own][own_y + 2, own_x]))
        assert np.abs(colour - own_colour).max() < 60


def test_a_person_who_is_tiny_in_a_photo_is_enlarged_alone(album, dancer):
    joints = body.scaled_joints(dancer.joints[0], 0.01)
    speck = np.zeros((1000, 1000, 3), np.uint8)
    write_png(album / "2.png", speck)
    Known.people["2"] = (joints + np.float32([500, 500, 0]))[np.newaxis, np.newaxis]
    source = MotionTransfer(Painter()).prepare_source(album)  # 100 times as large, it would have 30 GB
    assert [frame.shape for frame in source.frames] == [(SIZE, SIZE, 3)] * 3
    np.testing.assert_allclose(source.track[1], dancer.joints[0], atol=0.5)


def test_an_arm_that_reaches_out_of_the_frame_moves_the_person_inside(album, dancer):
    for side in (-1, 1):
        joints = dancer.joints[8].copy()
        joints[skeleton.RIGHT_WRIST, 0] = dancer.joints[8, skeleton.NECK, 0] + side * 0.6 * SIZE
        Known.people["3"] = (joints / np.float32([4, 4, 1]))[np.newaxis, np.newaxis]
        track = MotionTransfer(Painter()).prepare_source(album, pose_cache=False).track[2, :, 0]
        assert -0.5 <= track.min() and track.max() <= SIZE - 0.5


def test_the_place_is_that_of_the_first_photo(album, dancer):
    source = MotionTransfer(Painter()).prepare_source(album)
    clear = dancer.masks[0] == 0
    low, high = (f(dancer.joints[0, :, :2], axis=0).astype(int) for f in (np.min, np.max))
    clear[max(0, low[1] - 25) : high[1] + 25, max(0, low[0] - 25) : high[0] + 25] = False
    assert clear.any()
    np.testing.assert_array_equal(source.plate[clear], dancer.frames[0][clear])


def test_photos_are_named_in_any_way_and_make_a_video(tmp_path, album, dancer, monkeypatch):
    target = save(tmp_path / "target.mp4", dancer, fps=12.5)
    Known.people["target"] = dancer.joints[:, np.newaxis]
    names = [str(album / f"{number}.png") for number in (1, 2, 3)]
    (album / ".2.png").write_bytes((album / "2.png").read_bytes())  # as some systems leave them
    assert photos_of(str(album)) == photos_of(",".join(names)) == names
    results = [MotionTransfer(Painter())(source, target) for source in (album, names, ",".join(names))]
    assert len({np.asarray(result.frames).tobytes() for result in results}) == 1
    assert results[0].poses.shape == (9, 14, 3)


def test_a_photo_that_shows_nobody_is_left_out(album, caplog):
    Known.people["2"] = 0 * Known.people["2"]
    source = MotionTransfer(Painter()).prepare_source(album)
    assert len(source.frames) == 2 and "2.png: No person was found in this photo; use one that" in caplog.text
    Known.people.update({name: 0 * people for name, people in Known.people.items()})
    with pytest.raises(PoseError, match="3 photos, none of which shows a person. Give others"):
        MotionTransfer(Painter()).prepare_source(album, pose_cache=False)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"source_poses": "p.json"}, "--source_poses=p.json is for one --source, got 3 photos: leave it out"),
        ({"source_person": 2}, "--source_person=2 is for one --source, got 3 photos"),
        ({"personalize": 2.0}, "--personalize=2.0 is for one --source, got 3 photos"),
        ({"num_source_frames": 4}, "--num_source_frames=4, but --source has 3 photos"),
        ({"output": "album/2.png"}, "album/2.png"),
        ({"source": "album/1.png,album/none.png"}, "album/none.png: no such file. Several sources must be photos"),
        ({"source": "album/1.png,target.mp4"}, "target.mp4: is no picture. Several sources must be photos"),
        ({"source": "album/1.png,"}, "--source=album/1.png, names nothing beside a comma: leave that comma out"),
        ({"source": "empty"}, "empty: holds no picture. Give a directory of photos of one person"),
    ],
)
def test_what_does_not_go_with_photos_is_told(tmp_path, album, dancer, monkeypatch, change, complaint):
    monkeypatch.chdir(tmp_path)
    os.mkdir("empty")
    save(tmp_path / "target.mp4", dancer, fps=12.5)
    settings = {"source": "album", "target": "target.mp4", "output": "out.mp4", **change}
    with pytest.raises((ValueError, VideoError), match=complaint):
        check(TransferConfig(**settings))


def test_results_of_a_tool_are_of_no_photos(tmp_path, album, dancer, monkeypatch):
    path = write_poses(tmp_path / "a.json", dancer.joints)
    monkeypatch.setattr(PosedVideo, "estimator", lambda video: create_estimator("alphapose", path))
    target = save(tmp_path / "target.mp4", dancer, fps=12.5)
    with pytest.raises((ValueError, PoseError), match="source_poses"):
        MotionTransfer(Painter())(album, target, pose="alphapose", target_poses=path)
