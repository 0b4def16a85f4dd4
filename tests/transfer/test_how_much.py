"""Parts of videos, several targets in one run, and folders that are missing."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
from transfers import Painter, save, write_poses

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.pose.save import save_poses
from stmt_tf.pose.shots import Shot
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer import command
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.several import one_for_each
from stmt_tf.video.reader import VideoError, probe, read_frames

SIZE, LENGTH = 64, 10


@pytest.fixture(scope="module")
def dancers():
    return {name: render_video(3, index, SIZE, LENGTH, 12.5) for name, index in (("source", 1), ("target", 5))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, dancers):
    """Two videos of 0.8 s and their poses, also without the first 4 frames."""
    folder = tmp_path_factory.mktemp("videos")
    for name, dancer in dancers.items():
        save(folder / f"{name}.mp4", dancer, fps=12.5)
        write_poses(folder / f"{name}.json", dancer.joints)
        write_poses(folder / f"{name}_late.json", dancer.joints[4:])
    return folder


@pytest.fixture
def videos(folder):
    poses = {f"{name}_poses": str(folder / f"{name}.json") for name in ("source", "target")}
    return {"source": str(folder / "source.mp4"), "target": str(folder / "target.mp4"), "pose": "alphapose", **poses}


@pytest.fixture
def painter(folder, monkeypatch):
    """Commands paint, and their pose estimator knows the videos."""
    transfer = MotionTransfer(Painter())

    def estimator(video):
        return create_estimator("alphapose", str(folder / f"{Path(video.path).stem}.json"))

    monkeypatch.setattr(PosedVideo, "estimator", estimator)
    monkeypatch.setattr(MotionTransfer, "from_pretrained", lambda directory: transfer)
    return transfer


def test_a_part_of_the_target_is_done(tmp_path, folder, videos):
    transfer = MotionTransfer(Painter())
    late = {**videos, "target_poses": folder / "target_late.json", "retarget": "none"}
    result = transfer(**late, start=0.32, end=0.79, output=tmp_path / "out.mp4", layout="side_by_side")
    whole = transfer(**videos, retarget="none")
    assert len(result.frames) == 6
    np.testing.assert_allclose(result.poses, whole.poses[4:], atol=1e-3)
    assert [frame.time for frame in read_frames(tmp_path / "out.mp4")] == pytest.approx(np.arange(6) / 12.5)
    shown = list(read_frames(tmp_path / "out.mp4"))[2].image
    target = list(read_frames(videos["target"]))[6].image
    side = shown.shape[0]
    middle = shown[:, side : 2 * side][:: side // SIZE, :: side // SIZE][:SIZE, :SIZE].astype(int)
    assert np.abs(middle - target).mean() < 12


def test_a_part_of_the_source_is_looked_at(folder, videos):
    source = MotionTransfer(Painter()).prepare_source(
        videos["source"], pose="alphapose", source_poses=folder / "source_late.json", source_start=0.32
    )
    assert len(source.track) == 6 and len(source.frames) <= 6
    first = list(read_frames(videos["source"]))[4].image
    assert any((frame == first).all() for frame in source.frames)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"start": 2.0, "end": 1.0}, "--start=2 must be at least 0 and before --end=1"),
        ({"source_start": -1.0}, "--source_start=-1 must be at least 0"),
        ({"source_end": -1.0}, "before --source_end=-1"),
    ],
)
def test_impossible_seconds_are_told(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        TransferConfig(**change)


def test_seconds_beyond_the_end_are_told(videos):
    with pytest.raises(VideoError, match="target.mp4: has no frame from 7 s on. Give other seconds."):
        MotionTransfer(Painter())(**videos, start=7.0)


def test_what_videos_and_poses_tell_by_themselves_is_told_before_the_model_is_loaded(tmp_path, videos, monkeypatch):
    monkeypatch.setattr(MotionTransfer, "from_pretrained", None)
    shot = Shot(np.ones((LENGTH, 14, 3), np.float32), range(LENGTH))
    save_poses(str(tmp_path / "p.json"), shot, dataclasses.replace(probe(videos["target"]), width=100), "mediapipe")
    both = {"source": videos["source"], "target": videos["target"], "output": str(tmp_path / "out.mp4")}
    for change, complaint in (
        ({"start": 100.0}, "target.mp4: has no frame from 100 s on. Give other seconds"),
        ({"source_start": 0.8, "source_end": 0.9}, "source.mp4: has no frame from 0.8 s to 0.9 s"),
        ({"target_poses": str(tmp_path / "p.json")}, "p.json: is of 10 frames of 100 x 64 pixels, but .*target.mp4"),
        ({"source_poses": str(tmp_path / "p.json")}, "p.json: is of 10 frames of 100 x 64 pixels, but .*source.mp4"),
    ):
        with pytest.raises(SystemExit, match=f"^transfer: .*{complaint}"):
            command.main(TransferConfig(**both, **change))


def test_a_square_smaller_than_the_model_makes_it_is_refused(videos):
    painter = Painter()
    MotionTransfer(painter)(**videos, max_size=31)  # without effect on a model of one size
    painter.takes_any_size = True
    with pytest.raises(ValueError, match="--max_size=31 is less than this model's least, 32"):
        MotionTransfer(painter)(**videos, max_size=31)


def test_several_targets_are_made_of_one_preparation(tmp_path, folder, videos, painter, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="absl")
    calls = []
    prepare = MotionTransfer.prepare
    monkeypatch.setattr(MotionTransfer, "prepare", lambda self, config: calls.append(1) or prepare(self, config))
    target = ",".join(str(folder / name) for name in ("target.mp4", "source.mp4"))
    command.main(TransferConfig(source=videos["source"], target=target, output=str(tmp_path / "new" / "out")))
    made = sorted((tmp_path / "new" / "out").iterdir())
    assert [path.name for path in made] == ["source.mp4", "target.mp4"] and len(calls) == 1
    assert {probe(path).num_frames for path in made} == {LENGTH}
    last = [record.getMessage() for record in caplog.records][-2:]
    out, names = tmp_path / "new" / "out", ("target.mp4", "source.mp4")
    assert last == [f"{folder / name}: wrote {out / name}" for name in names]


def test_a_target_of_no_use_does_not_keep_the_others(tmp_path, folder, videos, painter, caplog):
    caplog.set_level(logging.INFO, logger="absl")
    empty = folder / "empty.mp4"
    nobody = render_video(3, 5, SIZE, LENGTH, 12.5)
    save(empty, nobody, fps=12.5)
    write_poses(folder / "empty.json", 0 * nobody.joints)
    targets = f"{empty},{videos['target']}"
    settings = {"source": videos["source"], "target": targets, "pose_cache": False}  # the two are alike in content
    with pytest.raises(SystemExit, match="transfer: 1 of 2 targets could not be made, see above"):
        command.main(TransferConfig(**settings, output=str(tmp_path / "out")))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["target.mp4"]
    lines = [record.getMessage() for record in caplog.records][-2:]
    assert "empty.mp4: not made: " in lines[0] and lines[1].endswith("out/target.mp4")


@pytest.mark.parametrize("error", [PoseError, ValueError, VideoError])
def test_whatever_keeps_a_target_from_being_made_is_told_after_the_others(
    tmp_path, folder, videos, painter, monkeypatch, caplog, error
):
    caplog.set_level(logging.INFO, logger="absl")

    def run(config, source):
        if config.target == videos["target"]:
            raise error("it is too dark")

    monkeypatch.setattr(painter, "run", run)
    target = f"{videos['target']},{videos['source']}"
    with pytest.raises(SystemExit, match="transfer: 1 of 2 targets could not be made, see above"):
        command.main(TransferConfig(source=videos["source"], target=target, output=str(tmp_path / "out")))
    lines = [record.getMessage() for record in caplog.records][-2:]
    assert lines[0] == f"{videos['target']}: not made: it is too dark"
    assert lines[1] == f"{videos['source']}: wrote {tmp_path / 'out' / 'source.mp4'}"


def test_a_model_learns_the_person_once_for_several_targets_and_not_for_a_preview(
    tmp_path, videos, painter, monkeypatch
):
    loaded, minutes = Painter(), []
    loaded.generate = None  # what has not learned makes nothing
    monkeypatch.setattr(MotionTransfer, "from_pretrained", lambda directory: MotionTransfer(loaded, "loaded"))
    monkeypatch.setattr("stmt_tf.personalize.command.check_start", lambda *_: None)
    monkeypatch.setattr(
        "stmt_tf.personalize.command.personalized", lambda *given: minutes.append(given[2]) or Painter()
    )
    settings = {"source": videos["source"], "target": f"{videos['target']},{videos['source']}", "personalize": 2.0}
    command.main(TransferConfig(**settings, preview=str(tmp_path / "seen")))
    assert len(list((tmp_path / "seen").iterdir())) == 2 and minutes == []
    command.main(TransferConfig(**settings, output=str(tmp_path / "out")))
    assert len(list((tmp_path / "out").iterdir())) == 2 and minutes == [2.0]


def test_three_targets_are_made_of_their_saved_poses_each_with_what_belongs_to_it(tmp_path, folder, videos, painter):
    three, estimated = ("one", "two", "three"), []
    for index, name in enumerate(three, 5):
        dancer = render_video(3, index, SIZE, LENGTH, 12.5)
        save(folder / f"{name}.mp4", dancer, fps=12.5)
        estimated.append(Path(write_poses(folder / f"{name}.json", dancer.joints)))
    target = ",".join(str(folder / f"{name}.mp4") for name in three)
    settings = {"source": videos["source"], "target": target, "pose_cache": False}

    def run(names, **others):
        command.main(TransferConfig(**settings, **{name: str(tmp_path / name) for name in names}, **others))
        return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}

    made = run(["preview", "save_poses"])
    assert made == {f"preview/{name}.png" for name in three} | {f"save_poses/{name}.json" for name in three}
    for path in estimated:
        path.unlink()
    poses = ",".join(str(tmp_path / "save_poses" / f"{name}.json") for name in three)
    results = run(["output", "matte", "sheet"], target_poses=poses) - made
    kinds = {"output": "mp4", "matte": "mp4", "sheet": "png"}
    assert results == {f"{kind}/{name}.{end}" for name in three for kind, end in kinds.items()}
    assert {probe(tmp_path / path).num_frames for path in results if path.endswith("mp4")} == {LENGTH}


def test_each_of_several_targets_has_its_own_files():
    several = {"target": "a.mp4,d/b.mov", "target_poses": "1.json,2.json", "background": "transparent"}
    written = {name: name for name in ("output", "matte", "preview", "sheet", "attention", "save_poses")}
    for one, stem, poses in zip(one_for_each(TransferConfig(**several, **written)), "ab", "12"):
        assert one.target.startswith(("a", "d/b")) and one.target_poses == f"{poses}.json"
        assert one.outputs() == [
            f"output/{stem}.webm", f"matte/{stem}.mp4", f"preview/{stem}.png", f"sheet/{stem}.png",
            f"attention/{stem}.png", f"save_poses/{stem}.json",
        ]  # fmt: skip
    assert not one_for_each(TransferConfig(target="a.mp4,b.mp4", preview="p", background="transparent"))[0].output


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"people": "who.png"}, "--people=who.png is for one --target, got 2: leave it out"),
        ({"target_poses": "p.json"}, "--target_poses=p.json must name 2, one for each target"),
        ({"target_poses": "1.json,2.json,3.json"}, "--target_poses=1.json,2.json,3.json must name 2"),
        ({"output": "out.mp4"}, "--output=out.mp4 must be a directory, as there are 2 targets"),
        ({"sheet": "S.PNG"}, "--sheet=S.PNG must be a directory, as there are 2 targets"),
        ({"save_poses": "p.json"}, "--save_poses=p.json must be a directory, as there are 2 targets"),
        ({"target": "a/x.mp4,b/x.mov"}, "--target: what a/x.mp4 and another one become would be called x"),
        ({"target": "x.mp4,x.mp4"}, "would be called x. Rename one"),
        ({"target": "a.mp4,,b.mp4"}, "--target=a.mp4,,b.mp4 names nothing beside a comma: leave that comma out"),
        ({"target": "a.mp4,"}, "--target=a.mp4, names nothing beside a comma"),
        ({"target_poses": "p.json,"}, "--target_poses=p.json, names nothing beside a comma"),
    ],
)
def test_what_does_not_go_with_several_targets_is_told(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        one_for_each(TransferConfig(**{"target": "a.mp4,b.mp4", "output": "out", **change}))


def test_one_target_with_a_comma_in_its_name_is_one(tmp_path):
    (tmp_path / "a,b.mp4").touch()
    config = TransferConfig(target=str(tmp_path / "a,b.mp4"), output="c.mp4")
    assert one_for_each(config) == [config]


def test_missing_folders_are_made(tmp_path, videos):
    outputs = {"output": "one/two/out.mp4", "matte": "three/m.mp4", "preview": "one/p.png", "save_poses": "four/p.json"}
    MotionTransfer(Painter())(**videos, **{name: tmp_path / path for name, path in outputs.items()})
    assert all((tmp_path / path).is_file() for path in outputs.values())


@pytest.mark.parametrize("change", [{"num_source_frames": 99}, {"sheet": "s.jpg"}])
def test_empty_folders_are_not_left_behind(tmp_path, videos, painter, change):
    settings = {**videos, **change, "output": str(tmp_path / "one" / "two" / "out.mp4")}
    with pytest.raises((ValueError, VideoError)):
        MotionTransfer(Painter())(**settings)
    with pytest.raises(SystemExit):
        command.main(TransferConfig(**settings))
    assert list(tmp_path.iterdir()) == []
