"""The crop: where it lies, and that images and joints move through it alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import STANDING

from stmt_tf.pose.crop import Crop

crops = st.builds(Crop, st.integers(-50, 90), st.integers(-50, 90), st.integers(1, 150))


def person(x: float = 100, y: float = 100, height: float = 100, steps: int = 20) -> np.ndarray:
    """Somebody who stands still, `height` pixels from head to ankle; (x, y) is the box's middle."""
    places = (STANDING - (0.5, 0.5)) * height / 0.8 + (x, y)
    joints = np.concatenate([places, np.ones((14, 1))], -1)
    return np.repeat(joints[None], steps, 0).astype(np.float32)


def share_of_height(joints: np.ndarray, crop: Crop) -> float:
    inside = crop.to_crop(joints, 100)
    return (np.ptp(inside[..., 1]) + 4) / 100  # ankles stand above the soles


def test_standing_person_fills_most_of_the_crop():
    joints = person(height=100)
    crop = Crop.around(joints, (400, 400))
    assert 0.7 <= share_of_height(joints, crop) <= 0.85
    middle = crop.to_crop(joints, 100)[..., :2].mean((0, 1))
    np.testing.assert_allclose(middle, 50, atol=8)


def test_all_joints_of_all_frames_lie_inside_with_room_for_hands_and_feet():
    joints = np.concatenate([person(x=100 + 4 * t, steps=1) for t in range(20)])
    inside = Crop.around(joints, (400, 400)).to_crop(joints, 100)[..., :2]
    assert inside.min() > 2 and inside.max() < 97


def test_short_runs_of_wrong_detections_do_not_matter():
    joints = person(steps=60)
    expected = Crop.around(joints, (800, 800))
    joints[10:12, :, :2] += 600  # somebody else for two frames
    joints[30, 4, :2] = (0, 0)
    assert Crop.around(joints, (800, 800)) == expected


def test_missing_joints_do_not_matter():
    joints = person(steps=10)
    expected = Crop.around(joints, (400, 400))
    joints[3:6, 4] = 0
    joints[8] = 0
    assert Crop.around(joints, (400, 400)) == expected


def test_person_who_bends_keeps_the_scale_of_standing():
    joints = person(height=100)
    bent = joints.copy()
    bent[5:, [0, 1], 1] += 55
    standing, both = Crop.around(joints, (400, 400)), Crop.around(bent, (400, 400))
    assert both.size >= 0.95 * standing.size


def test_crop_stays_in_the_frame_where_it_can():
    crop = Crop.around(person(x=60, y=60, height=100), (400, 400))
    assert crop.left == 0 and crop.top == 0
    assert crop.size < 400


def test_crop_larger_than_the_frame_holds_all_of_it():
    crop = Crop.around(person(x=40, y=55, height=95), (110, 80))
    assert crop.size > 110
    assert crop.left <= 0 and crop.left + crop.size >= 80
    assert crop.top <= 0 and crop.top + crop.size >= 110


def test_nobody_is_an_error():
    with pytest.raises(ValueError, match="no joint is seen in 5 frames"):
        Crop.around(np.zeros((5, 14, 3)), (100, 100))


def test_empty_crop_is_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Crop(0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(crops, st.integers(1, 256), st.integers(0, 1000))
def test_joints_return_from_the_crop(crop, size, seed):
    random = np.random.default_rng(seed)
    joints = np.concatenate([random.uniform(-200, 200, (3, 14, 2)), random.uniform(0, 1, (3, 14, 1))], -1)
    inside = crop.to_crop(joints, size)
    np.testing.assert_allclose(crop.to_frame(inside, size), joints, atol=1e-9)
    np.testing.assert_array_equal(inside[..., 2], joints[..., 2])


def test_joints_are_not_changed_in_place():
    joints = person()
    before = joints.copy()
    crop = Crop(3, 4, 50)
    assert crop.to_crop(joints, 20).dtype == np.float32
    crop.to_frame(joints, 20)
    np.testing.assert_array_equal(joints, before)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(-20, 20), st.integers(-20, 20), st.integers(60, 140), st.integers(24, 200), st.integers(0, 99)
)
def test_dot_lands_where_its_joint_does(left, top, side, size, seed):
    x, y = np.random.default_rng(seed).uniform(20, 40, 2)
    rows, columns = np.mgrid[:120, :120]
    # Wide enough to be seen through any resampling.
    blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 4.0**2)).astype(np.float32)
    crop = Crop(left, top, side)
    seen = crop.extract(blob, size)
    rows, columns = np.mgrid[:size, :size]
    inside = crop.to_crop(np.array([[x, y, 1.0]]), size)[0]
    weight = seen.sum()
    found = (seen * columns).sum() / weight, (seen * rows).sum() / weight
    clear = 14 * size / side
    if clear < inside[:2].min() and inside[:2].max() < size - clear:
        np.testing.assert_allclose(found, inside[:2], atol=0.05 * max(1.0, size / side))


