"""Plates of places that are known, with a rectangle for a person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stmt_tf.place.plate import fill, make_plate, plate_steps
from stmt_tf.pose.skeleton import NUM_JOINTS

HEIGHT, WIDTH = 120, 200
TALL, BROAD = 60, 20  # the person, in pixels


def texture(width=WIDTH, seed=0):
    """A place full of corners, uint8 `[HEIGHT, width, 3]`."""
    coarse = np.random.default_rng(seed).uniform(30, 220, (HEIGHT // 8, width // 8, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def pose(x, y=50.0):
    """Joints `[14, 3]` of somebody who stands upright in a rectangle around (x, y)."""
    across = np.array([0, 0, -5, -7, -7, 5, 7, 7, -4, -4, -4, 4, 4, 4.0])
    down = np.array([-29, -19, -18, -8, 1, -18, -8, 1, 2, 14, 27, 2, 14, 27.0])
    return np.stack([x + across, y + down, np.ones(NUM_JOINTS)], -1).astype(np.float32)


def body(x, y=50):
    """Rows and columns of that rectangle."""
    return slice(y - TALL // 2, y + TALL // 2), slice(x - BROAD // 2, x + BROAD // 2)


def clip(places, positions):
    """Frames in which somebody red stands at each position (None: nobody), their mattes and joints."""
    frames = [place.copy() for place in places]
    mattes = np.zeros((len(frames), HEIGHT, WIDTH), np.float32)
    joints = np.zeros((len(frames), NUM_JOINTS, 3), np.float32)
    for frame, matte, joint, x in zip(frames, mattes, joints, positions):
        if x is not None:
            frame[body(x)], matte[body(x)], joint[:] = (255, 0, 0), 1.0, pose(x)
    return frames, mattes, joints


def still(positions, place=None):
    return clip([texture() if place is None else place] * len(positions), positions)


def ends(image, rows, column):
    """How much the image changes from one column to the next, in the mean over rows: the sum over channels."""
    return np.abs((image[rows, column].astype(float) - image[rows, column - 1]).mean(0)).sum()


def test_place_behind_somebody_who_walks_is_exactly_the_place():
    plate = make_plate(*still(range(20, 180, 10)))
    assert plate.image.dtype == np.uint8 and plate.seen.all()
    np.testing.assert_array_equal(plate.image, texture())
    np.testing.assert_array_equal(fill(plate), texture())


def test_halo_around_the_matte_is_not_taken_for_the_place():
    frames, mattes, joints = still([40, 60, 150])
    for frame, x in zip(frames, (40, 60, 150)):
        rows, columns = body(x)
        frame[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1] = (255, 0, 0)
    np.testing.assert_array_equal(make_plate(frames, mattes, joints).image, texture())


def test_frames_that_show_nobody_show_what_somebody_hides_in_the_others():
    plate = make_plate(*still([100] * 6 + [None, None]))
    assert plate.seen.all()
    np.testing.assert_array_equal(plate.image, texture())


def test_what_passes_in_a_few_frames_is_not_in_the_plate():
    frames, mattes, joints = still(range(20, 180, 10))
    for number in (3, 7, 11):
        frames[number][90:100, 10 * number : 10 * number + 10] = 255
    np.testing.assert_array_equal(make_plate(frames, mattes, joints).image, texture())


def test_a_shadow_that_a_minority_of_frames_show_is_gone():
    positions = range(20, 180, 10)
    frames, mattes, joints = still(positions)
    for frame, x in zip(frames, positions):
        shade = frame[80:90, max(0, x - 10) : x + 30]
        shade[:] = (0.6 * shade).astype(np.uint8)
    np.testing.assert_array_equal(make_plate(frames, mattes, joints).image, texture())


def test_a_shadow_that_most_frames_show_does_not_end_at_the_outline_of_the_person():
    # Mostly the person stands at 60 and shades what is right of them; what they hide is seen in the light alone.
    plain = np.full((HEIGHT, WIDTH, 3), 160, np.uint8)
    plain[::16], plain[:, ::16] = 150, 150
    positions = [60] * 11 + [150] * 5
    frames, mattes, joints = still(positions, plain)
    for frame in frames[:11]:
        frame[20:80, 70:100] = (0.6 * frame[20:80, 70:100]).astype(np.uint8)
    image = make_plate(frames, mattes, joints).image
    rows, outline = slice(30, 70), 60 + BROAD // 2 + 2
    steps = [ends(image, rows, outline + step) - ends(plain, rows, outline + step) for step in range(-3, 4)]
    assert np.abs(steps).max() < 25  # of the 3 * 64 by which it is darker
    assert image[50, 85].mean() < 120 and image[50, 40].mean() > 140


def test_what_is_never_seen_is_known_as_such_and_filled_like_its_surroundings():
    rows = np.linspace(60, 200, HEIGHT).astype(np.uint8)
    place = np.broadcast_to(rows[:, np.newaxis, np.newaxis], (HEIGHT, WIDTH, 3))
    plate = make_plate(*still([100, 104, 100], place))
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[20:80, 94:110] = True
    assert not plate.seen[hidden].any() and plate.seen[:, :80].all() and plate.seen[:, 124:].all()
    assert (plate.image[~plate.seen] == 0).all()
    filled = fill(plate).astype(int)
    np.testing.assert_array_equal(filled[plate.seen], place[plate.seen])
    assert np.abs(filled - place).max() < 8


def test_what_too_few_frames_show_counts_as_never_seen():
    # One frame of 32 shows what is behind: whatever is wrong in it would be the place.
    lonely = make_plate(*still([100] * 31 + [40]))
    assert not lonely.seen[body(100)].any()
    enough = make_plate(*still([100] * 29 + [40] * 3))
    assert enough.seen[body(100)].all()
    np.testing.assert_array_equal(enough.image, texture())


@pytest.mark.parametrize("noise", [0, 4])
def test_a_camera_that_drifts_is_followed(noise):
    wide, rng = texture(WIDTH + 16), np.random.default_rng(0)
    size, shifts = (WIDTH, HEIGHT), 0.45 * np.arange(16)
    views = [cv2.warpAffine(wide, np.array([[1, 0, -x], [0, 1, 0.0]]), size, flags=cv2.INTER_CUBIC) for x in shifts]
    frames, mattes, joints = clip(views, range(20, 180, 10))
    frames = [(frame + rng.normal(0, noise, frame.shape)).clip(0, 255).astype(np.uint8) for frame in frames]
    plate = make_plate(frames, mattes, joints)
    assert plate.seen.all()  # also what the camera leaves behind
    # One of the two frames in the middle of the drift.
    errors = [(np.abs(plate.image.astype(int) - view)[:, 8:-8], view) for view in views[7:9]]
    error, middle = min(errors, key=lambda each: each[0].mean())
    assert error.mean() < 0.6 + 0.3 * noise and error.max() < 12 + 4 * noise
    unregistered = np.median(frames, 0)
    assert error.mean() < 0.4 * np.abs(unregistered - middle)[:, 8:-8].mean()


def test_frames_of_another_view_are_left_out():
    wide = texture(2 * WIDTH)
    views = [wide[:, :WIDTH]] * 10 + [wide[:, WIDTH:]] * 6
    plate = make_plate(*clip(views, range(20, 180, 10)))
    np.testing.assert_array_equal(plate.image, wide[:, :WIDTH])


def test_a_camera_that_moves_far_leaves_no_plate():
    wide = texture(2 * WIDTH)
    views = [wide[:, 10 * t : 10 * t + WIDTH] for t in range(16)]
    assert make_plate(*clip(views, range(20, 180, 10))) is None


def test_a_shot_that_changes_leaves_no_plate():
    views = [texture()] * 4 + [texture(seed=1)] * 12
    assert make_plate(*clip(views, range(20, 180, 10))) is None


def test_without_mattes_the_person_is_where_the_joints_are():
    frames, _, joints = still(range(20, 180, 10))
    np.testing.assert_array_equal(make_plate(frames, None, joints).image, texture())


def test_in_a_frame_without_a_matte_the_person_is_where_the_joints_are():
    frames, mattes, joints = still([40, 150])
    slim = slice(25, 75), slice(145, 156)
    frames[1] = texture()
    frames[1][slim] = (255, 0, 0)
    mattes[1] = -1.0
    np.testing.assert_array_equal(make_plate(frames, mattes, joints).image, texture())
    mattes[1] = 0.0  # a matte that says that nobody is there is believed
    assert np.abs(make_plate(frames, mattes, joints).image[slim].astype(int) - texture()[slim]).mean() > 30


def test_one_frame_shows_all_but_its_person():
    plate = make_plate(*still([100]))
    around = np.zeros((HEIGHT, WIDTH), bool)
    around[18:82, 88:112] = True
    assert plate.seen[~around].all() and not plate.seen[body(100)].any()
    np.testing.assert_array_equal(plate.image[plate.seen], texture()[plate.seen])


@pytest.mark.parametrize("count", [1, 4])
def test_somebody_who_fills_every_frame_leaves_no_plate(count):
    frames, mattes, joints = still([100] * count)
    mattes[:, :, 10:] = 1.0
    assert make_plate(frames, mattes, joints) is None


def test_nobody_anywhere_is_a_median_of_all():
    frames, _, joints = still([None] * 5)
    frames[2][:] = 255
    np.testing.assert_array_equal(make_plate(frames, None, joints).image, texture())


def test_the_median_of_an_even_number_lies_between_the_middle_two():
    frames = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (10, 100, 110, 250)]
    plate = make_plate(frames, None, np.zeros((4, NUM_JOINTS, 3), np.float32))
    np.testing.assert_array_equal(plate.image, np.full((HEIGHT, WIDTH, 3), 105))


def test_what_almost_all_frames_show_is_their_median_alone():
    positions = [60] * 10 + [150] * 10
    frames, mattes, joints = still(positions)
    rng = np.random.default_rng(0)
    frames = [(frame + rng.normal(0, 8, frame.shape)).clip(0, 255).astype(np.uint8) for frame in frames]
    image = make_plate(frames, mattes, joints).image
    median = np.median(frames, 0)
    for unhidden in (slice(0, 46), slice(74, 136), slice(164, WIDTH)):
        assert np.abs(image[:, unhidden] - median[:, unhidden]).max() <= 0.5


def test_mattes_move_with_the_camera():
    # In the place the person stands still, but in the end; in the frames they move with it.
    wide, shifts = texture(WIDTH + 16), np.linspace(0, 9, 16)
    size = (WIDTH, HEIGHT)
    views = [cv2.warpAffine(wide, np.array([[1, 0, -x], [0, 1, 0.0]]), size, flags=cv2.INTER_CUBIC) for x in shifts]
    frames, mattes, joints = clip(views, [round(100 - x) for x in shifts[:12]] + [30, 40, 50, 160])
    plate = make_plate(frames, mattes, joints)
    assert plate.seen.all()
    errors = [np.abs(plate.image.astype(int) - view)[:, 70:130].mean() for view in views]
    assert min(errors) < 1.0 and 4 <= np.argmin(errors) <= 11  # the middle of the drift


def track(positions):
    return np.stack([np.zeros((NUM_JOINTS, 3)) if x is None else pose(x) for x in positions])


def test_steps_are_all_of_a_short_video_and_few_of_a_long_one():
    np.testing.assert_array_equal(plate_steps(track([50] * 32)), np.arange(32))
    for length in (33, 100, 3000):
        steps = plate_steps(track(np.linspace(20, 180, length)))
        assert len(steps) == 32 and (np.diff(steps) > 0).all() and steps[0] == 0 and steps[-1] == length - 1


def test_steps_find_the_moments_in_which_the_person_steps_aside():
    positions = [100.0] * 1000
    positions[437:445], positions[700:708] = [150.0] * 8, [60.0] * 8
    joints = track(positions)
    joints[300:340, 2:8] = 0  # without arms: little is hidden, but always the same
    steps = plate_steps(joints)
    assert np.isin(steps, np.arange(437, 445)).sum() >= 3 and np.isin(steps, np.arange(700, 708)).sum() >= 3


def test_steps_do_not_prefer_frames_in_which_somebody_may_have_been_overlooked():
    positions = [100.0] * 1000
    positions[437:445] = [None] * 8
    steps = plate_steps(track(positions))
    assert np.isin(steps, np.arange(437, 445)).sum() <= 1


def test_steps_of_a_video_that_shows_nobody_are_evenly_spread():
    steps = plate_steps(track([None] * 311))
    np.testing.assert_array_equal(steps, np.arange(32) * 10)
