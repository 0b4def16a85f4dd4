import cv2
import numpy as np
import pytest

from stmt_tf.place.inpainting import inpaint

HEIGHT, WIDTH = 96, 160


def noise(low, high, shape, seed):
    return np.random.default_rng(seed).integers(low, high, (*shape, 3)).astype(np.uint8)


def known_but(rows, columns):
    known = np.ones((HEIGHT, WIDTH), bool)
    known[rows, columns] = False
    return known


def test_what_is_known_stays_as_it_is_and_what_is_not_is_not_looked_at():
    image, known = noise(0, 256, (HEIGHT, WIDTH), 0), known_but(slice(20, 80), slice(60, 90))
    filled = inpaint(image, known)
    assert filled.dtype == np.uint8
    np.testing.assert_array_equal(filled[known], image[known])
    other = image.copy()
    other[~known] = 7
    np.testing.assert_array_equal(inpaint(other, known), filled)


def test_nothing_to_fill_is_a_copy():
    image = noise(0, 256, (HEIGHT, WIDTH), 0)
    filled = inpaint(image, np.ones((HEIGHT, WIDTH), bool))
    np.testing.assert_array_equal(filled, image)
    assert filled is not image


def test_wall_goes_on_as_wall_and_floor_as_floor():
    image = np.concatenate([noise(170, 230, (HEIGHT // 2, WIDTH), 0), noise(20, 80, (HEIGHT // 2, WIDTH), 1)])
    known = known_but(slice(12, 90), slice(64, 96))
    filled = inpaint(image, known)[12:90, 64:96]
    wall, floor = filled[:34], filled[38:]
    assert wall.min() > 140 and floor.max() < 110


def test_a_pattern_goes_on_sharp():
    across, down = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    stripes = np.where((across // 4 + down // 12) % 2, 200, 60).astype(np.uint8)[..., np.newaxis].repeat(3, -1)
    known = known_but(slice(30, 66), slice(70, 100))
    filled = inpaint(stripes, known)
    assert np.abs(filled.astype(int) - stripes)[~known].mean() < 15
    assert filled[~known].std() > 0.85 * stripes.std()


def test_colours_of_the_hole_meet_those_at_its_edge():
    # Nothing else is as bright as what is right beside the hole.
    known = known_but(slice(30, 66), slice(70, 100))
    away = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L1, 3)
    image = np.clip(240 - 15 * away, 60, 255).astype(np.uint8)[..., np.newaxis].repeat(3, -1)
    filled = inpaint(image, known).astype(int)
    for column in (70, 100):
        assert np.abs(filled[30:66, column] - filled[30:66, column - 1]).mean() < 22


@pytest.mark.parametrize("hole", [(slice(0, 50), slice(0, 30)), (slice(40, 96), slice(130, 160)), (slice(0, 96), 80)])
def test_holes_may_reach_the_border(hole):
    image = np.full((HEIGHT, WIDTH, 3), (90, 120, 150), np.uint8)
    known = known_but(*hole)
    image[~known] = 0
    assert np.abs(inpaint(image, known).astype(int) - (90, 120, 150)).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 5), (7, 33), (40, 3)])
def test_small_pictures_are_filled_smoothly(shape):
    image = np.full((*shape, 3), 100, np.uint8)
    known = np.ones(shape, bool)
    known[shape[0] // 2, shape[1] // 2] = False
    image[~known] = 0
    expected = 0 if shape == (1, 1) else 100
    assert np.abs(inpaint(image, known).astype(int) - expected).max() <= 1


def test_a_frame_of_known_pixels_is_too_little_for_patches_and_goes_on_smoothly():
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    known = np.zeros((HEIGHT, WIDTH), bool)
    known[:2], known[-2:], known[:, :2], known[:, -2:] = True, True, True, True
    image[~known] = 0
    assert np.abs(inpaint(image, known).astype(int) - 100).max() <= 1


def test_nothing_known_is_black():
    image = noise(0, 256, (HEIGHT, WIDTH), 0)
    np.testing.assert_array_equal(inpaint(image, np.zeros((HEIGHT, WIDTH), bool)), np.zeros_like(image))


def test_what_lies_far_from_the_hole_is_not_copied_into_it():
    image = np.full((HEIGHT, 4 * WIDTH, 3), 120, np.uint8)
    image[:, 3 * WIDTH :] = noise(0, 256, (HEIGHT, WIDTH), 0)
    known = np.ones(image.shape[:2], bool)
    known[40:56, 60:76] = False
    image[~known] = 0
    assert np.abs(inpaint(image, known)[~known].astype(int) - 120).max() <= 1
    assert cv2.absdiff(inpaint(image, known), image)[:, WIDTH:].max() == 0
