import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf
from dancer import ANKLES, dance

from stmt_tf.metrics.regions import person_region
from stmt_tf.pose import skeleton
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer import repair
from stmt_tf.transfer.repair import preference_for_whole, whole_person, without_objects
from stmt_tf.transfer.source import Source

SIZE, COUNT = 128, 3
OTHER_SHIN, SHIN = ([part.name for part in skeleton.PARTS].index(f"{side}_shin") for side in ("right", "left"))
PAINTED, SHOWN = 77, 30


class Model:
    """Paints all that it is asked for, and remembers what that was."""

    takes_any_size = True

    def __init__(self, mask=204, preference=0.0):
        self.mask, self.preference, self.preferences, self.poses = mask, preference, [], []

    def encode_source(self, frames, joints, mattes):
        self.mattes, self.size = mattes, frames.shape[1]
        return {"preference": tf.fill([1, 1, len(frames), skeleton.NUM_PARTS], self.preference)}

    def generate(self, source, joints, names):
        self.preferences.append(source["preference"].numpy()[0, 0])
        self.poses.append(joints)
        assert names == ("foreground", "mask")
        return {
            "foreground": np.full([1, self.size, self.size, 3], PAINTED, np.uint8),
            "mask": np.full([1, self.size, self.size, 1], self.mask, np.uint8),
        }


def people(size):
    """Frames of one colour, joints of a moving person, and mattes around these."""
    joints = dance(frames=COUNT)
    joints[..., :2] *= size / 256
    joints[..., 2] = 1.0
    mattes = person_region(joints, size).astype(np.float32)
    return np.full([COUNT, size, size, 3], SHOWN, np.uint8), joints.astype(np.float32), mattes


@pytest.fixture
def source():
    return people(SIZE)


def middle_of_shin(joints):
    return joints[[skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE], :2].mean(0)


def with_gap(joints, mattes, frame=1):
    """The mattes with a hole over the left shin of one frame, and where that is."""
    mattes = mattes.copy()
    hole = np.zeros(mattes.shape[1:], np.uint8)
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
    painted = (repaired[1] == PAINTED).all(-1)
    np.testing.assert_allclose(found[1][painted], 0.8)
    np.testing.assert_array_equal(found[1][~painted], holed[1][~painted])
    assert (frames == SHOWN).all() and (holed[1][hole] == 0).all()  # the caller's own


# Half a limb's width is 4 pixels of 128 and 16 of 512; an object's blur reaches 1 and 5 further.
@pytest.mark.parametrize("size, reach", [(128, 5), (512, 21)])
def test_what_is_painted_is_as_wide_as_a_limb_with_its_outline(size, reach):
    frames, joints, mattes = people(size)
    x, y = np.rint(middle_of_shin(joints[1])).astype(int)
    mattes[1, y - 1 : y + 2, x - 1 : x + 2] = 0.0
    painted = (without_objects(Model(), frames, joints, mattes)[0][1] == PAINTED).all(-1)
    assert painted[y, x - reach] and not painted[y, : x - reach - 2].any()


def test_what_the_model_does_not_show_as_the_person_stays_in_the_picture(source):
    frames, joints, mattes = source
    holed, hole = with_gap(joints, mattes)
    repaired, found, _ = without_objects(Model(mask=20), frames, joints, holed)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_allclose(found[1][hole], 20 / 255, rtol=1e-5)


@pytest.mark.parametrize("mask, colour", [(24, SHOWN), (28, PAINTED)])  # of 255: less and more than a tenth
def test_more_than_a_tenth_of_the_person_is_painted(source, mask, colour):
    frames, joints, mattes = source
    holed, hole = with_gap(joints, mattes)
    assert (without_objects(Model(mask=mask), frames, joints, holed)[0][1][hole] == colour).all()


def test_what_the_model_prefers_anyway_counts_on(source):
    frames, joints, mattes = source
    model = Model(preference=-7.0)
    without_objects(model, frames, joints, with_gap(joints, mattes)[0])
    np.testing.assert_allclose(model.preferences[0][[0, 2]], -7.0, atol=1e-3)


def test_neither_the_frame_itself_nor_others_that_hide_the_same_part_are_asked(source):
    frames, joints, mattes = source
    mattes, _ = with_gap(joints, mattes, frame=1)
    mattes, _ = with_gap(joints, mattes, frame=2)
    model = Model()
    without_objects(model, frames, joints, mattes)
    np.testing.assert_array_equal(model.poses, joints[1:, np.newaxis])
    for frame, other, preference in zip((1, 2), (2, 1), model.preferences):
        assert (preference[frame] < -1e4).all()
        assert -100 <= preference[other, SHIN] < -10
        np.testing.assert_allclose(preference[0], 0.0, atol=1e-3)


@pytest.mark.parametrize("confidence, left", [(0.45, True), (0.55, False)])
@pytest.mark.parametrize("unsure", [[1], [0, 2]])
def test_limbs_that_are_not_sure_to_be_seen_leave_no_gap_and_tell_of_none(source, unsure, confidence, left):
    frames, joints, mattes = source
    mattes, _ = with_gap(joints, mattes)
    for ankle in ANKLES:  # the right shin is near, too
        joints[unsure, ankle, 2] = confidence
    repaired, found, _ = without_objects(Model(), frames, joints, mattes)
    assert np.array_equal(repaired, frames) == np.array_equal(found, mattes) == left


def test_the_ends_of_a_limb_may_lie_outside_the_matte(source):
    frames, joints, mattes = source
    x, y = np.rint(joints[1, skeleton.LEFT_ANKLE, :2]).astype(int)
    cv2.circle(mattes[1], (int(x), int(y)), 1, 0.0, -1)
    repaired, _, hidden = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_allclose(hidden, 0.0, atol=1e-3)


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


