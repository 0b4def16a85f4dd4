"""One video to parts: a pure function, and what it rejects of real files."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import videos
from made_videos import PERSON, SIDE, add_video, configure, frame, room

from stmt_tf.data.schema import decode_clip
from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators.imported import AlphaPoseEstimator
from stmt_tf.video.reader import VideoError
from tfrecords_tools.clips.process import figures, process_video, unusable
from tfrecords_tools.clips.survey import is_beside

WALL = room(0, 4 * SIDE)


def parts_of(folder, name="a.mp4", **changes):
    return list(process_video(folder / "videos" / name, name, configure(folder, **changes)[1]))


def picture(part):
    return cv2.imdecode(np.frombuffer(part.thumbnail, np.uint8), cv2.IMREAD_COLOR)


def scene(t, shift=0.0, wall=WALL):
    """Frame t of somebody before a wall that has moved to the left by so many pixels."""
    motion = np.array([[1, 0, -shift], [0, 1, 0]], np.float64)
    return frame(t, cv2.warpAffine(wall, motion, (2 * SIDE, SIDE), flags=cv2.INTER_CUBIC))


def test_records_depend_on_content_name_and_settings_alone(tmp_path):
    path = add_video(tmp_path, "a.mp4", frames=[scene(t) for t in range(60)])
    copy = tmp_path / "elsewhere" / "video"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    flags = configure(tmp_path, seconds=1.0)[1]
    threads = cv2.getNumThreads()
    first = list(process_video(path, "a.mp4", flags))
    cv2.setNumThreads(1)
    try:
        second = list(process_video(copy, "a.mp4", flags))
    finally:
        cv2.setNumThreads(threads)
    assert first == second
    assert [part.clip_id for part in first] == ["a.mp4#0", "a.mp4#1", ""]
    assert all(part.record for part in first[:2]) and first[2].record is None


def test_clip_comes_with_its_measures_figures_and_picture(tmp_path):
    add_video(tmp_path, "a.mp4", frames=[scene(t) for t in range(30)])
    (part,) = parts_of(tmp_path)
    assert (part.start, part.stop, part.faults) == (0.0, 30 / 25, ())
    assert part.measures["camera"] < 0.001 and part.measures["shot"] < 0.1
    assert (part.measures["whole"], part.measures["others"], part.measures["seconds"]) == (1.0, 0.0, 1.2)
    assert part.figures == {"frames": 30, "coverage": 1.0, "front": 1.0, "side": 0.0, "back": 0.0}
    assert picture(part).shape == (120, 120, 3)
    assert decode_clip(part.record).clip_id == "a.mp4#0"


def test_moving_camera_is_rejected_by_how_far_it_moves(tmp_path):
    add_video(tmp_path, "a.mp4", frames=[scene(t, 0.2 * t) for t in range(30)])
    (part,) = parts_of(tmp_path)
    assert [fault.test for fault in part.faults] == ["camera"] and part.record is None
    # To either side of the middle, half of 5.8 pixels, of a crop of some 61.
    assert part.measures["camera"] == pytest.approx(2.9 / 61, rel=0.15)
    assert picture(part).shape == (120, 240, 3)
    (part,) = parts_of(tmp_path, max_camera=0.1)
    assert part.clip_id


def test_shot_change_parts_two_clips_and_is_shown_from_both_sides(tmp_path):
    other = room(7, 4 * SIDE)
    add_video(tmp_path, "a.mp4", frames=[scene(t, wall=WALL if t < 30 else other) for t in range(60)])
    first, cut, second = parts_of(tmp_path)
    assert (first.stop, cut.start, cut.stop, second.start) == (1.2, 1.2, 1.2, 1.2)
    assert [fault.test for fault in cut.faults] == ["shot"] and cut.measures["shot"] > 0.8
    assert picture(cut).shape == (120, 480, 3)
    assert first.clip_id == "a.mp4#0" and second.clip_id == "a.mp4#1"


def test_somebody_else_is_rejected_unless_small(tmp_path):
    beside = PERSON + (SIDE, 0)
    add_video(tmp_path, "a.mp4", frames=[scene(t) for t in range(30)], others=[beside])
    (part,) = parts_of(tmp_path)
    assert [(fault.test, fault.value, fault.bar) for fault in part.faults] == [("others", 1.0, 0.1)]
    small = (beside - beside.mean(0)) * 0.4 + beside.mean(0)
    add_video(tmp_path, "b.mp4", frames=[scene(t) for t in range(30)], others=[small])
    (part,) = parts_of(tmp_path, "b.mp4")
    assert part.clip_id


def test_somebody_whom_a_look_around_finds_is_rejected(tmp_path, monkeypatch):
    add_video(tmp_path, "a.mp4", frames=[scene(t) for t in range(60)])
    looks = []

    def look_around(self, image):
        looks.append(image)
        there = PERSON + (SIDE, 0) if len(looks) == 1 else PERSON + 3  # somebody else, and the person once more
        return np.c_[there, np.ones(14)][None].astype(np.float32)

    monkeypatch.setattr(AlphaPoseEstimator, "look_around", look_around)
    (part,) = parts_of(tmp_path)
    assert len(looks) == 3  # at 0, 1 and 2 seconds
    assert part.measures["others"] == pytest.approx(25 / 60)
    assert [fault.test for fault in part.faults] == ["others"]


@pytest.mark.parametrize(
    ("shift", "scale", "confidence", "expected"),
    [
        ((60, 0), 1.0, 1.0, True),
        ((10, 0), 1.0, 1.0, False),  # the same person, found a little elsewhere
        ((0, 0), 0.5, 1.0, False),  # a part of the person
        ((60, 0), 0.5, 1.0, True),
        ((60, 0), 0.3, 1.0, False),  # far in the background
        ((60, 0), 1.0, 0.4, False),  # a guess
    ],
)
def test_who_is_beside_is_sure_apart_and_not_much_smaller(shift, scale, confidence, expected):
    person = np.c_[PERSON, np.ones(14)].astype(np.float32)
    middle = PERSON.mean(0)
    other = np.c_[(PERSON - middle) * scale + middle + shift, np.full(14, confidence)].astype(np.float32)
    assert is_beside(other, person) is expected
    assert not is_beside(np.zeros((14, 3)), person) and not is_beside(other, np.zeros((14, 3)))


def test_figures_tell_front_from_back():
    front = np.c_[PERSON, np.ones(14)][None].astype(np.float32)
    back = front[:, list(skeleton.MIRROR)]
    side = front.copy()
    side[..., 0] = 50
    told = figures(np.concatenate([front, front, back, side]))
    assert (told["front"], told["back"], told["side"]) == (0.5, 0.25, 0.25)


def test_cut_off_video_is_unusable_and_shows_its_first_frame(tmp_path):
    path = add_video(tmp_path, "a.mp4", frames=[scene(t) for t in range(60)])
    path.write_bytes(path.read_bytes()[:-1400])  # all but the first frames, which are the largest
    with pytest.raises(VideoError) as caught:
        parts_of(tmp_path)
    part = unusable(path, "a.mp4", caught.value)
    assert part.problem.startswith("a.mp4: cut off; ") and str(tmp_path) not in part.problem
    assert picture(part).shape == (120, 240, 3)


def test_sound_is_unusable_and_shows_nothing(tmp_path):
    path = add_video(tmp_path, "a.mp4")
    videos.write_audio(path)
    with pytest.raises(VideoError) as caught:
        parts_of(tmp_path)
    part = unusable(path, "a.mp4", caught.value)
    assert part.problem == "a.mp4: holds only audio. Give a file with a video track." and part.thumbnail == b""
    assert part.as_json() == {"start": 0.0, "stop": 0.0, "problem": part.problem}
