"""The light of a scene, and a person in another one's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stmt_tf.place.light import light_of, relight


def scene(mean, deviation, seed=0, size=64):
    """An image of these colours in CIELAB."""
    lab = np.random.default_rng(seed).normal(mean, deviation, (size, size, 3)).astype(np.float32)
    return np.rint(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1)).astype(np.uint8)


def moved(own, other):
    """Mean and deviation of a person, and of them as they are in another scene."""
    person = scene((55, 5, 5), (5, 3, 3), seed=9)
    before = light_of([person])
    after = light_of([relight(person, before, light_of([own]), light_of([other]))])
    return after.mean - before.mean, after.deviation / before.deviation


def test_light_is_mean_and_deviation_of_what_counts():
    image = np.concatenate([scene((40, 10, -10), (4, 2, 2)), scene((80, 0, 0), (1, 1, 1))])
    first = np.zeros((128, 64))
    first[:64] = 1
    light = light_of([image], [first])
    np.testing.assert_allclose(light.mean, (40, 10, -10), atol=0.6)
    np.testing.assert_allclose(light.deviation, (4, 2, 2), atol=0.4)
    assert light_of([image], [np.zeros((128, 64))]) is None


def test_a_person_becomes_darker_and_yellower_with_the_scene():
    shift, stretch = moved(scene((60, 0, 0), (8, 4, 4)), scene((56, -1, 2.5), (8, 4, 4), seed=1))
    np.testing.assert_allclose(shift, (-4, -1, 2.5), atol=0.5)
    np.testing.assert_allclose(stretch, 1, atol=0.05)


def test_contrast_follows_the_scene():
    shift, stretch = moved(scene((60, 0, 0), (8, 4, 4)), scene((60, 0, 0), (7.6, 3.8, 3.8), seed=1))
    np.testing.assert_allclose(shift, 0, atol=0.4)
    assert stretch[0] == pytest.approx(0.95, abs=0.02)


def test_no_scene_changes_a_person_by_much():
    shift, stretch = moved(scene((80, 0, 0), (2, 2, 2)), scene((25, -40, 40), (12, 12, 12)))
    np.testing.assert_allclose(shift, (-8, -3, 3), atol=0.6)
    assert (stretch < 1.15).all() and stretch[0] == pytest.approx(1.1, abs=0.03)


def test_the_same_scene_changes_nothing():
    own = scene((60, 5, 5), (8, 4, 4))
    person = scene((55, 5, 5), (5, 3, 3), seed=9)
    same = relight(person, light_of([person]), light_of([own]), light_of([own]))
    assert np.abs(same.astype(int) - person).max() <= 1