def test_the_faint_fringe_of_a_matte_is_no_object(source):
    frames, joints, mattes = source
    mattes = np.maximum(mattes, np.float32(0.04))
    repaired, found, hidden = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_array_equal(found, mattes)
    np.testing.assert_allclose(hidden, 0.0, atol=1e-3)


@pytest.mark.parametrize("share, colour, matte", [(0.55, SHOWN, 1.0), (0.45, 56, 0.89)])
def test_where_an_object_hides_more_than_half_of_a_pixel_it_is_painted_by_as_much(
    source, monkeypatch, share, colour, matte
):
    frames, joints, mattes = source
    x, y = np.rint(middle_of_shin(joints[1])).astype(int)
    kept = mattes.copy()
    kept[1, y - 2 : y + 3, x - 2 : x + 3] = share
    monkeypatch.setattr(repair, "without_held_objects", lambda *_: kept)
    repaired, found, hidden = without_objects(Model(), frames, joints, mattes)
    assert (repaired[1, y, x] == colour).all() and found[1, y, x] == pytest.approx(matte, abs=1e-3)
    assert 0.01 < hidden[1, SHIN] < 1 - share  # a few of 24 places along it


def test_the_torsos_axis_runs_from_between_the_shoulders_to_between_the_hips():
    frames, joints, mattes = people(512)
    pairs = [skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER], [skeleton.LEFT_HIP, skeleton.RIGHT_HIP]
    top, bottom = (joints[1, pair, :2].mean(0) for pair in pairs)
    x, y = np.rint(0.8 * top + 0.2 * bottom).astype(int)
    mattes[1, y - 3 : y + 4, x - 3 : x + 4] = 0.0
    repaired, _, _ = without_objects(Model(), frames, joints, mattes)
    assert (repaired[1, y, x] == PAINTED).all()


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
    assert hidden.shape == (COUNT, skeleton.NUM_PARTS) and 0.95 < hidden[1, SHIN] <= 1.0
    assert 0.3 < hidden[1, OTHER_SHIN] < 0.9  # in part, as it is near
    np.testing.assert_allclose(hidden[1, :OTHER_SHIN], 0.0, atol=1e-3)
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


def test_a_frame_that_all_but_shows_a_part_whole_is_not_repaired_by_itself():
    frames, joints, mattes = people(512)
    knee, ankle = joints[1, [skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE], :2]
    x, y = np.rint(knee + (0.1 + 0.8 * 12 / 23) * (ankle - knee)).astype(int)
    mattes[1, y - 1 : y + 2, x - 1 : x + 2] = 0.0  # one of 24 places along the shin
    mattes[[0, 2], 328:352] = 0.0  # across the others' shins
    repaired, found, _ = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired[1], frames[1])
    np.testing.assert_array_equal(found[1], mattes[1])
    assert (repaired[[0, 2]] == PAINTED).any((1, 2, 3)).all()


@pytest.mark.parametrize("known", [True, False])
def test_what_lies_outside_the_frame_is_not_hidden(source, known):
    frames, joints, mattes = source
    joints[1, :, 1] += 45  # half the shins
    mattes[1] = person_region(joints[1:2], SIZE)[0] if known else -1.0
    repaired, found, hidden = without_objects(Model(), frames, joints, mattes)
    np.testing.assert_array_equal(repaired, frames)
    np.testing.assert_array_equal(found, mattes)
    np.testing.assert_allclose(hidden, 0.0, atol=1e-3)


@pytest.fixture
def whole_frames():
    """A source whose frames are wider than its crop, one with a gap in a shin, and where that is in the frame."""
    frames, joints, mattes = people(SIZE)
    mattes, hole = with_gap(joints, mattes)
    around = ((0, 0), (8, 24), (40, 16))
    frames = np.pad(frames, (*around, (0, 0)), constant_values=SHOWN)
    joints = joints + np.float32([40, 8, 0])
    crop = Crop(left=40, top=8, size=SIZE)
    source = Source(PosedVideo("a.mp4"), joints, list(frames), joints, crop, np.pad(mattes, around))
    return source, np.pad(hole, around[1:])


@pytest.mark.parametrize("size", [64, SIZE])
def test_repairs_are_put_into_the_whole_frames(whole_frames, size):
    source, hole = whole_frames
    repaired = whole_person(Model(), source, size)
    assert (repaired.frames[1][hole] == PAINTED).all()
    np.testing.assert_allclose(repaired.mattes[1][hole], 0.8, atol=0.01)
    far = cv2.dilate(hole.astype(np.uint8), np.ones([41, 41])) == 0
    np.testing.assert_array_equal(repaired.frames[1][far], SHOWN)
    np.testing.assert_allclose(repaired.mattes[1][far], source.mattes[1][far], atol=1e-4)
    for n in (0, 2):
        assert repaired.frames[n] is source.frames[n]
        np.testing.assert_array_equal(repaired.mattes[n], source.mattes[n])
    assert repaired.hidden[1, SHIN] > 0.2 and repaired.hidden[0].max() == 0
    assert (source.frames[1] == SHOWN).all()


def test_a_source_without_mattes_and_a_model_of_one_size_leave_all_as_it_is(whole_frames):
    source, _ = whole_frames
    bare, model = dataclasses.replace(source, mattes=None), Model()
    assert whole_person(model, bare, SIZE) is bare
    model.takes_any_size = False
    assert whole_person(model, source, SIZE) is source
