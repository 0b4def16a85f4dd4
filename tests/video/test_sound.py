"""Sound that is taken along: whatever it is, the video is made, and what is heard stays in step with what is seen."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import odd_videos
import pytest

from stmt_tf.video.container import warn
from stmt_tf.video.reader import VideoError, probe, read_frames
from stmt_tf.video.sound import find_sound
from stmt_tf.video.writer import VideoWriter

STEP = 0.02  # seconds that sound and picture may be apart


@pytest.fixture(autouse=True)
def warnings(caplog):
    """What is warned of; each is told once in a process."""
    warn.cache_clear()
    caplog.set_level("WARNING", logger="absl")
    return lambda: [record.getMessage() for record in caplog.records]


def through(path, folder) -> str:
    """Reads a video and writes it with its sound."""
    info = probe(path)
    made = str(folder / "made.mp4")
    with VideoWriter(made, (info.width, info.height), info.fps, audio_from=path) as video:
        for frame in read_frames(path):
            video.write(frame.image, frame.time)
    return made


def codec_of(path) -> str:
    with av.open(path) as container:
        return container.streams.audio[0].codec_context.codec.canonical_name


def packets_of(path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def join(path, *parts) -> str:
    path.write_bytes(b"".join(Path(part).read_bytes() for part in parts))
    return str(path)


@pytest.mark.parametrize(
    ("name", "codec", "sound", "expected"),
    [
        ("a.mp4", "libx264", "aac", "aac"),
        ("a.avi", "mpeg4", "ac3", "aac"),
        ("a.ts", "libx264", "aac", "aac"),
        ("a.mkv", "libx264", "libmp3lame", "mp3"),
        ("a.mkv", "libx264", "libopus", "aac"),
        ("a.mov", "libx264", "pcm_s16le", "aac"),
        ("a.vob", "mpeg2video", "mp2", "aac"),
    ],
)
def test_sound_and_picture_stay_in_step(tmp_path, name, codec, sound, expected):
    made = through(odd_videos.write(tmp_path / name, codec=codec, sound=sound), tmp_path)
    assert codec_of(made) == expected
    assert len(odd_videos.beeps_heard(made)) == 4
    assert odd_videos.apart(made) < STEP


def test_a_last_frame_without_a_time_is_no_matter(tmp_path, warnings):
    path = odd_videos.write(tmp_path / "a.wmv", codec="wmv2", sound="wmav2")
    with av.open(path) as container:
        assert list(container.decode(audio=0))[-1].pts is None
    made = through(path, tmp_path)
    assert len(odd_videos.beeps_heard(made)) == 4 and probe(made).num_frames == 50
    assert odd_videos.apart(made) == pytest.approx(odd_videos.apart(path), abs=0.005)  # the encoder came late
    assert warnings() == []


def test_sound_whose_times_repeat_is_copied_with_times_that_increase(tmp_path, warnings):
    times = []

    def repeated(packet):
        if packet.stream.type == "audio":
            times.append(packet.dts)
            if len(times) in (40, 70):
                packet.pts = packet.dts = times[-2]
        return packet

    path = odd_videos.write(tmp_path / "a.mkv", changes=repeated)
    made = through(path, tmp_path)
    # The last packet lies behind the last frame.
    assert packets_of(made) == packets_of(path)[: len(packets_of(made))] and len(packets_of(made)) >= 94
    with av.open(made) as container:
        steps = np.diff([float(packet.dts * packet.time_base) for packet in container.demux(audio=0) if packet.size])
    assert 0 < steps.min() and steps.max() < 0.03
    assert odd_videos.apart(made) < STEP and warnings() == []


@pytest.mark.parametrize(
    ("sound", "other"),
    [("ac3", {"layout": "5.1"}), ("aac", {"layout": "mono", "rate": 44100}), ("mp2", {"rate": 32000})],
)
def test_sound_that_changes_within_a_file_is_heard_throughout(tmp_path, sound, other):
    first = odd_videos.write(tmp_path / "1.ts", sound=sound)
    second = odd_videos.write(tmp_path / "2.ts", sound=sound, **other)
    made = through(join(tmp_path / "a.ts", first, second), tmp_path)
    assert codec_of(made) == "aac" and len(odd_videos.beeps_heard(made)) == 8
    assert odd_videos.apart(made) < STEP


@pytest.mark.parametrize(("ending", "count"), [("ts", 3), ("mkv", 2), ("vob", 2)])
def test_sound_of_joined_recordings_stays_in_step(tmp_path, ending, count):
    codecs = {"codec": "mpeg2video", "sound": "mp2"} if ending == "vob" else {}
    part = odd_videos.write(tmp_path / f"part.{ending}", **codecs)
    made = through(join(tmp_path / f"a.{ending}", *[part] * count), tmp_path)
    assert len(odd_videos.flashes(made)) == len(odd_videos.beeps_heard(made)) == 4 * count
    assert odd_videos.apart(made) < STEP


@pytest.mark.parametrize("sound", ["aac", "flac"])
def test_sound_that_begins_late_begins_late(tmp_path, sound):
    made = through(odd_videos.write(tmp_path / "a.mkv", sound=sound, sound_starts=0.9), tmp_path)
    assert odd_videos.beeps_heard(made) == pytest.approx([1.2, 1.8], abs=STEP)


@pytest.mark.parametrize("sound", ["flac", "aac"])
def test_a_gap_in_the_sound_stays_a_gap(tmp_path, sound):
    def gap(packet):
        time = packet.dts * packet.time_base
        return None if packet.stream.type == "audio" and 0.3 < time < 0.9 else packet

    made = through(odd_videos.write(tmp_path / "a.mkv", sound=sound, changes=gap), tmp_path)
    assert odd_videos.beeps_heard(made) == pytest.approx([0, 1.2, 1.8], abs=STEP)


def test_damaged_sound_is_left_out_where_it_is_damaged(tmp_path):
    def damage(packet):
        if packet.stream.type == "audio" and 0.5 < packet.dts * packet.time_base < 0.8:
            broken = av.Packet(b"\x55" * packet.size)
            broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
            broken.stream = packet.stream
            return broken
        return packet

    path = odd_videos.write(tmp_path / "a.mkv", sound="flac", changes=damage)
    made = through(path, tmp_path)
    assert probe(made).num_frames == 50
    assert odd_videos.beeps_heard(made) == pytest.approx([0, 1.2, 1.8], abs=STEP)


def test_sound_without_a_decoder_is_left_out_in_one_line_before_any_frame_is_made(tmp_path, warnings):
    path = Path(odd_videos.write(tmp_path / "a.mkv", sound="flac"))
    path.write_bytes(path.read_bytes().replace(b"A_FLAC", b"A_FLAX"))
    assert find_sound(path) is None
    assert warnings() == [f"{path}: its sound is left out (no decoder for it)"]
    made = through(path, tmp_path)
    assert not probe(made).has_audio and probe(made).num_frames == 50
    assert len(warnings()) == 1


def test_a_fault_in_the_sound_ends_the_sound_alone(tmp_path, warnings, monkeypatch):
    def fault(*_):
        raise ValueError("of the sound")

    path = odd_videos.write(tmp_path / "a.mkv", sound="flac")
    monkeypatch.setattr("stmt_tf.video.sound._blocks", fault)
    made = through(path, tmp_path)
    assert probe(made).num_frames == 50
    assert warnings() == [f"{path}: its sound ends early (of the sound)"]


def test_sound_that_does_not_fit_into_the_output_is_encoded(tmp_path, monkeypatch, warnings):
    path = odd_videos.write(tmp_path / "a.wmv", codec="wmv2", sound="wmav2")
    monkeypatch.setattr("stmt_tf.video.sound.Sound.ways", lambda sound: [sound._copy, sound._encode])
    made = through(path, tmp_path)
    assert codec_of(made) == "aac" and len(odd_videos.beeps_heard(made)) == 4 and warnings() == []


def test_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = odd_videos.write(tmp_path / "a.mp4", count=5)
    monkeypatch.setattr("stmt_tf.video.writer.os.replace", full)
    with pytest.raises(VideoError, match=r"made\.mp4: cannot be written \(No space left on device\)\. Make room"):
        through(path, tmp_path)
