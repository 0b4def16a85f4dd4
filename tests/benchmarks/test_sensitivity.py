import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluations import SIZE, make_clips
from records import write_records

from benchmarks import distortions

ROOT = Path(__file__).resolve().parents[2]


def numbered(count, side=2):
    """Frame t has the grey level 10 t throughout."""
    return np.broadcast_to(10 * np.arange(count, dtype=np.uint8)[:, None, None, None], (count, side, side, 3)).copy()


def order(frames):
    return (frames[:, 0, 0, 0] // 10).tolist()


def test_every_distortion_gives_frames_like_the_true_ones():
    frames = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
    made = distortions.distort(frames.copy(), np.random.default_rng(1))
    assert next(iter(made)) == distortions.UNDISTORTED and len(made) == 24
    for name, distorted in made.items():
        assert distorted.shape == frames.shape and distorted.dtype == np.uint8
        assert np.array_equal(distorted, frames) == (name == distortions.UNDISTORTED), name
    again = distortions.distort(frames, np.random.default_rng(1))
    assert all(np.array_equal(made[name], again[name]) for name in made)


def test_blur_of_a_point_is_the_gaussian():
    frames = np.zeros((1, 21, 21, 3), np.uint8)
    frames[:, 10, 10] = 255
    line = np.exp(-0.5 * np.square(np.arange(-10, 11) / 2))
    expected = 255 * np.outer(line, line) / line.sum() ** 2
    blurred = distortions.blur(frames, 2)
    for colour in range(3):
        np.testing.assert_allclose(blurred[0, :, :, colour], expected, atol=0.51)


def test_noise_has_its_deviation_and_is_new_in_each_frame():
    grey = np.full((2, 64, 64, 3), 128, np.uint8)
    one, two = distortions.add_noise(grey, 8, np.random.default_rng(0)).astype(float) - 128
    assert one.std() == pytest.approx(8, rel=0.03) and one.mean() == pytest.approx(0, abs=0.3)
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(one[..., 0].ravel(), one[..., 1].ravel())[0, 1]) < 0.05


def test_still_noise_is_the_same_in_all_frames():
    frames = np.full((2, 64, 64, 3), 100, np.uint8)
    frames[1] = 150
    one, two = distortions.add_still_noise(frames, 8, np.random.default_rng(0)).astype(float)
    assert (one - 100).std() == pytest.approx(8, rel=0.03)
    np.testing.assert_array_equal(one - 100, two - 150)


def test_brightness_stops_at_white():
    frames = np.array([0, 100, 250], np.uint8).reshape(1, 1, 1, 3)
    np.testing.assert_array_equal(distortions.brighten(frames, 24).ravel(), [24, 124, 255])


def test_moved_pictures_repeat_their_left_edge():
    frames = np.arange(5, dtype=np.uint8)[None, None, :, None].repeat(3, -1)
    np.testing.assert_array_equal(distortions.move(frames, 2)[0, 0, :, 0], [0, 0, 0, 1, 2])


@pytest.mark.parametrize("steps, expected", [(1, [0, 0, 1, 2, 3]), (3, [0, 0, 0, 0, 1])])
def test_delay_repeats_the_first_frame(steps, expected):
    assert order(distortions.delay(numbered(5), steps)) == expected


@pytest.mark.parametrize("hold, expected", [(2, [0, 0, 2, 2, 4]), (4, [0, 0, 0, 0, 4]), (5, [0] * 5)])
def test_frozen_frames_are_held(hold, expected):
    assert order(distortions.freeze(numbered(5), hold)) == expected


@pytest.mark.parametrize("window", [2, 4, 10])
def test_shuffled_frames_stay_in_their_window_and_never_in_place(window):
    for seed in range(20):
        found = order(distortions.shuffle(numbered(10), window, np.random.default_rng(seed)))
        assert sorted(found) == list(range(10))
        assert all(t // window == place // window and t != place for place, t in enumerate(found))
    assert order(distortions.shuffle(numbered(5), 2, np.random.default_rng(0))) == [1, 0, 3, 2, 4]


def test_main_measures_every_distortion(tmp_path):
    write_records(tmp_path / "test.tfrecord", make_clips(2))
    # An empty cache: what needs a network is left out.
    environment = {**os.environ, "STMT_TF_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    arguments = ["--records=test.tfrecord", "--output=out", f"--size={SIZE}", "--num_target_frames=8"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sensitivity", *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("| method ") and "LPIPS" not in done.stdout
    assert sorted(os.listdir(tmp_path / "out")) == ["results.json", "sheet.png", "table.md"]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["pairs"] == 2 and f"--size={SIZE}" in results["command"]
    means = results["means"]
    assert list(means) == list(distortions.distort(numbered(8), np.random.default_rng(0)))
    assert means["undistorted"]["psnr"] == 100.0 and means["undistorted"]["lpips"] is None
    # The clips are flat, and brighter by 10 in each frame.
    assert means["brighter by 8"]["psnr"] == pytest.approx(20 * np.log10(255 / 8))
    late = 20 * np.log10(255 / np.array([10, 20, 20, 20, 20, 20, 20]))
    assert means["delayed by 2"]["psnr"] == pytest.approx((100 + late.sum()) / 8)
    assert means["undistorted"]["flicker"] == pytest.approx(10 / np.sqrt(2))
    assert means["frozen, all"]["flicker"] == means["frozen, all"]["warping_error"] == 0.0
    assert means["frozen, 2 frames each"]["warping_error"] == pytest.approx(3 * 20 / 7)
    height, width, _ = cv2.imread(str(tmp_path / "out" / "sheet.png")).shape
    assert height >= 24 * SIZE and width >= 8 * SIZE
