"""The poses of several videos, estimated side by side."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from dancer import dance
from made_videos import room
from threads import running_stages
from videos import number_of, numbered_frames, write_video

from stmt_tf.pose import tracks
from stmt_tf.pose.estimators import Estimator, PoseError
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.video.reader import VideoError

POSES = dance(frames=40) * np.array([0.2, 0.2, 1.0], np.float32)


class Reader(Estimator):
    """Finds the pose of the number that a frame shows; `model` says of how many, or that there is nobody."""

    name = "reader"
    threads: set[int] = set()

    def __init__(self, name, model):
        self._count, self.closed = int(model or 40), False

    def expect(self, num_frames):
        assert num_frames > 0

    def detect(self, frame, index):
        assert not self.closed
        self.threads.add(threading.get_ident())
        return POSES[[number_of(frame, self._count)]] if self._count else np.zeros((0, 14, 3), np.float32)

    def close(self):
        self.closed = True


def read(path, count):
    """A video whose first `count` frames show a person."""
    return PosedVideo(path, "reader", results=count)


@pytest.fixture(autouse=True)
def reader(monkeypatch):
    monkeypatch.setattr(tracks, "create_estimator", Reader)
    yield
    assert running_stages() == []


def test_every_video_gets_its_own_track_whatever_its_length(tmp_path):
    videos = [
        read(write_video(tmp_path / f"{count}.mp4", numbered_frames(count), crf="10"), str(count))
        for count in (7, 40, 12)
    ]
    Reader.threads = set()
    for track, count in zip(estimate_tracks(videos), (7, 40, 12)):
        np.testing.assert_allclose(track, POSES[:count], atol=1e-5)
    assert len(Reader.threads) == 3 and threading.get_ident() not in Reader.threads


def test_a_video_without_a_person_is_named_and_ends_the_others(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", numbered_frames(5), crf="10")
    with pytest.raises(PoseError, match=r"whole\.mp4: A person was found in 0% of 5 frames"):
        estimate_tracks([read(whole, "5"), read(whole, "0")])


def test_a_video_that_is_cut_off_is_named_and_ends_the_others(tmp_path):
    long = write_video(tmp_path / "long.mp4", numbered_frames(40), crf="10")
    cut = tmp_path / "cut.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), np.uint8)
    content = Path(write_video(cut, list(noise))).read_bytes()
    cut.write_bytes(content[: len(content) // 3])
    with pytest.raises(VideoError, match=r"cut\.mp4: cut off; \d+ of 40 frames are lost"):
        estimate_tracks([read(long, "40"), read(str(cut), "40")])


class Clinging(Estimator):
    """Follows a person, and after a cut goes on to see them where they were."""

    def __init__(self, name, model):
        self._seen, self.anew = 0, []

    def detect(self, frame, index):
        return POSES[[self._seen]]

    def detect_anew(self, frame, index, people):
        np.testing.assert_array_equal(people, POSES[[self._seen]])
        self.anew.append(index)
        self._seen += 1
        return self.detect(frame, index)


@pytest.mark.parametrize("one_shot", [False, True])
def test_who_is_followed_is_looked_for_anew_after_a_cut(tmp_path, monkeypatch, caplog, one_shot):
    images = [room(seed) for seed, count in ((0, 6), (1, 9), (2, 4)) for _ in range(count)]
    video = PosedVideo(write_video(tmp_path / "cuts.mp4", images, crf="10"), one_shot=one_shot)
    clinging = Clinging("", None)
    monkeypatch.setattr(tracks, "create_estimator", lambda *_: clinging)
    with caplog.at_level("WARNING", logger="absl"):
        (track,) = estimate_tracks([video])
    assert clinging.anew == [6, 15]
    seen = np.repeat(POSES[:3], (6, 9, 4), axis=0)
    if one_shot:
        np.testing.assert_allclose(track[6:15], seen[6:15], atol=1e-5)
        assert not track[:6].any() and not track[15:].any()
        assert "only the shot that shows somebody longest is taken, frames 6 to 14 of 19" in caplog.text
    else:
        np.testing.assert_allclose(track, seen, atol=1e-5)
        assert "cuts.mp4: has 2 cuts, the first before frame 6, and is followed through all of them" in caplog.text
