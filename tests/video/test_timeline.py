"""Times: one clean timeline, whatever a container says of them; and what is told of frames that are lost."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import odd_videos
import pytest

from stmt_tf.video.container import warn
from stmt_tf.video.reader import VideoError, probe, read_frames
from stmt_tf.video.timeline import rate_of


@pytest.fixture(autouse=True)
def warnings(caplog):
    warn.cache_clear()
    caplog.set_level("WARNING", logger="absl")
    return lambda: [record.getMessage() for record in caplog.records]


def times_of(path) -> np.ndarray:
    return np.array([frame.time for frame in read_frames(path)])


@pytest.mark.parametrize("ending", ["avi", "mp4", "mkv", "ts", "mov", "flv"])
def test_frames_that_refer_to_later_ones_keep_their_times(tmp_path, ending):
    path = odd_videos.write(tmp_path / f"a.{ending}", sound=None, bf="3", **{"x264-params": "b-adapt=0"})
    with av.open(path) as container:
        assert container.streams.video[0].codec_context.has_b_frames
    np.testing.assert_allclose(times_of(path), np.arange(50) / 25, atol=0.002)
    assert probe(path).fps == 25


def test_frames_of_an_avi_flash_with_its_beeps(tmp_path):
    path = odd_videos.write(tmp_path / "a.avi", codec="libx264", sound="ac3", bf="3")
    flashes = [frame.time for frame in read_frames(path) if frame.image[:64].mean() > 180]
    np.testing.assert_allclose(flashes, odd_videos.beeps_heard(path), atol=0.02)


def test_a_clock_without_a_rate_gives_the_rate_of_its_frames(tmp_path):
    # As browsers record: times in milliseconds that jitter, and no duration of a frame.
    jitter = np.random.default_rng(0).uniform(-0.006, 0.006, 60)
    times = np.arange(60) / 30 + np.where(np.arange(60) > 0, jitter, 0)

    def without_duration(packet):
        packet.duration = 0
        return packet

    path = odd_videos.write(
        tmp_path / "a.webm", codec="libvpx", sound=None, times=times.round(3).tolist(), fps=1000,
        changes=without_duration, images=odd_videos.pictures(60, fps=30),
    )  # fmt: skip
    with av.open(path) as container:
        assert container.streams.video[0].guessed_rate == 1000
    assert probe(path).fps == 30
    np.testing.assert_allclose(times_of(path), times, atol=0.001)


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        (np.arange(50) / 25, 25),
        (np.round(np.arange(50) * 1001 / 30000, 3), 30),
        (np.arange(50) * 1001 / 24000, 24),
        (np.r_[np.arange(50) / 30, 100 + np.arange(50) / 30], 30),
        (np.arange(50)[::-1] / 12.5, Fraction(25, 2)),
        ([1.0], None),
        ([0.0, 1e-9], None),
    ],
)
def test_rate_is_that_of_most_frames(times, rate):
    assert rate_of(times) == rate


@pytest.mark.parametrize("ending", ["ts", "mkv", "vob"])
def test_joined_recordings_go_on_in_time(tmp_path, ending, warnings):
    codec = "mpeg2video" if ending == "vob" else "libx264"
    part = Path(odd_videos.write(tmp_path / f"part.{ending}", codec=codec, sound=None)).read_bytes()
    path = tmp_path / f"a.{ending}"
    path.write_bytes(part * 2)
    np.testing.assert_allclose(times_of(path), np.arange(100) / 25, atol=0.002)
    assert f"{path}: its clock leaps 1 time; what follows is shown without a gap" in warnings()


@pytest.mark.parametrize(("ending", "seconds"), [("ts", 3600.0), ("ts", 20.0), ("mkv", 7200.0), ("mp4", 90.0)])
def test_a_clock_that_leaps_ahead_leaves_no_gap(tmp_path, ending, seconds):
    path = odd_videos.write(tmp_path / f"a.{ending}", sound=None, bf="0", changes=odd_videos.moved_by(seconds, 1.0))
    np.testing.assert_allclose(times_of(path), np.arange(50) / 25, atol=0.002)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_still_of_some_seconds_is_shown_so_long(tmp_path, ending, warnings):
    path = odd_videos.write(tmp_path / f"a.{ending}", sound=None, bf="0", changes=odd_videos.moved_by(30.0, 1.0))
    expected = np.arange(50) / 25 + 30 * (np.arange(50) >= 25)
    np.testing.assert_allclose(times_of(path), expected, atol=0.002)
    assert warnings() == []


def test_frames_of_one_time_are_shown_one_after_the_other(tmp_path):
    def pairs(packet):
        packet.pts = packet.dts = packet.pts - packet.pts % round(0.08 / packet.time_base)
        return packet

    path = odd_videos.write(tmp_path / "a.mkv", codec="mjpeg", pix_fmt="yuvj420p", sound=None, changes=pairs)
    times = times_of(path)
    assert len(times) == 50 and (np.diff(times) > 0.015).all()
    np.testing.assert_allclose(times, np.arange(50) / 25, atol=0.021)


def test_a_stream_without_any_times_has_its_rate(tmp_path):
    path = odd_videos.write(tmp_path / "a.h264", sound=None)
    np.testing.assert_allclose(times_of(path), np.arange(50) / 25, atol=1e-6)


def test_damage_that_costs_no_frame_is_counted(tmp_path, warnings):
    path = Path(odd_videos.write(tmp_path / "a.ts", sound=None))
    content = bytearray(path.read_bytes())
    # The counter of one packet of the picture, in the middle.
    places = range(0, len(content), 188)
    picture = [at for at in places if int.from_bytes(content[at + 1 : at + 3], "big") & 0x1FFF == 0x100]
    content[picture[len(picture) // 2] + 3] ^= 0x05
    path.write_bytes(content)
    assert len(times_of(path)) == 50
    (told,) = warnings()
    assert told.startswith(f"{path}: damaged in ") and told.endswith("; no frame is lost")


def test_lost_frames_are_counted_and_the_others_keep_their_times(tmp_path, warnings):
    path = Path(odd_videos.write(tmp_path / "a.ts", sound=None, g="5", bf="0"))
    content = path.read_bytes()
    third = len(content) // 188 // 3 * 188
    path.write_bytes(content[:third] + content[-third:])
    times = times_of(path)
    assert 25 < len(times) < 40
    np.testing.assert_allclose(times * 25, np.round(times * 25), atol=0.05)
    assert times[-1] == pytest.approx(49 / 25, abs=0.001)
    (told,) = warnings()
    lost, others = map(int, re.search(r"; (\d+) of (\d+) frames are lost$", told).groups())
    assert abs(lost - (50 - len(times))) <= 2 and others == len(times) + lost


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
def test_a_video_that_is_cut_off_is_told_and_one_that_is_mostly_gone_refused(tmp_path, ending, warnings):
    front = {"container_options": {"movflags": "+faststart"}} if ending == "mp4" else {}
    path = Path(odd_videos.write(tmp_path / f"a.{ending}", codec="mpeg4", sound=None, g="1", **front))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert 30 <= len(times_of(path)) <= 34
    (told,) = warnings()
    assert re.search(r"cut off; (1[678]|20) of 50 frames are lost$", told)
    path.write_bytes(content[: len(content) // 4])
    with pytest.raises(VideoError, match=r"cut off; (3[789]|4\d) of (49|50|51) frames are lost"):
        times_of(path)


def test_a_part_of_a_recording_is_no_loss(tmp_path, warnings):
    # An edit list leaves out what was recorded before.
    path = odd_videos.write(tmp_path / "a.mp4", sound=None, changes=odd_videos.moved_by(-1.0, -9))
    times = times_of(path)
    assert len(times) == 25 and times[0] == 0 and warnings() == []
