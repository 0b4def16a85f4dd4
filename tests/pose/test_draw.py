"""Pictures for people to look at: skeletons and contact sheets."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from records import make_joints

from stmt_tf.pose import skeleton
from stmt_tf.pose.draw import draw_numbers, draw_skeleton
from stmt_tf.video.files import VideoError
from stmt_tf.video.sheet import contact_sheet, write_png


def test_skeleton_is_drawn_on_a_copy():
    image = np.zeros((64, 64, 3), np.uint8)
    drawn = draw_skeleton(image, make_joints(size=64))
    assert drawn.shape == image.shape and drawn.any() and not image.any()


def test_right_is_warm_and_left_is_cold():
    joints = make_joints(size=256)
    drawn = draw_skeleton(np.zeros((256, 256, 3), np.uint8), joints).astype(int)
    for joint, warm in ((skeleton.RIGHT_ELBOW, True), (skeleton.LEFT_ELBOW, False)):
        x, y = joints[joint, :2].round().astype(int)
        red, _, blue = drawn[y, x]
        assert (red > blue) == warm


def test_missing_joints_are_left_out():
    image = np.zeros((64, 64, 3), np.uint8)
    assert not draw_skeleton(image, np.zeros((14, 3), np.float32)).any()


@pytest.mark.parametrize("shift", [(0, 40), (-200, 0), (0, -8), (100, 0)])
def test_numbers_stand_by_heads_and_never_over_one_or_outside(shift):
    joints = make_joints(size=128) + np.float32([*shift, 0])
    people = [joints, joints + np.float32([30, 5, 0])]
    image = np.full((200, 200, 3), 128, np.uint8)
    both = draw_numbers(image, people)
    assert (image == 128).all()
    number, _ = cv2.connectedComponents((both != image).any(-1).astype(np.uint8))
    assert number == 3  # of what is apart: the image and two numbers
    for pose in people:
        drawn, (head, neck) = np.argwhere((both != image).any(-1))[:, ::-1], pose[[skeleton.HEAD, skeleton.NECK], :2]
        if (0 < head).all() and (head < 200).all():
            assert np.linalg.norm(drawn - (head + neck) / 2, axis=1).min() >= 0.5 * np.linalg.norm(head - neck)
            assert min(np.linalg.norm(drawn - joint, axis=1).min() for joint in pose[:, :2]) < 20


def test_joints_far_outside_are_no_error():
    joints = make_joints(size=64)
    joints[3, :2] = 1e9
    draw_skeleton(np.zeros((64, 64, 3), np.uint8), joints)


def test_sheet_holds_every_picture_in_its_row():
    red, blue = np.zeros((50, 100, 3), np.uint8), np.zeros((80, 40, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    sheet = contact_sheet([("first", [red, red]), ("second", [blue])], height=40)
    assert (sheet == (255, 0, 0)).all(-1).sum() == 2 * 40 * 80
    assert (sheet == (0, 0, 255)).all(-1).sum() == 40 * 20


def test_columns_line_up_whatever_the_shapes():
    red, blue, green = (np.zeros((40, width, 3), np.uint8) for width in (100, 40, 300))
    red[..., 0], blue[..., 2], green[..., 1] = 255, 255, 255
    sheet = contact_sheet([("a", [red, blue]), ("b", [blue, red, red]), ("c", [green])], height=40)
    columns = [np.flatnonzero((sheet[row] == (0, 0, 255)).all(-1)) for row in (30, 94)]
    middles = [column.mean() for column in columns]
    assert middles == [104 + 49.5, 49.5]  # in the middle of the second column, and of the first
    assert (sheet[94, 104:204] == (255, 0, 0)).all()
    assert (sheet[158, :300] == (0, 255, 0)).all()  # alone, and so it makes no column wide


def test_empty_rows_are_no_error():
    assert contact_sheet([("nothing", [])]).ndim == 3
    assert contact_sheet([]).ndim == 3


def test_png_holds_the_image(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (6, 5, 3), dtype=np.uint8)
    write_png(tmp_path / "a.png", image)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], image)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_png_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(VideoError, match="a.png: cannot be written"):
        write_png(tmp_path / "gone" / "a.png", np.zeros((2, 2, 3), np.uint8))
