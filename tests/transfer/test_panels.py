"""Source, target and result beside each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import number_of, numbered_frames, write_video

from stmt_tf.transfer.panels import Loop, side_by_side
from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.sheet import write_png


def grey(level, height, width):
    return np.full((height, width, 3), level, np.uint8)


def areas(shapes):
    """The area of each panel, by its grey level."""
    joined = side_by_side([grey(40 * number, *shape) for number, shape in enumerate(shapes, 1)])
    return [int((joined == 40 * number).all(-1).sum()) for number in range(1, 1 + len(shapes))]


def test_one_panel_is_as_large_as_the_result():
    result = grey(3, 300, 400)
    np.testing.assert_array_equal(side_by_side([result]), result)


def test_panels_stand_in_their_order_on_black():
    joined = side_by_side([grey(1, 900, 900), grey(2, 100, 400), grey(3, 300, 300)])
    assert joined.shape == (300, 300 + 600 + 300, 3)
    assert joined[150, [0, 299, 300, 899, 900, 1199], 0].tolist() == [1, 1, 2, 2, 3, 3]
    assert joined[[0, 74, 75, 224, 225], 600, 0].tolist() == [0, 0, 2, 2, 0]


@pytest.mark.parametrize(
    "shapes",
    [
        [(1920, 1080), (1080, 1920), (1920, 1080)],
        [(1080, 1920), (1920, 1080), (1080, 1920)],
        [(1080, 1920), (720, 1280), (128, 128)],
    ],
)
def test_each_panel_has_a_fair_share_whatever_the_shapes(shapes):
    found = areas(shapes)
    assert max(found) < 1.02 * min(found)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(1920, 1080), (1080, 1920), (1920, 1080)], (720, 405 + 720 + 405)),
        ([(720, 1280)] * 3, (480, 3 * 853)),
        ([(1080, 1920), (1080, 1920), (128, 128)], (256, 341 + 341 + 256)),
    ],
)
def test_panels_are_neither_tiny_nor_larger_than_a_screen(shapes, expected):
    assert side_by_side([grey(0, *shape) for shape in shapes]).shape[:2] == expected


@given(shapes=st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_panels_of_any_shape_can_be_joined(shapes):
    height, width = side_by_side([grey(0, *shape) for shape in shapes]).shape[:2]
    assert 2 <= height <= 720 and len(shapes) <= width <= 2560


def test_a_video_is_played_again_and_again_at_its_own_pace(tmp_path):
    loop = Loop(write_video(tmp_path / "a.mp4", numbered_frames(5), crf="10"))  # 25 a second
    shown = [number_of(loop.at(time), 5) for time in (0.0, 0.03, 0.05, 0.05, 0.16, 0.2, 0.3, 0.42)]
    assert shown == [0, 0, 1, 1, 4, 0, 2, 0]


def test_a_part_and_a_picture_are_played_as_such(tmp_path):
    loop = Loop(Excerpt(write_video(tmp_path / "a.mp4", numbered_frames(5), crf="10"), 0.08, 0.16))
    assert [number_of(loop.at(time), 5) for time in (0.0, 0.04, 0.08)] == [2, 3, 2]
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    write_png(tmp_path / "a.png", image)
    still = Loop(tmp_path / "a.png")
    for time in (0.0, 100.0):
        np.testing.assert_array_equal(still.at(time), image)
