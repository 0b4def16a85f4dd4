"""A part of a video is read as if it were all of it."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
import videos

from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.reader import VideoError, probe, read_chosen, read_frames
from stmt_tf.video.writer import VideoWriter

COUNT = 50  # two seconds


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return videos.write_video(tmp_path_factory.mktemp("v") / "a.mp4", videos.numbered_frames(COUNT))


def numbers(frames):
    return [videos.number_of(frame.image, COUNT) for frame in frames]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.0, 0.2, range(0, 5)),
        (0.4, 0.6, range(10, 15)),
        (0.41, 0.6, range(11, 15)),
        (1.8, np.inf, range(45, 50)),
        (1.8, 9.0, range(45, 50)),
    ],
)
def test_frames_from_the_start_on_and_before_the_end_are_read(video, start, end, expected):
    part = Excerpt(video, start, end)
    frames = list(read_frames(part))
    assert numbers(frames) == list(expected)
    assert [frame.index for frame in frames] == list(range(len(expected)))
    np.testing.assert_allclose([f.time for f in frames], np.array(expected) / 25 - start, atol=1e-6)
    assert probe(part).num_frames == pytest.approx(len(expected), abs=1)
    assert videos.number_of(read_chosen(part, [2])[0], COUNT) == expected[2]


def test_the_whole_is_told_as_before(video):
    assert probe(Excerpt(video)) == probe(video) and probe(video).num_frames == COUNT
    assert os.fspath(Excerpt(video, 1)) == str(Excerpt(video, 1)) == video


@pytest.mark.parametrize(("start", "end", "until"), [(2.0, np.inf, "2 s on"), (0.01, 0.02, "0.01 s to 0.02 s")])
def test_a_part_without_a_frame_is_an_error(video, start, end, until):
    with pytest.raises(VideoError, match=rf"a.mp4: has no frame from {until}. Give other seconds."):
        list(read_frames(Excerpt(video, start, end)))


def test_a_part_after_the_end_is_an_error_before_frames_are_read_and_the_header_may_be_wrong(video, tmp_path):
    for start in (2.0, 100.0):
        with pytest.raises(VideoError, match=f"a.mp4: has no frame from {start:g} s on. Give other seconds."):
            probe(Excerpt(video, start))
    short = bytearray(Path(video).read_bytes())
    duration = short.index(b"mdhd") + 20
    short[duration : duration + 4] = (int.from_bytes(short[duration : duration + 4], "big") // 4).to_bytes(4, "big")
    path = tmp_path / "short.mp4"
    path.write_bytes(short)
    assert probe(path).duration == pytest.approx(0.5)
    probe(Excerpt(str(path), 1.0))
    assert len(list(read_frames(Excerpt(str(path), 1.0)))) == COUNT // 2


@pytest.mark.parametrize("name", ["v.mp4", "v.webm"])
def test_sound_is_that_of_the_part(tmp_path, name):
    sound = videos.write_audio(tmp_path / "a.m4a", seconds=2.0)
    with VideoWriter(tmp_path / name, (64, 48), 25, audio_from=Excerpt(sound, 1.5)) as video:
        for image in videos.numbered_frames(25):
            video.write(image)
    with av.open(str(tmp_path / name)) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].time == pytest.approx(0, abs=0.12)
    assert frames[-1].time == pytest.approx(0.5, abs=0.06)
