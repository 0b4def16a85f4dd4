"""How the camera moves and where the shot changes, of backgrounds whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_videos import PERSON, room

from tfrecords_tools.clips.background import CHANGED, Background

NOBODY = np.zeros((0, 14, 3), np.float32)
WIDE = cv2.resize(room(0, 384), (768, 192), interpolation=cv2.INTER_CUBIC)
HEIGHT, WIDTH = 160, 256


def view(left: float, top: float, zoom: float = 1.0, image: np.ndarray = WIDE) -> np.ndarray:
    """What a camera sees whose upper left corner is there."""
    motion = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
    return cv2.warpAffine(image, motion, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def follow(images, people=NOBODY, fps=25.0):
    background = Background(images[0].shape[:2], fps)
    return [background.step(image, people) for image in images]


def corner(step, point=(0.0, 0.0)):
    return (step.place @ (*point, 1.0))[:2]


def test_a_still_camera_stays_where_it_is():
    steps = follow([view(100, 10)] * 5)
    for step in steps:
        np.testing.assert_allclose(step.place, np.eye(3), atol=1e-3)
        assert step.cut == step.fade == 0.0


def test_a_slow_drift_is_measured_to_a_fraction_of_a_pixel():
    steps = follow([view(100 + 0.3 * t, 10 - 0.1 * t) for t in range(40)])
    for t, step in enumerate(steps):
        np.testing.assert_allclose(corner(step), (-0.3 * t, 0.1 * t), atol=0.15)
        assert step.cut < 0.5 and step.fade < 0.5


def test_a_pan_across_the_whole_scene_is_followed_over_renewed_keys():
    steps = follow([view(8.0 * t, 10) for t in range(60)])
    np.testing.assert_allclose(corner(steps[-1]), (-472, 0), atol=5)
    assert max(step.cut for step in steps) <= CHANGED


def test_zoom_moves_the_corners_and_not_the_fixed_point():
    steps = follow([view(100, 10, 1 + 0.002 * t) for t in range(20)])
    np.testing.assert_allclose(corner(steps[-1], (200, 100)), (200 * 1.038, 100 * 1.038), atol=0.3)


def test_large_pictures_are_measured_in_their_own_pixels():
    images = [cv2.resize(view(100 + t, 10), None, fx=5, fy=5) for t in range(6)]
    assert max(images[0].shape) == 1280
    np.testing.assert_allclose(corner(follow(images)[-1]), (-25, 0), atol=1)


def test_a_person_who_walks_is_not_the_background():
    people = [np.c_[PERSON * 1.5 + (5 * t, 0), np.ones(14)][None].astype(np.float32) for t in range(20)]
    images = []
    for t in range(20):
        image = view(100, 10)
        low, high = people[t][0, :, :2].min(0).astype(int), people[t][0, :, :2].max(0).astype(int)
        image[low[1] : high[1], low[0] : high[0]] = cv2.resize(room(3), tuple((high - low).tolist()))
        images.append(image)
    background = Background((HEIGHT, WIDTH), 25.0)
    steps = [background.step(image, found) for image, found in zip(images, people)]
    assert max(np.abs(step.place - np.eye(3)).max() for step in steps) < 0.05
    assert max(step.cut for step in steps) < 0.1 and max(step.fade for step in steps) < 0.1


def test_a_cut_begins_a_new_shot():
    steps = follow([view(100 + t, 10) for t in range(10)] + [view(50 + t, 10, image=WIDE[:, ::-1]) for t in range(10)])
    cuts = [step.cut > CHANGED for step in steps]
    assert cuts == [False] * 10 + [True] + [False] * 9
    np.testing.assert_allclose(steps[10].place, np.eye(3))
    np.testing.assert_allclose(corner(steps[19]), (-9, 0), atol=0.3)


@pytest.mark.parametrize("levels", [(60, 160), (160, 60)])
def test_a_cut_between_plain_backgrounds_shows_in_their_colours(levels):
    plain = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in levels]
    assert [step.cut for step in follow([plain[0]] * 3 + [plain[1]] * 3)] == [0, 0, 0, 1, 0, 0]


def test_a_fade_is_noticed_though_no_step_changes_much():
    first, second = view(100, 10).astype(float), view(50, 10, image=WIDE[:, ::-1]).astype(float)
    weights = np.concatenate([np.zeros(14), np.linspace(0, 1, 20), np.ones(30)])
    steps = follow([((1 - w) * first + w * second).astype(np.uint8) for w in weights], fps=10)
    assert max(step.cut for step in steps) < 0.1
    assert max(step.fade for step in steps[:16]) < 0.03 and steps[18].fade > 0.03
    assert all(step.fade > CHANGED for step in steps[26:40]) and max(step.fade for step in steps[54:]) < 0.03


def test_a_picture_stands_though_its_encoding_does_not():
    random, still = np.random.default_rng(0), view(100, 10).astype(int)
    images = [(still + random.integers(-1, 2, still.shape)).clip(0, 255).astype(np.uint8) for _ in range(4)]
    images.append(images[-1].copy())
    images[-1][40:48, 40:48] += 20
    assert [step.frozen for step in follow(images)] == [False, True, True, True, False]


@pytest.mark.parametrize("noise, low, high", [(0, 0.6, 1.2), (25, 1.0, 1.0)])
def test_other_light_and_noise_are_no_other_shot(noise, low, high):
    random, still = np.random.default_rng(0), view(100, 10).astype(float)
    light = np.where(np.arange(30) % 3, low, high)
    noisy = (gain * still + random.normal(0, noise, still.shape) for gain in light)
    steps = follow([image.clip(0, 255).astype(np.uint8) for image in noisy])
    assert max(max(step.cut, step.fade) for step in steps) < 0.1


def test_a_few_corners_on_a_plain_wall_show_a_camera_that_moves():
    wall = np.full((HEIGHT, 2 * WIDTH, 3), 180, np.uint8)
    for left, top, level in ((100, 10, 40), (150, 50, 90), (200, 20, 60)):
        wall[top : top + 16, left : left + 24] = level
    steps = follow([view(60 + 2 * t, 10, image=wall) for t in range(12)])
    np.testing.assert_allclose(corner(steps[-1]), (-22, 0), atol=0.3)
    assert max(step.cut for step in steps) < CHANGED


def test_a_plain_background_has_no_camera_that_moves():
    steps = follow([np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * 4)
    np.testing.assert_array_equal([step.place for step in steps], [np.eye(3)] * 4)
