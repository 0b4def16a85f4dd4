"""Following one person through a video's detections."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.pose import skeleton
from stmt_tf.pose.tracking import LiveTracker, NoPersonError, fill_gaps, follow_person, mend_swaps

FRAME_SIZE = (200, 400)
NOBODY = np.zeros((0, 14, 3), np.float32)

# A standing person, head to left ankle, about the middle of the hips.
STANDING = np.array(
    [
        *[(0, -44), (0, -28), (-10, -25), (-13, -13), (-14, -1), (10, -25), (13, -13), (14, -1)],
        *[(-6, 0), (-7, 18), (-7, 36), (6, 0), (7, 18), (7, 36)],
    ],
    np.float32,
)


def person(x, y=100.0, scale=1.0, confidence=0.9):
    points = STANDING * scale + (x, y)
    return np.concatenate([points, np.full((14, 1), confidence)], -1).astype(np.float32)


def people(*poses):
    return np.stack(poses)


def test_single_person_comes_out_unchanged():
    joints = np.stack([person(100 + t, confidence=0.5 + t / 100) for t in range(20)])
    np.testing.assert_array_equal(follow_person([j[np.newaxis] for j in joints], FRAME_SIZE), joints)


def test_larger_and_more_central_person_is_followed():
    detections = [people(person(30 + t), person(210 - t, scale=1.5)) for t in range(10)]
    with pytest.warns(UserWarning, match="More than one person in 10 of 10 frames"):
        joints = follow_person(detections, FRAME_SIZE)
    np.testing.assert_array_equal(joints, np.stack([d[1] for d in detections]))


def test_people_who_cross_keep_their_identity():
    detections = []
    for t in range(41):
        pair = [person(100 + 5 * t, 98), person(300 - 5 * t, 103, scale=0.95)]
        # Which of the two is named first changes, and where they meet only the nearer one is found.
        found = pair[:1] if 18 <= t <= 22 else pair if t % 2 else pair[::-1]
        detections.append(np.stack(found))
    with pytest.warns(UserWarning, match="More than one"):
        joints = follow_person(detections, FRAME_SIZE)
    np.testing.assert_allclose(joints[:, skeleton.NECK, 0], 100 + 5 * np.arange(41), atol=1e-3)


def test_passer_by_close_to_the_camera_is_not_taken_for_the_person():
    detections = [people(person(200)) for _ in range(30)]
    for t in range(10, 14):
        detections[t] = people(person(40 + 80 * (t - 10), scale=2.0), person(200))
    with pytest.warns(UserWarning, match="in 4 of 30"):
        joints = follow_person(detections, FRAME_SIZE)
    np.testing.assert_array_equal(joints, np.stack([person(200)] * 30))


def test_far_smaller_people_do_not_count_as_others():
    detections = [people(person(200, scale=2.0), person(50, scale=0.7))] * 10
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        follow_person(detections, FRAME_SIZE)


def test_person_found_twice_is_one_person():
    detections = [people(person(200, confidence=0.8), person(201, confidence=0.6))] * 10
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        joints = follow_person(detections, FRAME_SIZE)
    np.testing.assert_array_equal(joints, np.stack([person(200, confidence=0.8)] * 10))


def test_short_gaps_are_interpolated_and_long_ones_left_missing():
    detections = [person(100.0 + t)[np.newaxis] for t in range(40)]
    for t in (*range(5, 9), *range(20, 25)):
        detections[t] = NOBODY
    joints = follow_person(detections, FRAME_SIZE, max_gap=4)
    np.testing.assert_allclose(joints[5:9], [person(100.0 + t) for t in range(5, 9)], atol=1e-4)
    np.testing.assert_array_equal(joints[20:25], 0.0)
    np.testing.assert_array_equal(joints[25], person(125.0))


def test_gaps_at_the_ends_stay_missing():
    detections = [NOBODY, person(100)[np.newaxis], NOBODY]
    joints = follow_person(detections, FRAME_SIZE)
    np.testing.assert_array_equal(joints[[0, 2]], 0.0)


def test_person_is_the_same_after_a_long_pause():
    detections = [person(100.0)[np.newaxis]] * 10 + [NOBODY] * 30 + [person(160.0)[np.newaxis]] * 10
    joints = follow_person(detections, FRAME_SIZE, max_gap=5)
    np.testing.assert_array_equal(joints[-1], person(160.0))


def test_bystander_does_not_replace_a_person_who_left():
    detections = [people(person(150), person(390, scale=0.6)) for _ in range(10)]
    detections += [people(person(390, scale=0.6))] * 10
    with pytest.warns(UserWarning, match="in 10 of 20"):
        joints = follow_person(detections, FRAME_SIZE)
    np.testing.assert_array_equal(joints[10:], 0.0)


def test_video_without_a_person_says_the_share():
    with pytest.raises(NoPersonError, match="found in 10% of 20 frames, fewer than 20%"):
        follow_person([person(100)[np.newaxis]] * 2 + [NOBODY] * 18, FRAME_SIZE)
    with pytest.raises(NoPersonError, match="0% of 20"):
        follow_person([NOBODY] * 20, FRAME_SIZE, min_share=0.0)
    with pytest.raises(NoPersonError, match="0% of 0"):
        follow_person([], FRAME_SIZE)


def test_poses_without_joints_are_nobody():
    with pytest.raises(NoPersonError):
        follow_person([np.zeros((1, 14, 3), np.float32)] * 5, FRAME_SIZE)


def test_filled_joint_takes_the_lower_confidence_of_the_ends():
    joints = np.zeros((4, 14, 3), np.float32)
    joints[0, 3], joints[3, 3] = (0, 30, 0.9), (30, 0, 0.6)
    filled = fill_gaps(joints, 2)
    np.testing.assert_allclose(filled[1:3, 3], [(10, 20, 0.6), (20, 10, 0.6)], rtol=1e-6)
    np.testing.assert_array_equal(filled[:, 4], 0.0)


@given(
    found=st.lists(st.booleans(), min_size=1, max_size=30),
    max_gap=st.integers(0, 8),
)
@settings(max_examples=50, deadline=None)
def test_only_short_inner_gaps_are_filled(found, max_gap):
    joints = np.zeros((len(found), 14, 3), np.float32)
    joints[found] = person(100)
    expected = list(found)
    runs = "".join("x" if f else "." for f in found).split("x")
    start = 0
    for i, run in enumerate(runs):
        if 0 < i < len(runs) - 1 and len(run) <= max_gap:
            expected[start : start + len(run)] = [True] * len(run)
        start += len(run) + 1
    np.testing.assert_array_equal(fill_gaps(joints, max_gap)[:, 0, 2] > 0, expected)


def test_single_swapped_frames_are_mended():
    joints = np.stack([person(100 + t) for t in range(9)])
    swapped = joints.copy()
    for t in (3, 6):
        swapped[t] = swapped[t, list(skeleton.MIRROR)]
    np.testing.assert_array_equal(mend_swaps(swapped), joints)


def test_person_who_turns_around_is_not_mended():
    turning = np.stack([person(100)] * 8)
    turning[..., 0] = 100 + (turning[..., 0] - 100) * np.cos(np.linspace(0, np.pi, 8))[:, np.newaxis]
    np.testing.assert_array_equal(mend_swaps(turning), turning)


def live_tracker(frames=10, **where):
    return LiveTracker(np.stack([person(100.0 + 5 * t, **where) for t in range(frames)]), FRAME_SIZE)


def test_a_person_is_followed_on_among_others_whatever_their_order():
    tracker = live_tracker()
    for t in range(10, 30):
        pair = [person(100.0 + 5 * t), person(310.0, scale=1.5)]
        followed = tracker.follow(people(*(pair if t % 2 else pair[::-1])))
        np.testing.assert_array_equal(followed, pair[0])


def test_a_person_who_is_not_found_is_nobody_and_found_again_where_they_were_going():
    tracker = live_tracker()
    for _ in range(4):
        np.testing.assert_array_equal(tracker.follow(NOBODY), 0.0)
    bystander = person(100.0)
    np.testing.assert_array_equal(tracker.follow(people(bystander, person(170.0))), person(170.0))


def test_somebody_far_away_is_not_the_person():
    tracker = live_tracker()
    np.testing.assert_array_equal(tracker.follow(people(person(390.0))), 0.0)


def test_after_a_long_absence_the_largest_and_most_central_person_is_followed():
    tracker = live_tracker()
    others = people(person(30.0), person(210.0, scale=1.2), person(390.0))
    for _ in range(30):
        tracker.follow(NOBODY)
    np.testing.assert_array_equal(tracker.follow(others), others[1])
    np.testing.assert_array_equal(tracker.follow(others), others[1])


def test_a_person_found_twice_is_followed_once_and_by_the_surer_pose():
    tracker = live_tracker()
    np.testing.assert_array_equal(
        tracker.follow(people(person(151.0, confidence=0.5), person(150.0))), person(150.0)
    )
