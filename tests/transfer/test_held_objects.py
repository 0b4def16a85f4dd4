"""Held objects are voted out of the mattes of made-up people: coloured capsules for limbs, posed anew in each frame."""

import cv2
import numpy as np
import pytest

from stmt_tf.pose import skeleton as sk
from stmt_tf.transfer.held_objects import without_held_objects

SIZE = 144
SKIN, SHIRT, TROUSERS, BALL = (200, 140, 110), (70, 90, 170), (40, 40, 50), (235, 235, 225)
STRIPE = (230, 220, 60)
LIMBS = (
    (sk.NECK, sk.HEAD, 14, SKIN),
    (sk.RIGHT_HIP, sk.RIGHT_KNEE, 13, TROUSERS),
    (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, 11, TROUSERS),
    (sk.LEFT_HIP, sk.LEFT_KNEE, 13, TROUSERS),
    (sk.LEFT_KNEE, sk.LEFT_ANKLE, 11, TROUSERS),
)
ARMS = (
    (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, 9, SHIRT),
    (sk.RIGHT_ELBOW, sk.RIGHT_WRIST, 8, SKIN),
    (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, 9, SHIRT),
    (sk.LEFT_ELBOW, sk.LEFT_WRIST, 8, SKIN),
)


def pose(rng):
    """Joints of someone who faces the camera and bows a little, legs nearly straight, arms out to the sides."""
    joints = np.ones([14, 3])

    def reach(start, end, angle, length):
        joints[end, :2] = joints[start, :2] + length * np.array([np.sin(angle), np.cos(angle)])

    middle = np.array([SIZE / 2, 0.56 * SIZE]) + rng.uniform(-6, 6, 2)
    lean, tall = rng.uniform(-0.12, 0.12), rng.uniform(28, 42)
    up, across = np.array([np.sin(lean), -np.cos(lean)]), np.array([np.cos(lean), np.sin(lean)])
    joints[sk.NECK, :2] = middle + tall * up
    joints[sk.HEAD, :2] = middle + (tall + 16) * up
    for side, shoulder, hip in ((-1, sk.RIGHT_SHOULDER, sk.RIGHT_HIP), (1, sk.LEFT_SHOULDER, sk.LEFT_HIP)):
        joints[shoulder, :2] = middle + (tall - 4) * up + side * 13 * across
        joints[hip, :2] = middle + side * 7 * across
        for start, angle, length in ((shoulder, rng.uniform(0.5, 1.3), 20), (hip, rng.uniform(0.1, 0.3), 25)):
            reach(start, start + 1, side * angle, length)
            reach(start + 1, start + 2, side * (angle + rng.uniform(-0.4, 0.1) * (start == shoulder)), length)
    return joints


