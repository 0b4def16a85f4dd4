"""Mattes: asked of an estimator, read from pictures, and not believed where they make no sense."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from records import STANDING

from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators import Estimator
from stmt_tf.pose.mattes import check_mattes, clip_masks, doubt_mattes, doubtful, estimate_mattes, read_mattes
from stmt_tf.video.files import VideoError

SIZE = (40, 60)
PERSON = np.c_[STANDING * 36 + (12, 2), np.ones(14)].astype(np.float32)
NOBODY = np.zeros((14, 3), np.float32)
NO_HIPS = PERSON.copy()
NO_HIPS[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP]] = 0


class Boxes(Estimator):
    """Takes the box of the joints that are found for the person, and a grey picture for one without mattes."""

    name = "boxes"

    def detect(self, frame, index):
        raise AssertionError("nobody asked")

    def matte(self, frame, joints):
        return None if frame[0, 0, 0] == 128 else box_of(joints)


def box_of(joints, size=SIZE):
    matte = np.zeros(size, np.uint8)
    points = joints[joints[:, 2] > 0, :2]
    if len(points):
        (left, top), (right, bottom) = points.min(0).astype(int), np.ceil(points.max(0)).astype(int)
        matte[top : bottom + 1, left : right + 1] = 255
    return matte


def numbered(number):
    """A matte that can be told from others: of a person who is so many pixels less tall."""
    matte = box_of(PERSON)
    matte[:number] = 0
    return matte


def write(directory, name, image):
    directory.mkdir(exist_ok=True)
    assert cv2.imwrite(str(directory / name), image)


# Of an estimator


def test_each_frame_is_asked_about_with_its_own_joints():
    joints = np.stack([PERSON, NOBODY, PERSON + np.float32([5, 2, 0])])
    mattes = estimate_mattes(np.zeros((3, *SIZE, 3), np.uint8), joints, Boxes())
    assert mattes.dtype == np.uint8
    np.testing.assert_array_equal(mattes, [box_of(pose) for pose in joints])


def test_an_estimator_without_mattes_gives_none():
    assert estimate_mattes(np.full((2, *SIZE, 3), 128, np.uint8), np.stack([PERSON] * 2), Boxes()) is None


# Of pictures


def test_numbers_in_names_count_as_numbers(tmp_path):
    for number in range(12):
        write(tmp_path / "mattes", f"frame{number}.png", numbered(number + 3))
    (tmp_path / "mattes" / "notes.txt").write_text("no matte")
    (tmp_path / "mattes" / ".frame12.png").write_text("hidden")
    mattes = read_mattes(tmp_path / "mattes", [10, 2, 0], 12, SIZE)
    assert mattes.dtype == np.uint8
    np.testing.assert_array_equal(mattes, [numbered(13), numbered(5), numbered(3)])


def test_pictures_that_are_not_asked_for_are_not_read(tmp_path):
    write(tmp_path, "0.png", numbered(3))
    (tmp_path / "1.png").write_bytes(b"damaged")
    np.testing.assert_array_equal(read_mattes(tmp_path, [0], 2, SIZE), [numbered(3)])


@pytest.mark.parametrize("extension", [".png", ".jpg", ".JPEG", ".webp", ".bmp"])
def test_all_kinds_of_pictures_are_read(tmp_path, extension):
    write(tmp_path, f"a{extension}", numbered(8))
    (matte,) = read_mattes(tmp_path, [0], 1, SIZE)
    assert np.abs(matte.astype(int) - numbered(8)).mean() < 3


def with_channels(*channels):
    return np.stack(np.broadcast_arrays(*channels), -1).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        with_channels(numbered(4), numbered(4), numbered(4)),
        with_channels(0, 0, numbered(4)),  # red on black
        with_channels(50, 200, 90, numbered(4)),  # the person cut out
        with_channels(numbered(4), numbered(4), numbered(4), 255),
        with_channels(numbered(4), numbered(4), numbered(4), 0),
        np.where(numbered(4) > 0, np.uint16(65535), np.uint16(200)),
    ],
    ids=["grey in colour", "colour", "alpha", "opaque", "transparent", "16 bits"],
)
def test_the_matte_is_the_alpha_or_else_the_brightest_channel(tmp_path, image):
    write(tmp_path, "0.png", image)
    np.testing.assert_array_equal(read_mattes(tmp_path, [0], 1, SIZE), [numbered(4)])


def test_a_frame_without_the_person_has_an_empty_matte_among_people_cut_out(tmp_path):
    write(tmp_path, "0.png", with_channels(50, 200, 90, numbered(4)))
    write(tmp_path, "1.png", with_channels(50, 200, 90, 0 * numbered(4)))
    np.testing.assert_array_equal(read_mattes(tmp_path, [0, 1], 2, SIZE), [numbered(4), 0 * numbered(4)])


@pytest.mark.parametrize(
    ("num_frames", "indices", "complaint"),
    [
        (4, [0], "holds 3 pictures, the video 4 frames"),
        (2, [0], "holds 3 pictures, the video 2 frames"),
        (None, [3, 1], "holds 3 pictures, the video at least 4 frames"),
    ],
)
def test_another_number_of_pictures_than_frames_is_refused(tmp_path, num_frames, indices, complaint):
    for number in range(3):
        write(tmp_path, f"{number}.png", numbered(3))
    with pytest.raises(VideoError, match=complaint):
        read_mattes(tmp_path, indices, num_frames, SIZE)
    assert len(read_mattes(tmp_path, [0, 1], None, SIZE)) == 2


def test_what_is_no_directory_of_mattes_is_told(tmp_path):
    write(tmp_path / "mattes", "0.png", numbered(3))
    with pytest.raises(VideoError, match="elsewhere: no such directory"):
        read_mattes(tmp_path / "elsewhere", [0], 1, SIZE)
    with pytest.raises(VideoError, match=r"0\.png: no such directory"):
        read_mattes(tmp_path / "mattes" / "0.png", [0], 1, SIZE)
    with pytest.raises(VideoError, match=r"0\.png: is 60 x 40, the video 40 x 60 pixels"):
        read_mattes(tmp_path / "mattes", [0], 1, SIZE[::-1])
    with pytest.raises(VideoError, match=r"0\.png: is 60 x 40, the video 40 x 60 pixels"):
        check_mattes(tmp_path / "mattes", SIZE[::-1])
    check_mattes(tmp_path / "mattes", SIZE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="empty: holds no pictures"):
        check_mattes(tmp_path / "empty", SIZE)


def png_that_claims_to_be_huge():
    _, encoded = cv2.imencode(".png", np.zeros((8, 8), np.uint8))
    data = bytearray(encoded.tobytes())
    data[16:24] = struct.pack(">II", 70_000, 70_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def numbers_in_a_tiff():
    return cv2.imencode(".tiff", np.zeros(SIZE, np.float32))[1].tobytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", png_that_claims_to_be_huge(), numbers_in_a_tiff()],
    ids=["empty", "text", "huge", "numbers"],
)
def test_a_picture_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "0.png").write_bytes(content)
    with pytest.raises(VideoError, match=r"0\.png: is no picture of 8 or 16 bits, or a damaged one\. Write") as error:
        read_mattes(tmp_path, [0], 1, SIZE)
    assert "\n" not in str(error.value)


def test_mattes_that_all_show_nobody_are_refused(tmp_path):
    write(tmp_path, "0.png", np.zeros(SIZE, np.uint8))
    write(tmp_path, "1.png", np.ones(SIZE, np.uint8))  # where 1 stands for the person
    with pytest.raises(VideoError, match="show nobody. Give pictures that are white"):
        read_mattes(tmp_path, [0, 1], 2, SIZE)
    write(tmp_path, "1.png", numbered(3))
    assert read_mattes(tmp_path, [0, 1], 2, SIZE).any((1, 2)).tolist() == [False, True]


# What is believed


def down_to(joint):
    """The part of the person's box above a joint, and it."""
    matte = box_of(PERSON)
    matte[int(PERSON[joint, 1]) + 1 :] = 0
    return matte


