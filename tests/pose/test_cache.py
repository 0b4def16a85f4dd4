"""Poses that were estimated before."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from dancer import dance
from videos import numbered_frames, write_video

from stmt_tf.pose import cache, tracks
from stmt_tf.pose.estimators import Estimator
from stmt_tf.pose.tracks import PosedVideo, estimate_shots
from stmt_tf.transfer.people import posed
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.excerpt import Excerpt

LENGTH = 12
POSES = dance(frames=LENGTH) * np.array([0.2, 0.2, 1.0], np.float32)


class Counting(Estimator):
    """Counts the frames that it looks at; finds a person in all but one of them."""

    name = "counting"
    calls = 0

    def __init__(self, name, model):
        self._all = 0

    def search(self):
        self._all = 1

    def detect(self, frame, index):
        Counting.calls += 1
        return POSES[[index] * (index != 5)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache" / "poses")
    monkeypatch.setattr(tracks, "create_estimator", Counting)
    Counting.calls = 0
    return tmp_path / "cache" / "poses"


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "a.mp4", numbered_frames(LENGTH), crf="10")


def calls_for(path, **settings):
    """How many frames are looked at, and the shot that comes out."""
    before = Counting.calls
    (shot,) = estimate_shots([PosedVideo(path, "counting", **{"cached": True, **settings})])
    return Counting.calls - before, shot


def test_a_video_is_looked_at_once_whatever_its_name(tmp_path, video):
    first, shot = calls_for(video)
    copy = shutil.copy(video, tmp_path / "b.mov")
    for path in (video, copy):
        again, same = calls_for(path)
        assert (first, again) == (LENGTH, 0) and same.frames == shot.frames
        np.testing.assert_array_equal(same.joints, shot.joints)


def test_another_content_part_model_or_setting_is_looked_at(tmp_path, video):
    calls_for(video)
    model = tmp_path / "model.task"
    model.write_bytes(b"1")
    assert calls_for(Excerpt(video, 0.2))[0] == LENGTH - 5
    assert calls_for(video, model=str(model))[0] == LENGTH
    assert calls_for(video, model=str(model))[0] == 0
    model.write_bytes(b"2")
    assert calls_for(video, model=str(model))[0] == LENGTH
    assert calls_for(video, one_shot=True)[0] == 0  # cuts are found anyway
    assert calls_for(video, everybody=True)[0] == LENGTH
    assert calls_for(video, person=1)[0] == 0  # everybody was looked for
    other = write_video(video, numbered_frames(LENGTH - 1), crf="10")
    assert calls_for(other)[0] == LENGTH - 1


def test_all_that_an_estimate_depends_on_is_in_its_key(tmp_path, video, monkeypatch):
    model = tmp_path / "saved" / "model.pb"
    model.parent.mkdir()
    model.write_bytes(b"1")
    directory = str(model.parent)

    def keys():
        asked = [
            (video, "movenet", ""), (Excerpt(video, 0.2), "movenet", ""), (Excerpt(video, 0.0, 0.2), "movenet", ""),
            (video, "one", ""), (video, "another", ""), (video, "movenet", directory), (video, "movenet", "https://tfhub.dev/a"),
            (video, "movenet", "", True),
        ]  # fmt: skip
        return [cache.key_of(*each) for each in asked]

    before = keys()
    assert len(set(before)) == len(before) and keys() == before
    model.write_bytes(b"2")
    changed = [now != then for now, then in zip(keys(), before)]
    assert changed == [False, False, False, False, False, True, False, False]
    monkeypatch.setattr(cache, "_version_of", lambda package: f"newer {package}")
    assert not set(keys()) & set(before)


def test_a_video_beside_one_that_is_known_is_looked_at_alone(tmp_path, video):
    calls_for(video)
    other = write_video(tmp_path / "b.mp4", numbered_frames(LENGTH - 2), crf="10")
    before = Counting.calls
    shots = estimate_shots([PosedVideo(path, "counting", cached=True) for path in (other, video)])
    assert Counting.calls - before == LENGTH - 2 and [len(shot.joints) for shot in shots] == [LENGTH - 2, LENGTH]


def test_a_file_that_is_written_anew_meanwhile_is_looked_at_again(tmp_path, video, monkeypatch):
    other = write_video(tmp_path / "b.mp4", numbered_frames(LENGTH - 2), crf="10")

    class Late(Counting):
        def detect(self, frame, index):
            os.replace(shutil.copy(other, tmp_path / "c.mp4"), video)  # what is open stays as it is
            return super().detect(frame, index)

    monkeypatch.setattr(tracks, "create_estimator", Late)
    assert calls_for(video)[0] == LENGTH
    assert calls_for(video)[0] == LENGTH - 2


def test_the_flag_leaves_the_cache_alone(video, folder):
    assert calls_for(video, cached=False)[0] == LENGTH and not folder.exists()
    calls_for(video)
    assert calls_for(video, cached=False)[0] == LENGTH
    for given in (True, False):
        assert posed(TransferConfig(source=video, pose_cache=given), "source").cached == given


@pytest.mark.parametrize("damage", [b"", b"no poses", None])
def test_what_is_damaged_is_estimated_again(video, folder, damage):
    calls_for(video)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert calls_for(video)[0] == LENGTH and calls_for(video)[0] == 0


def test_what_was_not_used_for_longest_goes(folder, monkeypatch):
    found = cache.Found([POSES[[0]]] * LENGTH, [3])
    for age, name in enumerate("abc"):
        cache.keep(name, found)
        os.utime(folder / f"{name}.npz", (1000 + age, 1000 + age))
    assert cache.recall("a").starts == [3]  # and so it was used
    size = (folder / "a.npz").stat().st_size
    monkeypatch.setattr(cache, "LARGEST", 3 * size)
    for name, age in ((".old.part.npz", 2 * 86400), (".new.part.npz", 0)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (time.time() - age,) * 2)
    cache.keep("d", found)
    assert sorted(path.name for path in folder.iterdir()) == [".new.part.npz", "a.npz", "c.npz", "d.npz"]


def test_where_nothing_can_be_kept_a_warning_says_so(tmp_path, video, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "file" / "poses")
    assert calls_for(video)[0] == LENGTH
    assert "poses are not kept for another time" in caplog.text


def test_what_several_write_at_once_is_whole(folder):
    found = cache.Found([POSES[[0, 1]]] * 50, [])

    def use(number):
        cache.keep("key", found)
        return cache.recall("key")

    with ThreadPoolExecutor(8) as pool:
        for read in pool.map(use, range(24)):
            assert len(read.people) == 50 and all((each == POSES[[0, 1]]).all() for each in read.people)
    assert [path.name for path in folder.iterdir()] == ["key.npz"]


def test_results_that_are_read_are_not_kept():
    assert not PosedVideo("a.mp4", "openpose", "a.json", cached=True).is_cached