def test_whole_frame_at_its_own_size_is_the_frame():
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Crop(0, 0, 40).extract(image, 40), image)


def test_outside_the_frame_its_edge_is_repeated():
    image = np.random.default_rng(0).integers(0, 255, (10, 8, 3), dtype=np.uint8)
    expected = np.pad(image, ((3, 7), (2, 10), (0, 0)), mode="edge")
    np.testing.assert_array_equal(Crop(-2, -3, 20).extract(image, 20), expected)


def test_pixels_within_the_frame_are_those_that_no_edge_is_repeated_for():
    expected = np.pad(np.ones((10, 8), bool), ((3, 7), (2, 10)))
    np.testing.assert_array_equal(Crop(-2, -3, 20).within((10, 8), 20), expected)
    assert Crop(3, 1, 5).within((10, 8), 9).all()
    assert not Crop(30, 0, 10).within((20, 20), 10).any()


def test_a_resized_pixel_is_within_the_frame_where_its_middle_is():
    # Middles lie 1, 3, 5 ... pixels from the crop's edge. In the frame are columns from 2 to 10, rows from 3 to 13.
    rows, columns = np.mgrid[:10, :10]
    expected = (rows >= 1) & (rows <= 6) & (columns >= 1) & (columns <= 4)
    np.testing.assert_array_equal(Crop(-2, -3, 20).within((10, 8), 10), expected)


def test_shrinking_by_a_whole_factor_averages_blocks():
    image = np.random.default_rng(0).uniform(0, 1, (12, 12)).astype(np.float32)
    expected = image.reshape(4, 3, 4, 3).mean((1, 3))
    np.testing.assert_allclose(Crop(0, 0, 12).extract(image, 4), expected, atol=1e-6)


def test_flow_is_scaled_with_its_crop():
    flow = np.full((60, 60, 2), (6, -3), np.float32)
    np.testing.assert_allclose(
        Crop(5, 5, 30).extract_flow(flow, 10), np.broadcast_to((2, -1), (10, 10, 2)), atol=1e-6
    )


@pytest.mark.parametrize("crop", [Crop(10, 12, 40), Crop(-10, 30, 60), Crop(-5, -5, 200)])
def test_pixels_outside_the_crop_stay(crop):
    frame = np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)
    before = frame.copy()
    result = crop.paste(frame, np.full((32, 32, 3), 77, np.uint8))
    rows, columns = np.mgrid[:90, :70]
    inside = (
        (rows >= crop.top)
        & (rows < crop.top + crop.size)
        & (columns >= crop.left)
        & (columns < crop.left + crop.size)
    )
    np.testing.assert_array_equal(result[~inside], before[~inside])
    np.testing.assert_array_equal(frame, before)
    middle = np.array([crop.top, crop.left]) + crop.size // 2
    np.testing.assert_array_equal(result[tuple(np.minimum(middle, (60, 50)))], 77)


def test_pasting_a_crop_onto_itself_changes_nothing():
    frame = np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)
    crop = Crop(-7, 20, 50)
    difference = crop.paste(frame, crop.extract(frame, 50)).astype(int) - frame
    assert np.abs(difference).max() <= 1


def test_edge_is_soft_inside_the_frame_and_hard_at_its_border():
    frame, new = np.zeros((100, 100, 3), np.uint8), np.full((10, 10, 3), 200, np.uint8)
    line = Crop(20, 20, 60).paste(frame, new, feather=0.25)[50, :, 0].astype(int)
    assert line[19] == 0 and 0 < line[21] < 20 and line[35] == 200
    assert (np.diff(line[19:36]) >= 0).all()
    assert (Crop(0, 0, 100).paste(frame, new) == 200).all()


def test_crop_beside_the_frame_pastes_nothing():
    frame = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Crop(30, 0, 10).paste(frame, frame), frame)