@pytest.mark.parametrize(
    ("matte", "joints", "expected"),
    [
        (box_of(PERSON), PERSON, False),
        (np.zeros(SIZE, np.uint8), PERSON, True),
        (np.full(SIZE, 255, np.uint8), PERSON, True),
        (255 - box_of(PERSON), PERSON, True),
        (np.roll(box_of(PERSON), 30, axis=1), PERSON, True),  # somebody else
        (down_to(skeleton.RIGHT_ELBOW), NO_HIPS, False),  # 6 of 12 joints
        (down_to(skeleton.RIGHT_SHOULDER), NO_HIPS, True),  # 4 of 12
        (box_of(PERSON) // 255 * 200, PERSON, False),
        (box_of(PERSON) // 255 * 100, PERSON, True),
        (np.zeros(SIZE, np.uint8), NOBODY, True),
        (box_of(PERSON), NOBODY, False),
        (box_of(PERSON), PERSON - np.float32([50, 0, 0]), True),  # out of view
        (box_of(PERSON), PERSON - np.float32([0, 45, 0]), True),
    ],
)
def test_a_matte_is_doubted_that_does_not_show_the_person(matte, joints, expected):
    assert doubtful(matte[None], joints[None]).tolist() == [expected]


@pytest.mark.parametrize(("gap", "expected"), [(0, False), (1, True)])
def test_joints_may_lie_a_little_beside_a_matte_that_shows_them(gap, expected):
    joints = PERSON.copy()
    joints[:, 0] = 10
    matte = np.zeros(SIZE, np.uint8)
    matte[:, 11 + gap : 16] = 255
    assert doubtful(matte[None], joints[None]).tolist() == [expected]


def test_a_person_may_reach_the_edge_of_the_frame():
    joints = PERSON.copy()
    joints[:, 0] = 0
    matte = np.zeros(SIZE, np.uint8)
    matte[:, :3] = 255
    assert doubtful(matte[None], joints[None]).tolist() == [False]
    assert doubtful(matte.T[None], joints[None][..., [1, 0, 2]]).tolist() == [False]


def test_joints_that_were_not_found_have_no_say():
    knees_and_ankles = [9, 10, 12, 13]
    joints = np.zeros_like(PERSON)
    joints[knees_and_ankles] = PERSON[knees_and_ankles]
    matte = box_of(joints)
    assert doubtful(matte[None], PERSON[None]).tolist() == [True]
    assert doubtful(matte[None], joints[None]).tolist() == [False]


def test_of_a_doubted_matte_nothing_is_known(caplog):
    soft = box_of(PERSON)
    soft[0, 0] = 51
    mattes = np.stack([soft, np.zeros(SIZE, np.uint8), soft, np.zeros(SIZE, np.uint8)])
    joints = np.stack([PERSON, PERSON, PERSON, NOBODY])
    with caplog.at_level("WARNING", logger="absl"):
        believed = doubt_mattes(mattes, joints)
    assert believed.dtype == np.float32
    np.testing.assert_allclose(believed[[0, 2]], np.stack([soft, soft]) / 255, atol=1e-6)
    assert (believed[[1, 3]] == -1).all()
    # That there is nobody where nobody was found surprises nobody.
    assert "1 of 4 mattes" in caplog.text


def test_mattes_that_make_sense_bring_no_warning(caplog):
    with caplog.at_level("WARNING", logger="absl"):
        doubt_mattes(box_of(PERSON)[None], PERSON[None])
    assert caplog.text == ""


def test_a_clip_takes_the_nearest_matte_for_one_that_makes_no_sense():
    mattes = np.stack([numbered(3 + t % 4) for t in range(20)])
    joints = np.stack([PERSON] * 20)
    expected = mattes.copy()
    np.testing.assert_array_equal(clip_masks(mattes, joints), expected)
    mattes[[0, 9]] = 0
    masks = clip_masks(mattes, joints)
    np.testing.assert_array_equal(masks[0], expected[1])
    np.testing.assert_array_equal(masks[9], expected[8])
    np.testing.assert_array_equal(np.delete(masks, [0, 9], axis=0), np.delete(expected, [0, 9], axis=0))
    mattes[15] = 255
    assert clip_masks(mattes, joints) is None
