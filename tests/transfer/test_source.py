"""What the model is shown of a source."""

import contextlib
import dataclasses
import threading

import ffmpeg
import numpy as np
import pytest
from records import STANDING
from videos import write_video

from stmt_tf.pose.crop import Crop
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer.source import Source, read_source

HEIGHT, WIDTH = 10, 8


def source_with(mattes, crop):
    frames = [np.zeros([HEIGHT, WIDTH, 3], np.uint8)] * len(mattes)
    joints = np.zeros([len(mattes), 14, 3])
    return Source(PosedVideo("a.mp4"), joints, frames, joints, crop, np.float32(mattes))


@pytest.fixture
def beyond():
    """Two frames, of the first of which the matte is known, and a crop that reaches outside them on all sides."""
    return source_with([np.ones([HEIGHT, WIDTH]), -np.ones([HEIGHT, WIDTH])], Crop(-2, -3, 20))


def test_outside_the_frame_nobody_is_and_what_is_unknown_stays_so(beyond):
    known, unknown = beyond.matte_crops(20)
    np.testing.assert_array_equal(known, np.pad(np.ones([HEIGHT, WIDTH]), ((3, 7), (2, 10))))
    np.testing.assert_array_equal(unknown, -1)


def test_mattes_are_cut_as_the_frames_are(beyond):
    known, unknown = beyond.matte_crops(10)
    assert known.dtype == np.float32
    np.testing.assert_array_equal(known, np.pad(np.ones([6, 4]), ((1, 3), (1, 5))))
    np.testing.assert_array_equal(unknown, -1)


def test_enlarged_mattes_stay_in_their_range():
    matte = np.zeros([HEIGHT, WIDTH])
    matte[3:6, 2:5] = 1
    (found,) = source_with([matte], Crop(0, 0, 8)).matte_crops(32)
    # Below 0, the outline would be unknown.
    assert found.min() == 0.0 and found.max() == 1.0 and found[18, 14] == 1.0


def test_without_mattes_there_are_none_to_cut(beyond):
    assert dataclasses.replace(beyond, mattes=None).matte_crops(20) is None


SIDE = 96


def transparent_video(path, alpha):
    """4 frames of one colour, with the alpha `[SIDE, SIDE]`."""
    frame = np.dstack([np.full((SIDE, SIDE, 3), 200, np.uint8), alpha])
    raw = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{SIDE}x{SIDE}", "-r", "25", "-i", "-")
    ffmpeg.run(*raw, "-c:v", "qtrle", path, content=frame.tobytes() * 4)
    joints = np.concatenate([STANDING * 60 + (18, 18), np.ones((14, 1))], 1)
    return str(path), np.stack([joints] * 4)


def test_a_source_with_alpha_brings_its_own_mattes(tmp_path, monkeypatch):
    monkeypatch.setattr(PosedVideo, "estimator", None)
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[10:84, 20:76] = 255
    alpha[10:84, 20] = 51
    path, track = transparent_video(tmp_path / "a.mov", alpha)
    source = read_source(PosedVideo(path), track, np.array([0, 2]))
    np.testing.assert_allclose(source.mattes, np.stack([alpha / 255] * 2), atol=1e-6)
    assert not source.plate.any()  # nothing is behind the person


def test_alpha_that_is_not_around_the_person_is_no_matte(tmp_path, monkeypatch):
    made = np.zeros((SIDE, SIDE), np.uint8)
    made[15:80, 30:66] = 255

    class Estimator:
        def matte(self, frame, pose):
            return made

    monkeypatch.setattr(PosedVideo, "estimator", lambda video: contextlib.nullcontext(Estimator()))
    rounded = np.full((SIDE, SIDE), 255, np.uint8)
    rounded[:8, :8] = 0
    path, track = transparent_video(tmp_path / "a.mov", rounded)
    source = read_source(PosedVideo(path), track, np.array([0, 2]), own_place=False)
    np.testing.assert_array_equal(source.mattes, np.stack([made / np.float32(255)] * 2))


@pytest.mark.parametrize("own_place", [True, False])
def test_the_place_is_looked_for_while_the_source_is_repaired(tmp_path, monkeypatch, own_place):
    monkeypatch.setattr(PosedVideo, "estimator", lambda video: contextlib.nullcontext(None))
    begun, place = threading.Event(), np.full((SIDE, SIDE, 3), 7, np.uint8)

    def find_place(*args):
        begun.set()
        return place

    def repair(source):
        assert begun.wait(60 * own_place) == own_place
        return dataclasses.replace(source, hidden=np.ones((2, 10)))

    monkeypatch.setattr("stmt_tf.transfer.source.find_place", find_place)
    path, track = transparent_video(tmp_path / "a.mov", np.full((SIDE, SIDE), 255, np.uint8))
    source = read_source(PosedVideo(path), track, np.array([0, 2]), own_place=own_place, repair=repair)
    assert source.hidden.all()
    assert source.plate is (place if own_place else None)


def test_each_frame_has_its_own_matte_and_is_looked_at_once(tmp_path, monkeypatch):
    looked_at, given = [], []

    class Estimator:
        def matte(self, frame, pose):
            looked_at.append(round((float(frame.mean()) - 10) / 30))
            matte = np.zeros((SIDE, SIDE), np.uint8)
            matte[15:80, 30:66] = 255 - looked_at[-1]
            return matte

    monkeypatch.setattr(PosedVideo, "estimator", lambda video: contextlib.nullcontext(Estimator()))
    monkeypatch.setattr("stmt_tf.transfer.source.find_place", lambda *each: given.extend(each))
    frames = [np.full((SIDE, SIDE, 3), 10 + 30 * number, np.uint8) for number in range(6)]
    path = write_video(tmp_path / "a.mp4", frames)
    joints = np.concatenate([STANDING * 60 + (18, 18), np.ones((14, 1))], 1)
    source = read_source(PosedVideo(path), np.stack([joints] * 6), np.array([4, 1]))
    assert looked_at[:2] == [4, 1] and sorted(looked_at) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(255 * source.mattes.max((1, 2)), [251, 254], atol=1e-3)
    _, shown, mattes, _ = given
    np.testing.assert_allclose([frame.mean() for frame in shown], 10 + 30 * np.arange(6), atol=4)
    np.testing.assert_allclose(255 * mattes.max((1, 2)), 255 - np.arange(6), atol=1e-3)
