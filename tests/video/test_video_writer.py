"""Encoding: exact frames and times, sound, and files that are whole or not there."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import videos

from stmt_tf.video.reader import VideoError, probe, read_frames
from stmt_tf.video.writer import VideoWriter, check_output


def encode(path, images, times=None, fps=25, audio_from=None, **options) -> str:
    height, width, _ = images[0].shape
    with VideoWriter(path, (width, height), fps, audio_from=audio_from, **options) as video:
        for i, image in enumerate(images):
            video.write(image, None if times is None else times[i])
    return str(path)


def sound_of(path) -> tuple[str, float, float]:
    """Codec, start and end in seconds of the audio track."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        last = frames[-1]
        name = stream.codec_context.codec.canonical_name
        return name, frames[0].time, last.time + last.samples / last.sample_rate


def files_in(directory) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("fps", [25, 60, Fraction(24000, 1001), Fraction(30000, 1001), 7.5])
def test_frame_count_and_rate_are_exact(tmp_path, fps):
    path = encode(tmp_path / "a.mp4", videos.numbered_frames(31), fps=fps)
    info = probe(path)
    assert (info.fps, info.num_frames) == (Fraction(fps), 31)
    frames = list(read_frames(path))
    assert [videos.number_of(frame.image, 31) for frame in frames] == list(range(31))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(31) / float(fps))


def test_each_frame_keeps_the_time_given(tmp_path):
    times = [0.0, 0.1, 0.12, 0.5, 1.25, 1.3, 4.0]
    path = encode(tmp_path / "a.mp4", videos.numbered_frames(7), times)
    np.testing.assert_allclose([frame.time for frame in read_frames(path)], times, atol=1e-5)


def test_picture_that_begins_after_the_sound_stays_in_step_with_it(tmp_path):
    sound = videos.write_audio(tmp_path / "a.m4a", seconds=1.0)
    times = [0.2, 0.3, 0.4]
    path = encode(tmp_path / "v.mp4", videos.numbered_frames(3), times, audio_from=sound)
    np.testing.assert_allclose([frame.time for frame in read_frames(path)], times, atol=1e-5)
    assert sound_of(path)[1] == pytest.approx(0, abs=0.03)


def test_times_of_a_real_timeline_survive_a_round_trip(tmp_path):
    times = np.cumsum(np.random.default_rng(0).uniform(0.005, 0.1, 40))
    first = videos.write_video(tmp_path / "a.mp4", videos.numbered_frames(40), times)
    frames = list(read_frames(first))
    second = encode(
        tmp_path / "b.mp4", [f.image for f in frames], [f.time for f in frames], probe(first).fps
    )
    np.testing.assert_allclose(
        [frame.time for frame in read_frames(second)], [frame.time for frame in frames], atol=1e-5
    )


def test_file_is_what_browsers_play(tmp_path):
    path = encode(tmp_path / "a.mp4", videos.numbered_frames(3))
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(path) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.has_b_frames) == ("h264", "yuv420p", False)
        assert context.colorspace == context.color_primaries == context.color_trc == 1


def test_colours_survive(tmp_path):
    path = encode(tmp_path / "a.mp4", [videos.four_corners()] * 2)
    corners = np.ix_([6, -6], [6, -6])
    decoded = next(read_frames(path)).image[corners].astype(int)
    np.testing.assert_allclose(decoded, videos.four_corners()[corners], atol=6)


@pytest.mark.parametrize("live", [False, True])
def test_a_live_video_is_encoded_in_less_time_and_comes_as_near(tmp_path, live):
    grey = np.random.default_rng(0).integers(40, 216, (4, 8, 8, 1), np.uint8).repeat(16, 1).repeat(16, 2)
    images = list(grey.repeat(3, 3))
    path = encode(tmp_path / "a.mp4", images, live=live)
    settings = (tmp_path / "a.mp4").read_bytes()  # where the encoder tells of its own
    assert (b"cabac=0" in settings, b"cabac=1" in settings) == (live, not live)
    made = np.stack([frame.image for frame in read_frames(path)]).astype(float)
    assert np.abs(made - images).mean() < 3


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47), (33, 17), (1, 1)])
def test_odd_sizes_repeat_an_edge(tmp_path, width, height):
    image = np.full((height, width, 3), 60, np.uint8)
    image[:, -1] = 200
    decoded = next(read_frames(encode(tmp_path / "a.mp4", [image]))).image
    assert decoded.shape == (height + height % 2, width + width % 2, 3)
    np.testing.assert_allclose(decoded[:, width - 1 :].astype(int), 200, atol=25)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "expected"),
    [
        ("a.m4a", "aac", 44100, "aac"),
        ("a.mp3", "libmp3lame", 44100, "mp3"),
        ("a.wav", "pcm_s16le", 44100, "aac"),
        ("a.mkv", "libopus", 48000, "aac"),
        ("a.ts", "aac", 44100, "aac"),
    ],
)
def test_sound_is_taken_along_and_ends_with_the_video(tmp_path, name, codec, rate, expected):
    sound = videos.write_audio(tmp_path / name, codec, seconds=2.0, rate=rate)
    path = encode(tmp_path / "v.mp4", videos.numbered_frames(25), audio_from=sound)
    codec, start, end = sound_of(path)
    assert codec == expected
    assert start == pytest.approx(0, abs=0.03)
    assert end == pytest.approx(1.0, abs=0.05)
    assert probe(path).num_frames == 25


