"""One of several people in view is chosen by number."""

from __future__ import annotations

import dataclasses
import json
import logging

import cv2
import numpy as np
import pytest
from transfers import Painter, save, write_poses

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.pose.estimators import PoseError
from stmt_tf.transfer import command
from stmt_tf.transfer.checks import check_live
from stmt_tf.transfer.keywords import OF_SOURCE
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.several import one_for_each
from stmt_tf.video.reader import VideoError

SIZE, LENGTH = 64, 9


@pytest.fixture(scope="module")
def dancers():
    """Two people who dance beside each other."""
    return [render_video(3, index, SIZE, LENGTH, 12.5) for index in (1, 5)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory, dancers):
    """Settings of a source of two people and a target of the same two, and of their poses."""
    folder = tmp_path_factory.mktemp("videos")
    frames = np.concatenate([dancer.frames for dancer in dancers], axis=2)
    joints = [dancers[0].joints, dancers[1].joints + np.float32([SIZE, 0, 0])]
    paths = [write_poses(folder / f"{n}.json", each) for n, each in enumerate(joints)]
    entries = sum((json.loads(open(path).read()) for path in paths[::-1]), [])
    (folder / "two.json").write_text(json.dumps(entries))
    both = dataclasses.replace(dancers[0], frames=frames)
    made = {"pose": "alphapose"}
    for name in ("source", "target"):
        made[name] = save(folder / f"{name}.mp4", both, fps=12.5)
        made[f"{name}_poses"] = str(folder / "two.json")
    return made


def test_people_are_counted_and_shown_with_their_numbers(tmp_path, videos, dancers):
    people = MotionTransfer.people(**videos, people=tmp_path / "new" / "who.png")
    assert list(people) == ["source", "target"] and [len(each) for each in people.values()] == [2, 2]
    found = people["target"]
    np.testing.assert_allclose(found.joints[0, :, :2], dancers[0].joints[found.frame, :, :2], atol=0.1)
    assert found.joints[1, :, 0].mean() > SIZE and found.picture.shape == (480, 960, 3)
    picture = cv2.imread(str(tmp_path / "new" / "who.png"))
    assert picture.shape[0] > 2 * 480 and picture.shape[1] >= 960


def test_people_of_one_video_are_counted_without_the_other(videos):
    target = {name: videos[name] for name in ("target", "target_poses", "pose")}
    people = MotionTransfer.people(**target)
    assert list(people) == ["target"] and len(people["target"]) == 2
    with pytest.raises(ValueError, match="--source or --target is required"):
        MotionTransfer.people()
    with pytest.raises(ValueError, match="seed: has no effect here"):
        MotionTransfer.people(**target, seed=3)


def test_the_person_of_the_number_is_shown_in_the_motion_of_the_number(videos, dancers, caplog):
    transfer = MotionTransfer(Painter())
    for number, dancer in enumerate(dancers, 1):
        result = transfer(**videos, source_person=number, target_person=number, retarget="none")
        shift = SIZE * (number - 1)
        np.testing.assert_allclose(result.poses[..., 0], dancer.joints[..., 0] + shift, atol=0.1)
        source = transfer.prepare_source(
            videos["source"], pose="alphapose", source_poses=videos["source_poses"], source_person=number
        )
        np.testing.assert_allclose(source.track[..., 0], dancer.joints[..., 0] + shift, atol=0.1)
    assert "source.mp4: whoever else is in view stays in the place" in caplog.text


@pytest.mark.parametrize("name", ["source", "target"])
def test_a_number_that_nobody_has_is_refused_and_the_picture_is_there(tmp_path, videos, name):
    settings = {**videos, f"{name}_person": 3, "people": str(tmp_path / "who.png")}
    with pytest.raises(PoseError, match=f"{name}.mp4: has no person 3, as 2 people are seen. Give a number"):
        MotionTransfer(Painter())(**settings)
    assert (tmp_path / "who.png").exists()


def test_the_command_makes_the_picture_alone_where_no_output_is_given(tmp_path, videos, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="absl")
    monkeypatch.setattr(MotionTransfer, "from_pretrained", None)
    command.main(TransferConfig(**videos, people=str(tmp_path / "who.png")))
    lines = [record.getMessage() for record in caplog.records][-3:]
    assert lines[:2] == [f"{videos[name]}: 2 people" for name in ("source", "target")]
    assert [path.name for path in tmp_path.iterdir()] == ["who.png"]


def test_what_cannot_be_shown_or_chosen_is_told(tmp_path, videos):
    with pytest.raises(ValueError, match="--target_person must be at least 0, got -1"):
        TransferConfig(target_person=-1)
    with pytest.raises(VideoError, match="who.jpg: pictures are written as PNG"):
        MotionTransfer.people(**videos, people=tmp_path / "who.jpg")
    with pytest.raises(ValueError, match="--target_person=2 is for one --target, got 2"):
        one_for_each(TransferConfig(target="a.mp4,b.mp4", output="out", target_person=2))
    with pytest.raises(ValueError, match="--live goes without --target_person=2"):
        check_live(TransferConfig(live="0", target_person=2))
    with pytest.raises(SystemExit, match="transfer: --live goes without --people="):
        command.main(TransferConfig(source=videos["source"], live="0", people=str(tmp_path / "who.png")))
    assert "source_person" in OF_SOURCE


def test_saved_poses_are_of_one_person(tmp_path, videos):
    path = tmp_path / "second.json"
    MotionTransfer(Painter())(**videos, target_person=2, save_poses=path)
    saved = {"target": videos["target"], "target_poses": path}
    (found,) = MotionTransfer.people(**saved)["target"].joints
    assert found[:, 0].mean() > SIZE