def poses(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([pose(rng) for _ in range(count)])


def points(joints):
    return [tuple(point) for point in np.rint(joints[:, :2]).astype(int).tolist()]


def drawn(joints, shirt=SHIRT, stripes=(), stripe_width=5, brightness=1.0):
    """A frame of a person before a grey wall, and their matte; `stripes` are places down the shirt, from 0 to 1."""
    frame, matte = np.full([SIZE, SIZE, 3], 120, np.uint8), np.zeros([SIZE, SIZE], np.uint8)
    at = points(joints)

    def capsule(start, end, width, colour):
        cv2.line(frame, at[start], at[end], colour, width, cv2.LINE_AA)
        cv2.line(matte, at[start], at[end], 255, width, cv2.LINE_AA)

    for limb in LIMBS:
        capsule(*limb)
    trunk = np.array([at[i] for i in (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP)])
    for canvas, colour in ((frame, shirt), (matte, 255)):
        cv2.fillConvexPoly(canvas, trunk, colour)
        cv2.polylines(canvas, [trunk], True, colour, 7, cv2.LINE_AA)
    for share in stripes:
        ends = [np.rint(trunk[i] + share * (trunk[3 - i] - trunk[i])).astype(int).tolist() for i in (0, 1)]
        cv2.line(frame, *ends, STRIPE, stripe_width, cv2.LINE_AA)
    for limb in ARMS:
        capsule(*limb)
    return np.clip(frame * brightness, 0, 255).astype(np.uint8), np.float32(matte / 255)


def video(joints, **looks):
    """Frames and mattes; a look is one for all frames, or a list of one for each."""
    each = [{k: v[i] if isinstance(v, list) else v for k, v in looks.items()} for i in range(len(joints))]
    frames, mattes = zip(*(drawn(pose, **look) for pose, look in zip(joints, each)))
    return np.stack(frames), np.stack(mattes)


def add_disc(frame, matte, centre, radius=9, colour=BALL):
    """Draws a disc into a frame and its matte; returns where it is."""
    disc = np.zeros(matte.shape, np.uint8)
    cv2.circle(disc, np.rint(centre).astype(int).tolist(), radius, 1, -1)
    frame[disc > 0] = colour
    matte[disc > 0] = 1.0
    return disc > 0


def lost(before, after, where):
    return 1.0 - after[where].sum() / before[where].sum()


def torso_place(joints, across, down):
    """A place of the torso, from -1 to 1 across it and from 0 to 1 down it."""
    shoulders, hips = (joints[[right, right + 3], :2].mean(0) for right in (sk.RIGHT_SHOULDER, sk.RIGHT_HIP))
    return shoulders + down * (hips - shoulders) + across * (joints[sk.LEFT_HIP, :2] - hips)


@pytest.fixture
def ball_before_torso():
    joints = poses(10)
    frames, mattes = video(joints)
    places = [(across, down) for across in (-0.9, 0.9) for down in (0.05, 0.3, 0.55, 0.8, 1.05)]
    discs = np.stack([add_disc(f, m, torso_place(j, *at)) for f, m, j, at in zip(frames, mattes, joints, places)])
    return frames, joints, mattes, discs


def test_a_ball_at_another_place_of_the_torso_in_every_frame_goes(ball_before_torso):
    frames, joints, mattes, discs = ball_before_torso
    cleaned = without_held_objects(frames, joints, mattes)
    for before, after, disc in zip(mattes, cleaned, discs):
        assert lost(before, after, disc) > 0.9
        around = cv2.dilate(disc.astype(np.uint8), np.ones([9, 9])) > 0
        assert lost(before, after, ~around) < 0.01


def test_it_only_lowers_mattes_and_leaves_its_arguments_alone(ball_before_torso):
    frames, joints, mattes, _ = ball_before_torso
    copies = frames.copy(), joints.copy(), mattes.copy()
    cleaned = without_held_objects(frames, joints, mattes)
    assert cleaned.dtype == np.float32 and cleaned.shape == mattes.shape
    assert (cleaned <= mattes).all() and cleaned.min() >= 0.0
    for array, copy in zip((frames, joints, mattes), copies):
        np.testing.assert_array_equal(array, copy)


def test_the_order_of_the_frames_does_not_matter(ball_before_torso):
    frames, joints, mattes, _ = ball_before_torso
    order = np.random.default_rng(1).permutation(len(frames))
    cleaned = without_held_objects(frames, joints, mattes)
    np.testing.assert_allclose(
        without_held_objects(frames[order], joints[order], mattes[order]), cleaned[order], atol=1e-5
    )


def test_a_ball_goes_from_a_large_frame_as_from_a_small_one(ball_before_torso):
    frames, joints, mattes, discs = ball_before_torso
    large = [np.stack([cv2.resize(image, None, fx=3, fy=3) for image in images]) for images in (frames, mattes)]
    enlarged = joints.copy()
    enlarged[..., :2] = (joints[..., :2] + 0.5) * 3 - 0.5
    cleaned = without_held_objects(large[0], enlarged, large[1])
    assert lost(large[1], cleaned, np.kron(discs, np.ones([3, 3], bool))) > 0.9


@pytest.mark.parametrize("count, with_it", [(5, [4]), (12, [4, 9])])
def test_what_has_the_limbs_own_colour_but_sticks_out_goes(count, with_it):
    joints = poses(count)
    frames, mattes = video(joints)
    person = mattes > 0.0
    for k in with_it:
        knee, ankle = joints[k, [sk.LEFT_KNEE, sk.LEFT_ANKLE], :2]
        aside = np.array([ankle[1] - knee[1], knee[0] - ankle[0]]) / np.linalg.norm(ankle - knee)
        add_disc(frames[k], mattes[k], (knee + ankle) / 2 + 11 * aside, radius=6, colour=TROUSERS)
    cleaned = without_held_objects(frames, joints, mattes)
    assert lost(mattes, cleaned, (mattes > 0.0) & ~person) > 0.9
    assert lost(mattes, cleaned, person) < 0.01


def test_a_part_of_the_matte_far_from_every_limb_goes():
    joints = poses(8)
    frames, mattes = video(joints)
    disc = add_disc(frames[2], mattes[2], (12, 12))
    cleaned = without_held_objects(frames, joints, mattes)
    assert lost(mattes[2], cleaned[2], disc) > 0.99


def test_what_is_held_at_the_same_place_in_all_frames_stays():
    joints = poses(8)
    frames, mattes = video(joints)
    for frame, matte, pose in zip(frames, mattes, joints):
        add_disc(frame, matte, torso_place(pose, 0.6, 0.5))
    np.testing.assert_allclose(without_held_objects(frames, joints, mattes), mattes, atol=1e-3)


def test_a_person_in_a_striped_shirt_stays_whole():
    joints = poses(10)
    frames, mattes = video(joints, stripes=(0.25, 0.5, 0.75))
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


def test_a_shirt_whose_print_slips_stays():
    joints = poses(10)
    joints[:] = joints[0]
    frames, mattes = video(joints, stripes=[(0.3,)] * 9 + [(0.51,)], stripe_width=9)
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


def test_a_person_stays_whole_where_joints_are_off_by_some_pixels():
    joints = poses(10)
    frames, mattes = video(joints, stripes=(0.25, 0.5, 0.75))
    joints[..., :2] += np.random.default_rng(3).normal(0.0, 1.5, joints[..., :2].shape)
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


def test_a_person_stays_whole_where_the_light_changes():
    joints = poses(10)
    frames, mattes = video(joints, shirt=(170, 180, 190), brightness=[1.0] * 8 + [0.7, 1.3])
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


@pytest.fixture
def arm_before_torso():
    """Two of ten people hold a forearm before the torso."""
    joints = poses(10)
    for k in (3, 7):
        joints[k, sk.RIGHT_ELBOW, :2] = torso_place(joints[k], -2.2, 0.55)
        joints[k, sk.RIGHT_WRIST, :2] = torso_place(joints[k], 0.6, 0.5)
    return joints, *video(joints)


def test_an_arm_before_the_torso_stays(arm_before_torso):
    joints, frames, mattes = arm_before_torso
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


def test_a_ball_in_the_hand_before_the_torso_goes_and_the_arm_stays(arm_before_torso):
    joints, frames, mattes = arm_before_torso
    disc = add_disc(frames[3], mattes[3], joints[3, sk.RIGHT_WRIST, :2] + (4, 0))
    cleaned = without_held_objects(frames, joints, mattes)
    assert lost(mattes[3], cleaned[3], disc) > 0.9
    elbow, wrist = joints[3, [sk.RIGHT_ELBOW, sk.RIGHT_WRIST], :2]
    for share in (0.0, 0.2, 0.4):
        x, y = np.rint(elbow + share * (wrist - elbow)).astype(int)
        assert cleaned[3, y, x] > 0.99


def test_a_foot_that_points_at_the_camera_stays():
    joints = poses(10)
    joints[4, sk.LEFT_ANKLE, :2] = joints[4, sk.LEFT_KNEE, :2] + (1, 2)
    frames, mattes = video(joints)
    add_disc(frames[4], mattes[4], joints[4, sk.LEFT_ANKLE, :2], radius=15)
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


def test_only_the_parts_near_a_pixel_explain_it():
    """Hands hang beside the torso in most frames; what has their colour there, but lies on a raised thigh, goes."""
    joints = poses(10)
    for k in range(10):
        for side, shoulder in ((-1, sk.RIGHT_SHOULDER), (1, sk.LEFT_SHOULDER)):
            down = (joints[k, sk.RIGHT_HIP, :2] - joints[k, sk.RIGHT_SHOULDER, :2]) * (0, 0.5) + (side * 3, 0)
            joints[k, shoulder + 1, :2] = joints[k, shoulder, :2] + down
            joints[k, shoulder + 2, :2] = joints[k, shoulder, :2] + 2 * down
    joints[0, sk.RIGHT_ELBOW, :2] = joints[0, sk.RIGHT_SHOULDER, :2] + (-12, -16)
    joints[0, sk.RIGHT_WRIST, :2] = joints[0, sk.RIGHT_SHOULDER, :2] + (-24, -32)
    joints[0, sk.RIGHT_KNEE, :2] = joints[0, sk.RIGHT_HIP, :2] + (-25, 0)
    joints[0, sk.RIGHT_ANKLE, :2] = joints[0, sk.RIGHT_HIP, :2] + (-28, 25)
    frames, mattes = video(joints)
    disc = add_disc(frames[0], mattes[0], joints[0, sk.RIGHT_HIP, :2] + (-14, -1), radius=7, colour=SKIN)
    assert lost(mattes[0], without_held_objects(frames, joints, mattes)[0], disc) > 0.8


def test_front_and_back_do_not_vote_on_each_other():
    joints = poses(12)
    for k in range(4):
        for right in (sk.RIGHT_SHOULDER, sk.RIGHT_HIP):
            joints[k, [right, right + 3]] = joints[k, [right + 3, right]]
            joints[k, [right + 1, right + 2, right + 4, right + 5]] = joints[
                k, [right + 4, right + 5, right + 1, right + 2]
            ]
    frames, mattes = video(joints, shirt=[(220, 60, 60)] * 4 + [SHIRT] * 8)
    assert lost(mattes, without_held_objects(frames, joints, mattes), mattes > 0) < 1e-3


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_than_four_frames_have_no_vote(ball_before_torso, count):
    frames, joints, mattes, _ = (array[:count] for array in ball_before_torso)
    add_disc(frames[0], mattes[0], (12, 12))
    np.testing.assert_array_equal(without_held_objects(frames, joints, mattes), mattes)


def test_four_frames_are_enough(ball_before_torso):
    frames, joints, mattes, discs = (array[::3] for array in ball_before_torso)
    assert lost(mattes, without_held_objects(frames, joints, mattes), discs) > 0.9


def test_an_unknown_matte_passes_through_and_its_frame_has_no_vote(ball_before_torso):
    frames, joints, mattes, discs = ball_before_torso
    mattes[2] = -1.0
    cleaned = without_held_objects(frames, joints, mattes)
    np.testing.assert_array_equal(cleaned[2], mattes[2])
    assert lost(mattes[3:], cleaned[3:], discs[3:]) > 0.9
    frames[2] = np.random.default_rng(0).integers(0, 256, frames[2].shape)
    np.testing.assert_array_equal(without_held_objects(frames, joints, mattes), cleaned)


def test_frames_of_unknown_mattes_do_not_count(ball_before_torso):
    frames, joints, mattes, _ = ball_before_torso
    add_disc(frames[0], mattes[0], (12, 12))
    mattes[3:] = -1.0
    np.testing.assert_array_equal(without_held_objects(frames, joints, mattes), mattes)


def test_only_unknown_mattes_pass_through(ball_before_torso):
    frames, joints, mattes, _ = ball_before_torso
    unknown = np.full_like(mattes, -1.0)
    np.testing.assert_array_equal(without_held_objects(frames, joints, unknown), unknown)


def test_a_frame_without_joints_keeps_its_matte_among_people_seen_from_the_side():
    joints = poses(10)
    for left in (sk.LEFT_SHOULDER, sk.LEFT_HIP):
        joints[1:, left, 0] = joints[1:, left - 3, 0] + 1
    frames, mattes = video(joints)
    joints[5] = 0.0
    np.testing.assert_array_equal(without_held_objects(frames, joints, mattes)[5], mattes[5])


@pytest.mark.parametrize("found", [[], [sk.RIGHT_SHOULDER]])
def test_too_few_joints_leave_all_mattes(ball_before_torso, found):
    frames, joints, mattes, _ = ball_before_torso
    joints[:, np.setdiff1d(np.arange(14), found)] = 0.0
    np.testing.assert_array_equal(without_held_objects(frames, joints, mattes), mattes)


@pytest.mark.parametrize("wrong", ["missing", "in the air"])
def test_a_leg_whose_joints_are_not_known_stays(wrong):
    joints = poses(10)
    joints[6, sk.LEFT_KNEE, :2] = joints[6, sk.LEFT_HIP, :2] + (24, -4)
    joints[6, sk.LEFT_ANKLE, :2] = joints[6, sk.LEFT_HIP, :2] + (48, -12)
    frames, mattes = video(joints)
    knee, ankle = (sk.LEFT_KNEE, sk.LEFT_ANKLE)
    if wrong == "missing":
        joints[6, [knee, ankle]] = (*joints[6, sk.NECK, :2], 0.0)
    else:
        joints[6, [knee, ankle], :2] = joints[6, sk.LEFT_HIP, :2] + ((16, 20), (24, 44))
    assert lost(mattes[6], without_held_objects(frames, joints, mattes)[6], mattes[6] > 0) < 1e-3
