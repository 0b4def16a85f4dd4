"""How the camera moves and where the shot changes, of backgrounds whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_videos import PERSON, room

from stmt_tf.video.background import CHANGED, Background, register

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


def views_of(motions, size=(640, 360)):
    """What a camera sees that moved by each `[3, 3]`, of a large scene, and where a walking person is not."""
    scene = cv2.resize(room(0, 384), (1024, 576), interpolation=cv2.INTER_CUBIC)
    middle = np.array([[1, 0, -192], [0, 1, -108], [0, 0, 1.0]])
    images, free = [], np.ones((len(motions), size[1], size[0]), bool)
    for number, motion in enumerate(motions):
        image = cv2.warpAffine(scene, (motion @ middle)[:2], size, flags=cv2.INTER_CUBIC)
        left = 60 + 400 * number // len(motions)
        image[80:330, left : left + 120] = np.random.default_rng(number).integers(0, 256, (250, 120, 3))
        free[number, 70:340, left - 10 : left + 130] = False
        images.append(image)
    return images, free


def motion(across, down, zoom, degrees, size=(640, 360)):
    """A similarity `[3, 3]` around the middle of the picture."""
    turned = cv2.getRotationMatrix2D(((size[0] - 1) / 2, (size[1] - 1) / 2), degrees, zoom)
    turned[:, 2] += across, down
    return np.vstack([turned, [0, 0, 1]])


def farthest(places, others, size=(640, 360)):
    corners = np.array([(x, y, 1.0) for x in (0, size[0] - 1) for y in (0, size[1] - 1)]).T
    return np.linalg.norm(((places - others) @ corners)[:, :2], axis=1).max(-1)


@pytest.mark.parametrize("order", ["drift", "jumps"])
def test_frames_seconds_apart_are_registered_to_less_than_half_a_pixel(order):
    # Up to 5% of the longer side, and some zoom and rotation.
    share = np.linspace(0, 1, 12) if order == "drift" else np.random.default_rng(0).uniform(-1, 1, 12)
    share[0] = 0
    truth = np.stack([motion(26 * s, -9 * s, 1 + 0.01 * s, 0.7 * s) for s in share])
    assert farthest(truth, np.eye(3)).max() > 0.05 * 640
    images, free = views_of(truth)
    assert farthest(register(images, free), truth).max() < 0.15


def test_a_still_camera_is_registered_to_where_it_is():
    images, free = views_of([np.eye(3)] * 6)
    assert farthest(register(images, free), np.eye(3)).max() < 0.05


def test_large_pictures_are_registered_in_their_own_pixels():
    truth = np.stack([motion(0, 0, 1, 0), motion(10, 4, 1.01, 0.5)])
    images, free = views_of(truth)
    large = [cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for image in images]
    scale = np.array([[3, 0, 1], [0, 3, 1], [0, 0, 1.0]])
    places = register(large, free.repeat(3, 1).repeat(3, 2))
    assert farthest(places, scale @ truth @ np.linalg.inv(scale), (1920, 1080)).max() < 0.5


def test_a_frame_of_another_place_is_not_registered():
    images, free = views_of([np.eye(3)] * 3)
    images[1] = cv2.resize(room(5, 384), (640, 360), interpolation=cv2.INTER_CUBIC)
    places = register(images, free)
    assert np.isnan(places[1]).all() and np.isfinite(places[[0, 2]]).all()


def test_a_plain_wall_is_registered_where_it_is_and_nothing_where_the_person_hides_the_first_view():
    plain = [np.full((360, 640, 3), 90, np.uint8)] * 3
    free = np.ones((3, 360, 640), bool)
    np.testing.assert_array_equal(register(plain, free), [np.eye(3)] * 3)
    free[0] = False
    places = register(plain, free)
    np.testing.assert_array_equal(places[0], np.eye(3))
    assert np.isnan(places[1:]).all()
