"""The source's person in the target's scene."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from dancer import LENGTHS, dance
from transfers import Painter, write_poses
from videos import write_video

from stmt_tf import MotionTransfer
from stmt_tf.pose.body import visible
from stmt_tf.pose.skeleton import BONES
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.transfer.checks import check, check_live
from stmt_tf.transfer.motion import fit_motion
from stmt_tf.transfer.scene import into_target
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import read_frames

LENGTH, SMALLER = 12, 0.6
GREY, BLUE = (120, 120, 120), (40, 60, 160)


def film(folder, name, joints, place, size):
    """A person of white bones before a plain place, and the poses."""
    width, height = size
    frames = []
    for pose in joints:
        frame = np.full((height, width, 3), place, np.uint8)
        for one, other in BONES:
            ends = [tuple(int(v) for v in pose[end, :2].round()) for end in (one, other)]
            cv2.line(frame, *ends, (250, 250, 250), 3)
        frames.append(frame)
    video = write_video(folder / f"{name}.mp4", frames)
    return {name: video, f"{name}_poses": write_poses(folder / f"{name}.json", joints)}


@pytest.fixture(scope="module")
def target_joints():
    """A smaller person, farther up and to the right of a larger picture."""
    lengths = {kind: SMALLER * length for kind, length in LENGTHS.items()}
    return dance(seed=1, frames=LENGTH, lengths=lengths, x=220.0, ground=180.0)


@pytest.fixture(scope="module")
def videos(tmp_path_factory, target_joints):
    folder = tmp_path_factory.mktemp("videos")
    source = film(folder, "source", dance(frames=LENGTH), GREY, (200, 200))
    target = film(folder, "target", target_joints, BLUE, (320, 240))
    return {**source, **target, "pose": "alphapose"}


@pytest.fixture(scope="module")
def result(videos):
    return MotionTransfer(Painter())(**videos, scene="target")


def test_frames_are_the_targets_and_show_its_place_without_its_person(result, videos):
    frames = np.asarray(result.frames)
    assert frames.shape == (LENGTH, 240, 320, 3)
    assert np.abs(result.background.astype(int) - BLUE).max() < 25, "the place is blue, and nobody is in it"
    for frame, mask in zip(frames, result.masks):
        assert np.abs(frame.astype(int) - result.background)[mask == 0].max() <= 1


def test_the_person_has_the_targets_size_and_ground(result, target_joints):
    for mask, pose in zip(result.masks, target_joints):
        rows, columns = (np.flatnonzero((mask > 128).any(axis)) for axis in (1, 0))
        # The painter paints the box around the joints, on a coarse grid.
        assert rows[0] == pytest.approx(pose[:, 1].min(), abs=8) and rows[-1] == pytest.approx(pose[:, 1].max(), abs=8)
        assert columns.mean() == pytest.approx((pose[:, 0].min() + pose[:, 0].max()) / 2, abs=8)


def test_the_file_is_as_large_as_the_targets(tmp_path, videos):
    MotionTransfer(Painter())(
        **videos, scene="target", output=tmp_path / "out.mp4", matte=tmp_path / "m.mp4", sheet=tmp_path / "s.png"
    )
    for name in ("out.mp4", "m.mp4"):
        assert next(read_frames(tmp_path / name)).image.shape == (240, 320, 3)
    assert cv2.imread(str(tmp_path / "s.png")).shape[0] > 4 * 240


def test_the_square_alone_shows_the_targets_place(videos):
    result = MotionTransfer(Painter())(**videos, scene="target", crop_only=True)
    assert result.background.shape == (32, 32, 3) and np.abs(result.background.astype(int) - BLUE).max() < 25


def test_a_person_who_would_leave_the_sources_frame_is_whole_in_the_targets(tmp_path, videos, target_joints):
    source = MotionTransfer(Painter()).prepare_source(
        videos["source"], pose="alphapose", source_poses=videos["source_poses"]
    )
    jump = target_joints.copy()
    jump[4:9, :, 1] -= 60  # which is 100 in the source's pixels, beyond its upper edge
    jumping = {**videos, **film(tmp_path, "target", jump, BLUE, (320, 240))}
    del jumping["source"], jumping["source_poses"]
    result = MotionTransfer(Painter())(source, **jumping, scene="target")
    rows = np.flatnonzero((list(result.masks)[6] > 128).any(1))
    assert rows[0] == pytest.approx(jump[6, :, 1].min(), abs=8)
    assert result.poses[6, :, 1].min() < 0 and visible(result.poses).all()


def lit(videos):
    """A source before and in the target's scene, the place, the square in it, and the person's mean colour in both.

    There are mattes, as they tell the person from the place.
    """
    source = MotionTransfer(Painter()).prepare_source(
        videos["source"], pose="alphapose", source_poses=videos["source_poses"]
    )
    mattes = np.stack([(frame.min(-1) > 130).astype(np.float32) for frame in source.frames])
    target = PosedVideo(videos["target"], "alphapose", results=videos["target_poses"])
    motion = fit_motion(videos["target"], *estimate_tracks([target]), source.track, "global")
    shown, place, crop = into_target(dataclasses.replace(source, mattes=mattes), motion, target, Painter())
    before, after = (np.stack(of.frames)[mattes > 0].astype(int).mean(0) for of in (source, shown))
    return source, shown, place, crop, before, after


def test_the_person_is_seen_in_the_targets_light(videos):
    _, shown, place, crop, before, after = lit(videos)
    assert after[0] < before[0] - 10 and after[2] > after[0] + 1 and before[2] == before[0], "darker, and bluer"
    assert place.shape == (240, 320, 3) and crop.size < shown.crop.size


def test_in_the_light_of_their_own_place_the_person_stays_as_they_are(tmp_path, videos, target_joints):
    *_, before, after = lit({**videos, **film(tmp_path, "target", target_joints, GREY, (320, 240))})
    np.testing.assert_allclose(after, before, atol=1)


def test_the_source_is_seen_as_widely_as_it_is_shown_where_the_motion_reaches_less(tmp_path, videos, target_joints):
    still = np.repeat(target_joints[:1], LENGTH, axis=0)
    source, shown, *_ = lit({**videos, **film(tmp_path, "target", still, BLUE, (320, 240))})
    own, seen = source.crop, shown.crop
    assert seen.left <= own.left and seen.top <= own.top
    assert seen.left + seen.size >= own.left + own.size and seen.top + seen.size >= own.top + own.size


def test_there_is_one_place(videos):
    with pytest.raises(ValueError, match="--scene=target goes without --background=green"):
        check(TransferConfig(**videos, scene="target", background="green"))


def test_what_happens_now_has_no_scene(videos):
    with pytest.raises(ValueError, match="--live goes without --scene=target: leave it out"):
        check_live(TransferConfig(source=videos["source"], live="0", scene="target"))