def test_copied_sound_is_the_same_bytes(tmp_path):
    sound = videos.write_audio(tmp_path / "a.m4a", seconds=1.0)
    path = encode(tmp_path / "v.mp4", videos.numbered_frames(50), audio_from=sound)

    def packets(name):
        with av.open(str(name)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert packets(path) == packets(sound)


def test_sound_shorter_than_the_video_is_no_error(tmp_path):
    sound = videos.write_audio(tmp_path / "a.m4a", seconds=0.2)
    path = encode(tmp_path / "v.mp4", videos.numbered_frames(50), audio_from=sound)
    assert probe(path).num_frames == 50
    assert sound_of(path)[2] < 0.4


def test_silent_file_gives_a_silent_video(tmp_path):
    silent = videos.write_video(tmp_path / "a.mp4", videos.numbered_frames(3))
    path = encode(tmp_path / "v.mp4", videos.numbered_frames(3), audio_from=silent)
    assert not probe(path).has_audio


def test_missing_sound_file_is_named_and_nothing_is_left(tmp_path):
    with pytest.raises(VideoError, match=r"gone\.mp4: no such file"):
        encode(tmp_path / "v.mp4", videos.numbered_frames(3), audio_from=tmp_path / "gone.mp4")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_nothing_behind(tmp_path, error):
    with pytest.raises(error), VideoWriter(tmp_path / "a.mp4", (64, 48), 25) as video:
        for image in videos.numbered_frames(60):
            video.write(image)
        assert len(files_in(tmp_path)) == 1
        raise error
    assert files_in(tmp_path) == []


def test_an_exception_leaves_an_older_file_as_it_was(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    with pytest.raises(RuntimeError), VideoWriter(path, (64, 48), 25) as video:
        video.write(videos.numbered_frames(1)[0])
        raise RuntimeError
    assert path.read_bytes() == b"older" and files_in(tmp_path) == ["a.mp4"]


def test_no_frames_make_no_file(tmp_path):
    with pytest.raises(VideoError, match="no frames"), VideoWriter(tmp_path / "a.mp4", (64, 48), 25):
        pass
    assert files_in(tmp_path) == []


def test_unfit_frames_are_refused(tmp_path):
    image = videos.numbered_frames(1)[0]
    with VideoWriter(tmp_path / "a.mp4", (64, 48), 25) as video:
        with pytest.raises(ValueError, match=r"expected uint8 \(48, 64, 3\), got uint8 \(64, 48, 3\)"):
            video.write(image.transpose(1, 0, 2))
        with pytest.raises(ValueError, match="got float32"):
            video.write(image.astype(np.float32))
        video.write(image, 1.0)
        with pytest.raises(ValueError, match="times must increase"):
            video.write(image, 1.0)


def test_impossible_outputs_are_refused_before_any_work(tmp_path):
    (tmp_path / "dir.mp4").mkdir()
    (tmp_path / "file").write_text("")
    for path, words in (
        (tmp_path / "a.webp", r"unsupported extension '.webp'. Use one of .mp4"),
        (tmp_path / "a", "unsupported extension ''"),
        (tmp_path / "dir.mp4", "is a directory"),
        (tmp_path / "gone" / "a.mp4", "gone does not exist. Create it"),
        (tmp_path / "file" / "a.mp4", "file is not a directory. Choose another"),
        ("/proc/a.mp4", "/proc cannot be written"),
    ):
        for attempt in (check_output, lambda path: VideoWriter(path, (64, 48), 25)):
            with pytest.raises(VideoError, match=words) as caught:
                attempt(path)
            assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert files_in(tmp_path) == ["dir.mp4", "file"]


def test_checking_an_output_leaves_no_trace(tmp_path):
    check_output(tmp_path / "a.mp4")
    assert files_in(tmp_path) == []
