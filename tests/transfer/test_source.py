"""What the model is shown of a source."""

import contextlib
import dataclasses
import threading

import cv2
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


def walking_video(path):
    """6 frames, each in a grey of its own, and the mattes and joints of somebody who is elsewhere in each."""
    write_video(path, [np.full((SIDE, SIDE, 3), 10 + 30 * number, np.uint8) for number in range(6)])
    mattes, track = np.zeros((6, SIDE, SIDE), np.uint8), np.ones((6, 14, 3))
    for number in range(6):
        mattes[number, 30:60, 12 * number + 8 : 12 * number + 24] = 255 - number
        track[number, :, :2] = STANDING * 30 + (12 * number, 30)
    return PosedVideo(str(path)), mattes, track


@pytest.mark.parametrize("of_estimator", [True, False])
@pytest.mark.parametrize("chosen, shot", [([4, 1], range(6)), ([4, 2], range(1, 6)), ([3, 0, 5, 1, 2, 4], range(6))])
def test_each_frame_has_its_own_matte_and_is_looked_at_once(tmp_path, monkeypatch, of_estimator, chosen, shot):
    video, known, track = walking_video(tmp_path / "a.mp4")
    looked_at, given, folder = [], [], tmp_path / "mattes"

    class Estimator:
        def matte(self, frame, pose):
            looked_at.append(round((float(frame.mean()) - 10) / 30))
            np.testing.assert_array_equal(pose, track[looked_at[-1]])
            return known[looked_at[-1]]

    monkeypatch.setattr(PosedVideo, "estimator", lambda video: contextlib.nullcontext(Estimator()))
    monkeypatch.setattr("stmt_tf.transfer.source.find_place", lambda *each: given.extend(each))
    folder.mkdir()
    for number, matte in enumerate(known):
        cv2.imwrite(str(folder / f"{number}.png"), matte)
    source = read_source(video, track, np.array(chosen), "" if of_estimator else str(folder), shot=shot)
    if of_estimator:
        assert looked_at[: len(chosen)] == chosen and sorted(looked_at) == sorted({*chosen, *shot})
    np.testing.assert_allclose(source.mattes, known[chosen] / 255, atol=1e-6)
    _, shown, mattes, joints = given
    np.testing.assert_allclose([frame.mean() for frame in shown], 10 + 30 * np.array(shot), atol=4)
    np.testing.assert_allclose(mattes, known[shot] / 255, atol=1e-6)
    np.testing.assert_array_equal(joints, track[shot])


@pytest.mark.parametrize("where", ["repair", "other mattes", "place"])
def test_a_fault_while_the_place_is_looked_for_is_told_and_leaves_no_thread(tmp_path, monkeypatch, where):
    class Fault(Exception):
        pass

    class Estimator:
        def matte(self, frame, pose):
            if threading.current_thread() is not threading.main_thread() and where == "other mattes":
                raise Fault
            return known[0]

    def end(here, result=None):
        if where == here:
            raise Fault
        return result

    video, known, track = walking_video(tmp_path / "a.mp4")
    monkeypatch.setattr(PosedVideo, "estimator", lambda video: contextlib.nullcontext(Estimator()))
    monkeypatch.setattr("stmt_tf.transfer.source.find_place", lambda *_: end("place"))
    before = set(threading.enumerate())
    with pytest.raises(Fault):
        read_source(video, track, np.array([1, 4]), repair=lambda source: end("repair", source))
    assert set(threading.enumerate()) <= before
