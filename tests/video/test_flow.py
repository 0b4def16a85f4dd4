"""Optical flow: its sign, its files, its colours."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.video.flow import FlowError, chain, dis_flow, flow_picture, read_flo, write_flo


def texture(size: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


@pytest.mark.parametrize(("dx", "dy"), [(2, 0), (0, -3), (-2, 1), (0, 0)])
def test_flow_points_to_where_things_go(dx, dy):
    image = texture(72)
    first = image[4:68, 4:68]
    second = image[4 - dy : 68 - dy, 4 - dx : 68 - dx]
    flow = dis_flow(first, second)
    assert flow.shape == (64, 64, 2) and flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow, (0, 1)), (dx, dy), atol=0.1)


def test_results_are_independent_of_what_was_computed_before():
    a, b, c = texture(40, 1), texture(40, 2), texture(64, 3)
    first = dis_flow(a, b)
    kept = first.copy()
    dis_flow(c, c[::-1].copy())
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(dis_flow(a, b), kept)


def test_unfit_frames_are_refused():
    with pytest.raises(ValueError, match=r"got \(20, 20, 3\) and \(20, 21, 3\)"):
        dis_flow(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 21, 3), np.uint8))
    with pytest.raises(ValueError, match="at least 12 x 12"):
        dis_flow(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8))


def test_chained_flows_add_up_along_the_way():
    ones = np.ones((8, 8, 2), np.float32)
    np.testing.assert_array_equal(chain(ones, 2 * ones), 3 * ones)
    first = np.zeros((8, 8, 2), np.float32)
    first[..., 0] = 2
    then = np.zeros((8, 8, 2), np.float32)
    then[..., 0] = np.arange(8)
    np.testing.assert_allclose(chain(first, then)[0, :, 0], [4, 5, 6, 7, 8, 9, 9, 9])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_flo_file_gives_the_flow_again(tmp_path_factory, height, width, seed):
    path = tmp_path_factory.mktemp("flo") / "a.flo"
    flow = np.random.default_rng(seed).normal(size=(height, width, 2)).astype(np.float32)
    write_flo(path, flow)
    np.testing.assert_array_equal(read_flo(path), flow)


def test_flo_layout_is_middleburys(tmp_path):
    path = tmp_path / "a.flo"
    write_flo(path, np.array([[(1, 2), (3, 4)]], np.float32))
    assert path.read_bytes() == b"PIEH" + struct.pack("<ii4f", 2, 1, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"PIEH" + struct.pack("<ii", 2, 2) + bytes(31), "states 2 x 2 pixels, but has 43 bytes"),
        (b"PIEH" + struct.pack("<ii", 2**30, 2**30), "states 1073741824 x 1073741824 pixels"),
        (b"PIEH" + struct.pack("<ii", -1, -1) + bytes(8), "states -1 x -1 pixels"),
        (struct.pack("<fii", 1.5, 1, 1) + bytes(8), "starts with 1.5"),
    ],
)
def test_broken_flo_file_is_named_with_what_it_holds(tmp_path, content, words):
    path = tmp_path / "bad.flo"
    path.write_bytes(content)
    with pytest.raises(FlowError, match=words) as caught:
        read_flo(path)
    assert "bad.flo" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.6666666e9, -2e9])
def test_unknown_flow_is_named_with_how_much_there_is(tmp_path, value):
    path = tmp_path / "bad.flo"
    flow = np.full((2, 3, 2), 1e9, np.float32)
    write_flo(path, flow)
    np.testing.assert_array_equal(read_flo(path), flow)
    flow[0, 0], flow[1, 2, 1] = value, value
    write_flo(path, flow)
    with pytest.raises(FlowError, match="bad.flo: the flow of 2 of 6 pixels is unknown .*Compute it for every pixel"):
        read_flo(path)


def test_missing_flo_file_is_named(tmp_path):
    with pytest.raises(FlowError, match="gone.flo: cannot be read"):
        read_flo(tmp_path / "gone.flo")


def test_only_flows_are_written(tmp_path):
    with pytest.raises(ValueError, match=r"got \(4, 4, 3\)"):
        write_flo(tmp_path / "a.flo", np.zeros((4, 4, 3)))


def test_picture_shows_stillness_black_and_opposite_ways_in_opposite_colours():
    flow = np.zeros((1, 3, 2), np.float32)
    flow[0, 1], flow[0, 2] = (4, 0), (-4, 0)
    still, right, left = flow_picture(flow)[0].astype(int)
    np.testing.assert_array_equal(still, 0)
    np.testing.assert_array_equal(right, (255, 0, 0))
    np.testing.assert_array_equal(left, (0, 255, 255))
