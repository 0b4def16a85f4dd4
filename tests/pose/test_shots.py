"""The one shot of a video that is taken where only one can be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from dancer import dance
from made_videos import room
from pose_results import person, pictures

from stmt_tf.pose.detections import Detections
from stmt_tf.pose.linking import size_of
from stmt_tf.pose.shots import Cuts, follow_longest, line_up_longest
from stmt_tf.pose.tracking import NoPersonError, follow_person
from stmt_tf.video.reader import VideoInfo

NOBODY = np.zeros((0, 14, 3), np.float32)
SIZE = (200, 320)


def starts_of(images, people=None):
    cuts = Cuts()
    people = [NOBODY] * len(images) if people is None else [pose[np.newaxis] for pose in people]
    return [number for number, each in enumerate(zip(images, people)) if cuts.begins(*each)]


def test_a_shot_begins_where_the_place_is_another_one():
    joints = person()
    images = [*pictures(joints[:6], 0), *pictures(joints[6:9], 1), *pictures(joints[9:15], 2)]
    assert starts_of(images, joints[:15]) == [6, 9]


def test_a_person_who_leaps_and_a_camera_that_moves_begin_none():
    joints = person()[::8]
    assert starts_of(pictures(joints), joints) == []
    wide = room(0, 400)
    assert starts_of([wide[:, 4 * t : 4 * t + 128] for t in range(30)]) == []
    assert starts_of([np.full((60, 80, 3), 90, np.uint8)] * 3) == []


def test_the_person_of_the_shot_that_shows_somebody_longest_is_followed_alone():
    first, second = dance(0, 12), dance(1, 15, x=250.0)
    people = [*first[:, np.newaxis], *second[:, np.newaxis], *[NOBODY] * 30]
    shot = follow_longest(people, [12, 27], SIZE, 3)
    assert shot.frames == range(12, 27)
    np.testing.assert_array_equal(shot.joints[12:27], follow_person(people[12:27], SIZE, 3))
    assert not shot.joints[:12].any() and not shot.joints[27:].any()


def test_people_are_numbered_in_the_shot_that_is_taken():
    alone, pair = dance(0, 12), np.stack([dance(1, 15, x=60.0), dance(2, 15, x=250.0)], 1)
    people = [*alone[:, np.newaxis], *pair]
    lined = line_up_longest(people, [12], SIZE, 3)
    assert lined.frame in range(12, 27)
    np.testing.assert_allclose(lined.poses, people[lined.frame], atol=1e-5)
    shot = follow_longest(people, [12], SIZE, 3, number=2)
    np.testing.assert_allclose(shot.joints[12:], pair[:, 1], atol=1e-5)
    assert not shot.joints[:12].any()


@pytest.mark.parametrize(("fps", "length"), [(50, 40), (10, 20)])
def test_people_are_numbered_over_pauses_of_a_part_of_a_second(fps, length):
    pose = dance(0, 1)
    away = pose + np.float32([2.1 * size_of(pose[0]), 0, 0])  # further than anybody turns up after a longer pause
    people = [pose] * 20 + [NOBODY] * 18 + [away] * 20
    info = VideoInfo("a.mp4", *SIZE[::-1], Fraction(fps), len(people), None, 0, False, False)
    assert [len(track) for track in Detections(info, people, []).line_up().people] == [length]


def test_without_a_cut_all_is_one_shot():
    people = list(dance(0, 12)[:, np.newaxis])
    shot = follow_longest(people, [], SIZE, 3)
    assert shot.frames == range(12)
    np.testing.assert_array_equal(shot.joints, follow_person(people, SIZE, 3))


def test_shots_that_all_show_nobody_are_an_error():
    with pytest.raises(NoPersonError, match="found in 0% of 2 frames"):
        follow_longest([NOBODY] * 4, [2], SIZE, 3)
