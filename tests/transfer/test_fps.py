"""Results at another rate than the target's."""

from __future__ import annotations

import av
import numpy as np
import pytest
from transfers import Painter, save, save_posed, write_poses
from videos import write_audio

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.transfer.motion import fit_motion
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import frame_times, probe, read_frames

LENGTH = 10


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Settings of two videos of 25 frames a second, and of their poses; the target has sound."""
    folder = tmp_path_factory.mktemp("videos")
    settings = save_posed(folder, LENGTH)
    save(folder / "target.mp4", render_video(3, 5, 64, LENGTH, 12.5), audio=write_audio(folder / "sound.m4a"))
    return settings


@pytest.mark.parametrize("fps", [10.0, 25.0, 60.0])
def test_the_result_is_as_long_as_the_target_at_the_rate_with_its_sound(tmp_path, videos, fps):
    path = tmp_path / "out.mp4"
    result = MotionTransfer(Painter())(
        **videos, output=path, fps=fps, layout="side_by_side", matte=tmp_path / "m.mp4", preview=tmp_path / "p.png",
        sheet=tmp_path / "s.png",
    )  # fmt: skip
    count = round(0.4 * fps)
    assert len(result.frames) == len(result.poses) == len(list(result.frames)) == count
    for written in (path, tmp_path / "m.mp4"):
        np.testing.assert_allclose(frame_times(written), np.arange(count) / fps, atol=1e-3)
        assert float(probe(written).fps) == pytest.approx(fps)
    assert probe(path).has_audio
    with av.open(str(path)) as made:
        heard = float(made.streams.audio[0].duration * made.streams.audio[0].time_base)
    assert heard == pytest.approx(0.4, abs=0.06)


def test_poses_are_between_those_of_the_frames(videos):
    plain = MotionTransfer(Painter())(**videos)
    dense = MotionTransfer(Painter())(**videos, fps=50)
    np.testing.assert_allclose(dense.poses[::2], plain.poses, atol=1e-4)
    np.testing.assert_allclose(dense.poses[1:-1:2], (plain.poses[1:] + plain.poses[:-1]) / 2, atol=1e-3)


@pytest.mark.parametrize("fps", [10.0, 50.0])
def test_the_target_is_shown_as_it_was_then(videos, fps):
    joints = render_video(3, 5, 64, LENGTH, 12.5).joints
    motion = fit_motion(videos["target"], joints, joints, "none").at_rate(fps)
    targets = [frame.image for frame in read_frames(videos["target"])]
    shown = list(motion.frames())
    assert [frame.index for frame in shown] == list(range(round(0.4 * fps)))
    for frame in shown:
        assert frame.time == pytest.approx(frame.index / fps)
        np.testing.assert_array_equal(frame.image, targets[motion.step_of(frame.index)])
        assert abs(motion.step_of(frame.index) / 25 - frame.time) <= 0.02 + 1e-6


def test_a_part_at_another_rate_begins_with_the_part(tmp_path, videos):
    joints = render_video(3, 5, 64, LENGTH, 12.5).joints[5:]
    late = {**videos, "target_poses": write_poses(tmp_path / "late.json", joints)}
    MotionTransfer(Painter())(**late, start=0.2, fps=50, output=tmp_path / "out.mp4")
    np.testing.assert_allclose(frame_times(tmp_path / "out.mp4"), np.arange(10) / 50, atol=1e-3)


@pytest.mark.parametrize("fps", [-1.0, 0.5, 1e6, float("nan")])
def test_rates_that_make_no_sense_are_told(fps):
    with pytest.raises(ValueError, match="--fps must be"):
        TransferConfig(fps=fps)
