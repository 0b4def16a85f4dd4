"""Jitter is taken out, and the motion stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dancer import dance

import stmt_tf
from stmt_tf.pose.smoothing import smooth

FPS = 25.0


def jittery(joints, by=2.0):
    noisy = joints.copy()
    noisy[..., :2] += np.random.default_rng(0).normal(0, by, joints[..., :2].shape)
    return noisy


def off(joints, truth):
    return float(np.linalg.norm((joints - truth)[..., :2], axis=-1).mean())


def shake(joints):
    return float(np.abs(np.diff(joints[..., :2], n=2, axis=0)).mean())


def test_jitter_goes_and_the_motion_stays():
    truth = dance(frames=60)
    noisy = jittery(truth)
    smoothed = smooth(noisy, FPS, 0.3)
    assert off(smoothed, truth) < 0.75 * off(noisy, truth)
    assert shake(smoothed) < 0.4 * shake(noisy)


def test_the_longer_the_steadier():
    noisy = jittery(dance(frames=60))
    shakes = [shake(smooth(noisy, FPS, seconds)) for seconds in np.arange(0, 0.8, 0.08)]
    assert (np.diff(shakes) <= 0).all() and shakes[-1] < 0.2 * shakes[0]


def test_a_parabola_is_kept_to_its_ends_without_a_delay():
    joints = np.ones((20, 14, 3), np.float32)
    time = np.arange(20) / FPS
    joints[..., 1] = (300 * time**2 - 200 * time)[:, np.newaxis]
    np.testing.assert_allclose(smooth(joints, FPS, 0.4), joints, atol=1e-3)


def test_what_is_missing_stays_missing_and_is_not_smoothed_over():
    joints = dance(frames=30)
    joints[10:14, 4] = 0
    joints[14:, 4, :2] += 500  # it turns up elsewhere
    joints[20, 7] = 0
    joints[22, 7] = 0
    smoothed = smooth(joints, FPS, 0.4)
    np.testing.assert_array_equal(smoothed[..., 2], joints[..., 2])
    assert (smoothed[10:14, 4] == 0).all()
    assert np.abs(smoothed[[9, 14], 4, :2] - joints[[9, 14], 4, :2]).max() < 10
    np.testing.assert_array_equal(smoothed[21, 7], joints[21, 7])  # a frame alone


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.1])
def test_fewer_than_five_frames_change_nothing(seconds):
    joints = dance(frames=10)
    np.testing.assert_array_equal(smooth(joints, FPS, seconds), joints)


def test_a_video_may_be_shorter_than_the_parabola():
    noisy = jittery(dance(frames=6))
    assert shake(smooth(noisy, FPS, 9.0)) < shake(noisy) and smooth(noisy[:1], FPS, 9.0).shape == (1, 14, 3)


def test_nothing_is_loaded_to_smooth_nothing():
    code = (
        "import sys, numpy as np; from stmt_tf.pose.smoothing import smooth; smooth(np.ones([9, 14, 3]), 25.0, 0.0); "
        "sys.exit('scipy.signal' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(stmt_tf.__file__).parents[1]).returncode == 0
