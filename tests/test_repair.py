import cv2
import numpy as np
import pytest
import tensorflow as tf
from dancer import dance

from stmt_tf.metrics.regions import person_region
from stmt_tf.pose import skeleton
from stmt_tf.repair import preference_for_whole, without_objects

SIZE, COUNT = 128, 3
SHIN = [part.name for part in skeleton.PARTS].index("left_shin")
PAINTED, SHOWN = 77, 30


class Model:
    """Paints all that it is asked for, and remembers what that was."""

    def __init__(self):
        self.preferences, self.poses = [], []

    def encode_source(self, frames, joints, mattes):
        self.mattes = mattes
        return {"preference": tf.zeros([1, 1, len(frames), skeleton.NUM_PARTS])}

    def generate(self, source, joints, names):
        self.preferences.append(source["preference"].numpy()[0, 0])
        self.poses.append(joints)
        assert names == ("foreground", "mask")
        return {
            "foreground": np.full([1, SIZE, SIZE, 3], PAINTED, np.uint8),
            "mask": np.full([1, SIZE, SIZE, 1], 204, np.uint8),
        }


@pytest.fixture
def source():
    """Frames of one colour, joints of a moving person, and mattes around these."""
    joints = dance(frames=COUNT)
    joints[..., :2] *= SIZE / 256
    joints[..., 2] = 1.0
    mattes = person_region(joints, SIZE).astype(np.float32)
    return np.full([COUNT, SIZE, SIZE, 3], SHOWN, np.uint8), joints.astype(np.float32), mattes


def middle_of_shin(joints):
    return joints[[skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE], :2].mean(0)


def with_gap(joints, mattes, frame=1):
    """The mattes with a hole over the left shin of one frame, and where that is."""
    mattes = mattes.copy()
    hole = np.zeros([SIZE, SIZE], np.uint8)
    cv2.circle(hole, [round(float(z)) for z in middle_of_shin(joints[frame])], 4, 1, -1)
    mattes[frame][hole > 0] = 0.0
    return mattes, hole > 0


def test_whole_people_stay_as_they_are(source):
    frames, joints, mattes = source
    model = Model()
    found = without_objects(model, *source)
    np.testing.assert_array_equal(found[0], frames)
    np.testing.assert_array_equal(found[1], mattes)
    assert not model.poses


def test_a_gap_in_a_limb_is_shown_as_the_others_show_it(source):
    frames, joints, mattes = source
    holed, hole = with_gap(joints, mattes)
    model = Model()
    repaired, found, _ = without_objects(model, frames, joints, holed)
    x, y = np.rint(middle_of_shin(joints[1])).astype(int)
    assert (repaired[1, y, x] == PAINTED).all() and found[1, y, x] == pytest.approx(0.8)
    far = np.hypot(*(np.mgrid[:SIZE, :SIZE] - np.array([y, x])[:, None, None])) > 26
    assert (repaired[1][far] == SHOWN).all()
    np.testing.assert_array_equal(found[1][far], holed[1][far])
    for whole in (0, 2):
        np.testing.assert_array_equal(repaired[whole], frames[whole])
        np.testing.assert_array_equal(found[whole], mattes[whole])
    np.testing.assert_array_equal(model.poses, [joints[1:2]])
    assert (frames == SHOWN).all()  # the caller's own


def test_neither_the_frame_itself_nor_others_that_hide_the_same_part_are_asked(source):
    frames, joints, mattes = source
    mattes, _ = with_gap(joints, mattes, frame=1)
    mattes, _ = with_gap(joints, mattes, frame=2)
    model = Model()
    without_objects(model, frames, joints, mattes)
    for frame, other, preference in zip((1, 2), (2, 1), model.preferences):
        assert (preference[frame] < -1e4).all()
        assert -100 <= preference[other, SHIN] < -10
        np.testing.assert_allclose(preference[0], 0.0, atol=1e-3)


def test_limbs_that_are_not_sure_to_be_seen_leave_no_gap(source):
    frames, joints, mattes = source
    mattes, _ = with_gap(joints, mattes)
    joints = joints.copy()
    joints[1, :, 2] = 0.4
    repaired, found, _ = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_array_equal(found, mattes)


def test_a_frame_without_a_matte_has_no_gaps(source):
    frames, joints, mattes = source
    mattes[1] = -1.0
    repaired, found, _ = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_array_equal(found, mattes)


def test_what_is_hidden_is_hidden_from_the_model_too(source):
    frames, joints, mattes = source
    holed, hole = with_gap(joints, mattes)
    model = Model()
    without_objects(model, frames, joints, holed)
    around = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3))) > 0
    assert holed[1][around].any() and not model.mattes[1][around].any()


def test_an_object_that_sticks_to_the_matte_is_taken_out():
    """A white ball before the chest of one of eight frames of a person all in one colour."""
    joints = np.repeat(dance(frames=1), 8, axis=0)
    joints[..., :2] *= SIZE / 256
    joints[..., 2] = 1.0
    mattes = person_region(joints, SIZE).astype(np.float32)
    frames = np.full([8, SIZE, SIZE, 3], SHOWN, np.uint8)
    torso = joints[0, [skeleton.NECK, skeleton.LEFT_HIP, skeleton.RIGHT_HIP], :2].mean(0)
    x, y = (round(float(z)) for z in torso)
    cv2.circle(frames[3], (x, y), 9, (235, 235, 235), -1)
    repaired, _, _ = without_objects(Model(), frames, joints.astype(np.float32), mattes)
    assert (repaired[3, y - 6 : y + 7, x - 6 : x + 7] == PAINTED).all()
    assert (np.delete(repaired, 3, axis=0) == SHOWN).all()


def test_what_is_hidden_of_a_part_is_told(source):
    frames, joints, mattes = source
    holed, _ = with_gap(joints, mattes)
    hidden = without_objects(Model(), frames, joints, holed)[2]
    assert hidden.shape == (COUNT, skeleton.NUM_PARTS) and 0.2 < hidden[1, SHIN] <= 1.0
    np.testing.assert_allclose(hidden[[0, 2]], 0.0, atol=1e-3)
    np.testing.assert_allclose(preference_for_whole(hidden), -100 * hidden, rtol=1e-5)


def test_a_joint_that_is_wrong_makes_no_gap(source):
    frames, joints, mattes = source
    joints = joints.copy()
    joints[1, skeleton.LEFT_ANKLE, :2] = joints[1, skeleton.LEFT_KNEE, :2] + [55, -5]
    repaired, found, _ = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_array_equal(found, mattes)


def test_what_no_other_frame_shows_whole_stays_as_it_is(source):
    frames, joints, mattes = source
    mattes[:, 82:88] = 0.0  # across all shins
    repaired, found, _ = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_array_equal(found, mattes)
