"""Poses written and read again: the project's own file, and OpenPose's files."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import videos
from dancer import dance

from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.estimators.own import is_own
from stmt_tf.pose.save import check_save, save_poses
from stmt_tf.pose.shots import Shot
from stmt_tf.pose.tracks import PosedVideo, check_poses, estimate_shots
from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.reader import VideoError, probe

LENGTH = 12


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return videos.write_video(tmp_path_factory.mktemp("v") / "a.mp4", videos.numbered_frames(LENGTH, 200, 200))


@pytest.fixture(scope="module")
def shot():
    """A dance in frames 1 to 10 whose right wrist is not found for long, and of which frame 4 shows nobody."""
    joints = np.zeros((LENGTH, 14, 3), np.float32)
    joints[1:11] = dance(frames=10)
    joints[..., 2] *= np.linspace(0.3, 1, 14)
    joints[:, skeleton.RIGHT_WRIST] = 0
    joints[4] = 0
    return Shot(joints, range(1, 11))


def test_what_is_saved_is_read_as_it_was(tmp_path, video, shot, monkeypatch):
    path = str(tmp_path / "poses.json")
    save_poses(path, shot, probe(video), "movenet")
    assert is_own(path) and not is_own(video) and not is_own(str(tmp_path))
    monkeypatch.setattr(PosedVideo, "estimator", None)  # nobody looks for poses
    posed = PosedVideo.of_settings(video, "mediapipe", "", path)
    (read,) = estimate_shots([posed])
    np.testing.assert_array_equal(read.joints, shot.joints)
    assert read.frames == shot.frames and posed.found_by == "movenet"


def test_the_file_is_what_is_documented(tmp_path, video, shot):
    path = tmp_path / "poses.json"
    save_poses(str(path), shot, probe(video), "mediapipe")
    content = json.loads(path.read_text())
    poses = content.pop("poses")
    assert content == {
        "format": "stmt_tf poses", "estimator": "mediapipe", "fps": 25.0, "width": 200, "height": 200, "shot": [1, 11],
        "joints": list(skeleton.JOINTS),
    }  # fmt: skip
    assert [i for i, pose in enumerate(poses) if pose is None] == [0, 4, 11]
    assert poses[1][0] == pytest.approx(shot.joints[1, 0].tolist())


@pytest.mark.parametrize(("start", "end", "frames"), [(0.16, 0.4, range(4, 10)), (0.0, 0.2, range(0, 5)),
                                                      (0.04, np.inf, range(1, 12))])  # fmt: skip
def test_of_a_whole_videos_poses_those_of_a_part_are_taken(tmp_path, video, shot, start, end, frames):
    path = str(tmp_path / "poses.json")
    save_poses(path, shot, probe(video), "mediapipe")
    part = Excerpt(video, start, end)
    (read,) = estimate_shots([PosedVideo(part, saved=path)])
    np.testing.assert_array_equal(read.joints, shot.joints[frames.start : frames.stop])
    assert read.frames == range(max(0, 1 - frames.start), min(11, frames.stop) - frames.start)
    save_poses(path, read, probe(part), "mediapipe")  # which are those of the part alone
    if len(frames) < 11:
        (again,) = estimate_shots([PosedVideo(part, saved=path)])
        np.testing.assert_array_equal(again.joints, read.joints)


def test_a_part_without_the_shot_that_was_looked_at_is_refused(tmp_path, video, shot):
    path = str(tmp_path / "poses.json")
    save_poses(path, shot._replace(frames=range(0, 3)), probe(video), "mediapipe")
    with pytest.raises(PoseError, match="has no poses in the excerpt of .*a.mp4 that is meant. Give other seconds"):
        estimate_shots([PosedVideo(Excerpt(video, 0.2), saved=path)])


@pytest.mark.parametrize("name", ["poses.json", "poses"])
def test_readers_of_results_read_either_form(tmp_path, video, shot, name):
    path = str(tmp_path / name)
    save_poses(path, shot, probe(video), "mediapipe")
    (read,) = estimate_shots([PosedVideo(video, "openpose", results=path)])
    there = [1, 2, 3, 5, 6, 7, 8, 9, 10]  # the gap of one frame is filled
    np.testing.assert_allclose(read.joints[there], shot.joints[there], atol=1e-4)


def test_openpose_has_a_file_for_each_frame(tmp_path, video, shot):
    save_poses(str(tmp_path / "dance"), shot, probe(video), "mediapipe")
    names = sorted(os.listdir(tmp_path / "dance"))
    assert len(names) == LENGTH and names[1] == "dance_000000000001_keypoints.json"
    first, second = (json.loads((tmp_path / "dance" / name).read_text()) for name in names[:2])
    assert first == {"version": 1.3, "people": []}
    assert len(second["people"][0]["pose_keypoints_2d"]) == 15 * 3
    with pytest.raises(PoseError, match="holds files already. Give an empty directory, or a name that ends in .json"):
        check_save(str(tmp_path / "dance"))


@pytest.mark.parametrize("name", ["no/poses.json", "no/poses"])
def test_where_nothing_can_be_written_is_told_before(tmp_path, name):
    with pytest.raises(VideoError, match="does not exist"):
        check_save(str(tmp_path / name))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"width": 100}, r"is of 12 frames of 100 x 200 pixels, but .*a.mp4 has 12 of 200 x 200. Give the poses of"),
        ({"height": 100}, "is of 12 frames of 200 x 100 pixels"),
        ({"poses": [None] * 30}, "is of 30 frames"),
        ({"poses": [None] * 15}, "is of 15 frames"),
        ({"poses": [None] * 9, "shot": [0, 9]}, "is of 9 frames"),
        ({"joints": ["head"]}, "joints are not head, neck"),
        ({"poses": [[[0, 0, 0]]]}, "poses are not 14 times x, y and confidence"),
        ({"poses": [[[np.inf, 0, 1]] * 14] * 12}, "poses are not 14 times x, y and confidence"),
        ({"poses": 12}, "are malformed"),
        ({"shot": [0, 13]}, r"shot \[0, 13\] is none of 12 frames"),
        ({"estimator": None, "width": "wide"}, "invalid literal"),
    ],
)
def test_what_was_changed_or_is_of_another_video_is_refused(tmp_path, video, shot, change, complaint):
    path = tmp_path / "poses.json"
    save_poses(str(path), shot, probe(video), "mediapipe")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(PoseError, match=complaint) as caught:
        estimate_shots([PosedVideo(video, saved=str(path))])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [10, 14])
def test_two_frames_more_or_less_are_the_same_video_miscounted(tmp_path, video, shot, length):
    path = str(tmp_path / "poses.json")
    other = Shot(np.resize(shot.joints, (length, 14, 3)), range(1, length))
    save_poses(path, other, probe(video), "mediapipe")
    (read,) = estimate_shots([PosedVideo(video, saved=path)])
    assert read.frames == other.frames


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('["stmt_tf poses"]', "p.json are malformed"),
        ('{"format": "stmt_tf poses"}', "p.json are malformed (no 'joints')"),
        ('{"format": "stmt_tf poses", "poses": ' + "[" * 100_000, "p.json: the file is cut off or damaged"),
    ],
)
def test_what_is_another_json_is_told_in_one_line(tmp_path, video, content, complaint):
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(PoseError) as caught:
        estimate_shots([PosedVideo(video, saved=str(path))])
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_saved_poses_go_with_every_estimator_and_others_results_do_not(tmp_path, video, shot):
    path = str(tmp_path / "poses.json")
    save_poses(path, shot, probe(video), "mediapipe")
    for tool in ("mediapipe", "openpose"):
        check_poses(tool, "", {"target_poses": path}, [])
    other = tmp_path / "alphapose.json"
    other.write_text("[]")
    with pytest.raises(PoseError, match="holds no saved poses; .*name the tool that made it"):
        check_poses("mediapipe", "", {"target_poses": str(other)}, [])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5])
def test_what_was_cut_off_is_told_as_that(tmp_path, video, shot, share):
    path = tmp_path / "poses.json"
    save_poses(str(path), shot, probe(video), "mediapipe")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(PoseError, match="cut off"):
        check_poses("mediapipe", "", {"target_poses": str(path)}, ["target_poses"])
        estimate_shots([PosedVideo(video, saved=str(path))])
