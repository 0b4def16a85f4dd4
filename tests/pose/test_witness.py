"""Whether joints move as the picture does."""

from __future__ import annotations

import numpy as np
import pytest
from pose_results import HEIGHT, LENGTH, WIDTH, person, pictures

from stmt_tf.pose.witness import Witness

SIZE = (HEIGHT, WIDTH)


def witness_of(images):
    witness = Witness()
    for image in images:
        witness.see(image)
    return witness


@pytest.fixture(scope="module")
def seen():
    return witness_of(pictures(person()))


def test_the_right_joints_agree_and_others_do_not(seen):
    assert seen.agreement(person(), SIZE) > 0.4
    assert abs(seen.agreement(person(1), SIZE)) < 0.1
    assert seen.agreement(person() * np.float32([0.5, 0.5, 1]), SIZE) < 0.1
    assert seen.agreement(person()[::-1], SIZE) < 0.1


def test_pixels_are_those_of_the_frame_that_is_named(seen):
    larger = person() * np.float32([2, 2, 1])
    assert seen.agreement(larger, (2 * HEIGHT, 2 * WIDTH)) == pytest.approx(seen.agreement(person(), SIZE))


def test_light_that_flickers_and_missing_joints_change_little():
    rng = np.random.default_rng(0)
    dimmed = [(image * rng.uniform(0.6, 1.0)).astype(np.uint8) for image in pictures(person())]
    joints = person()
    joints[rng.random(joints.shape[:2]) < 0.2] = 0.0
    assert witness_of(dimmed).agreement(joints, SIZE) > 0.3


def test_of_who_merely_trembles_nothing_is_said(seen):
    joints = np.repeat(person()[:1], LENGTH, 0)
    joints[..., :2] += np.random.default_rng(0).normal(scale=8, size=(LENGTH, 14, 2))
    assert seen.agreement(joints, SIZE) is None


def test_of_a_short_video_nothing_is_said(seen):
    assert seen.agreement(person()[:23], SIZE) is None
    assert seen.agreement(np.zeros((LENGTH, 14, 3), np.float32), SIZE) is None


def test_of_a_camera_that_moves_nothing_is_said():
    rng = np.random.default_rng(0)
    shaken = [np.roll(image, rng.integers(-20, 20, 2), (0, 1)) for image in pictures(person())]
    assert witness_of(shaken).agreement(person(1), SIZE) is None
