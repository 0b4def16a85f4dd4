"""The people of a video, each with a track and a number."""

from __future__ import annotations

import numpy as np
import pytest
from test_tracking import FRAME_SIZE, NOBODY, people, person

from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.linking import distinct, find_people, line_up
from stmt_tf.pose.tracking import follow_person


def lined_up(detections, max_gap=10):
    found = find_people([distinct(each) for each in detections], FRAME_SIZE, max_gap)
    return line_up(found, len(detections))


def crossing(frames=41):
    """One goes to the right, the other to the left; whoever is named first changes."""
    pairs = [(person(100 + 5 * t, 98), person(300 - 5 * t, 103, scale=0.95)) for t in range(frames)]
    return [people(*(pair if t % 2 else pair[::-1])) for t, pair in enumerate(pairs)]


def test_people_are_numbered_from_left_to_right_where_most_are_seen():
    detections = [people(person(150 + t)) for t in range(10)]
    detections += [people(person(350), person(150 + t), person(40)) for t in range(10, 20)]
    found = lined_up(detections)
    assert found.frame >= 10 and len(found.people) == 3
    np.testing.assert_array_equal(found.poses, people(person(40), person(150 + found.frame), person(350)))


def test_of_the_frames_with_most_people_the_one_that_shows_them_best_is_taken():
    sureness = np.full(20, 0.5)
    sureness[13] = 0.9
    detections = [people(person(100, confidence=sure), person(300, confidence=sure)) for sure in sureness]
    assert lined_up(detections).frame == 13


def test_who_passes_by_has_no_number():
    detections = [people(person(100), person(300)) for _ in range(40)]
    detections[20] = people(person(100), person(200), person(300))
    assert len(lined_up(detections).people) == 2


def test_nobody_is_lined_up_where_nobody_is():
    found = lined_up([NOBODY] * 5)
    assert found.poses.shape == (0, 14, 3)


@pytest.mark.parametrize(("number", "places"), [(1, 100 + 5 * np.arange(41)), (2, 300 - 5 * np.arange(41))])
def test_a_number_is_followed_wherever_that_person_goes(number, places):
    lined = lined_up(crossing())
    assert lined.frame < 20 or lined.poses[0, 0, 0] < lined.poses[1, 0, 0]
    there = np.argsort([track[0][skeleton.NECK, 0] for track in lined.people])[number - 1] + 1
    joints = follow_person(crossing(), FRAME_SIZE, number=int(there))
    np.testing.assert_allclose(joints[:, skeleton.NECK, 0], places, atol=1e-3)


def test_a_person_who_was_lost_is_the_nearest_and_not_the_largest_one():
    still, walker = person(200, scale=1.4), [person(330 - 2 * t) for t in range(30)]
    detections = [people(still, walker[t]) for t in range(12)]
    detections += [people(still)] * 6
    detections += [people(walker[t]) for t in range(18, 30)]  # the large one has left
    joints = follow_person(detections, FRAME_SIZE, max_gap=2, number=2)
    np.testing.assert_array_equal(joints[18:], np.stack(walker[18:]))
    assert not follow_person(detections, FRAME_SIZE, max_gap=2, number=1)[18:].any()


def test_who_turns_up_far_away_is_somebody_else():
    for place, lengths in ((130, [20]), (370, [10, 10])):
        detections = [people(person(30))] * 10 + [NOBODY] * 12 + [people(person(place))] * 10
        assert [len(track) for track in find_people(detections, FRAME_SIZE, 10)] == lengths


def test_who_comes_back_to_the_same_place_is_the_same_person_however_late():
    detections = [people(person(100))] * 10 + [NOBODY] * 2000 + [people(person(110))] * 10
    assert [len(track) for track in find_people(detections, FRAME_SIZE, 10)] == [20]


def test_a_number_that_nobody_has_is_refused_with_the_count():
    with pytest.raises(PoseError, match="has no person 3, as 2 people are seen. Give a number that somebody has"):
        follow_person(crossing(), FRAME_SIZE, number=3)
    with pytest.raises(PoseError, match="has no person 2, as 1 person is seen"):
        follow_person([people(person(100))] * 5, FRAME_SIZE, number=2)
