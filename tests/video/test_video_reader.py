"""Decoding: orientation, times, colour, memory and what is said about broken files."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from fractions import Fraction

import av
import numpy as np
import pytest
import videos

from stmt_tf.video.container import beyond_end, open_media, video_stream
from stmt_tf.video.reader import VideoError, probe, read_frames


def test_every_frame_comes_once_in_order_at_its_time(tmp_path):
    path = videos.write_video(tmp_path / "a.mp4", videos.numbered_frames(20))
    frames = list(read_frames(path))
    assert [frame.index for frame in frames] == list(range(20))
    assert [videos.number_of(frame.image, 20) for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25)


def test_probe_tells_size_rate_count_and_sound(tmp_path):
    info = probe(videos.write_video(tmp_path / "a.mp4", videos.numbered_frames(20), fps=30))
    assert (info.width, info.height, info.fps, info.num_frames) == (64, 48, Fraction(30), 20)
    assert info.duration == pytest.approx(20 / 30)
    assert info.rotation == 0 and not info.has_audio


def test_variable_frame_rate_keeps_each_time(tmp_path):
    times = [0.0, 0.1, 0.12, 0.5, 1.25, 1.3]
    path = videos.write_video(tmp_path / "a.mp4", videos.numbered_frames(6), times)
    np.testing.assert_allclose([frame.time for frame in read_frames(path)], times, atol=1e-4)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_metadata_is_applied(tmp_path, rotation):
    image = videos.four_corners()
    path = videos.write_video(tmp_path / "a.mp4", [image] * 3, rotation=rotation, crf="5")
    upright = np.rot90(image, -rotation // 90)
    info, frame = probe(path), next(read_frames(path))
    assert frame.image.shape == upright.shape == (info.height, info.width, 3)
    # Away from the edges, which compression and half-resolution colour soften.
    corners = np.ix_([6, -6], [6, -6])
    np.testing.assert_allclose(frame.image[corners].astype(int), upright[corners], atol=12)


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    path = videos.write_video(tmp_path / "a.mp4", videos.numbered_frames(3), pixel_aspect=2)
    assert next(read_frames(path)).image.shape == (48, 128, 3)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p10le"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mkv", "ffv1", "gray"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.avi", "png", "rgba"),
    ],
)
def test_any_pixel_format_becomes_rgb(tmp_path, name, codec, pix_fmt):
    images = [np.full((48, 64, 3), level, np.uint8) for level in (0, 146, 255)]
    path = videos.write_video(tmp_path / name, images, codec=codec, pix_fmt=pix_fmt)
    decoded = [frame.image for frame in read_frames(path)]
    for image, expected in zip(decoded, images):
        assert image.dtype == np.uint8 and image.flags.c_contiguous
        np.testing.assert_allclose(image.astype(int), expected, atol=4)


def test_odd_sizes_are_kept(tmp_path):
    images = videos.numbered_frames(3, width=33, height=17)
    path = videos.write_video(tmp_path / "a.mkv", images, codec="ffv1", pix_fmt="bgr0")
    assert next(read_frames(path)).image.shape == (17, 33, 3)
    assert (probe(path).width, probe(path).height) == (33, 17)


def test_memory_does_not_grow_with_length(tmp_path):
    images = videos.numbered_frames(240, width=160, height=120)
    path = videos.write_video(tmp_path / "a.mp4", images)
    tracemalloc.start()
    for _ in read_frames(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * images[0].nbytes


def test_missing_file_is_named(tmp_path):
    with pytest.raises(VideoError, match=r"nowhere\.mp4: no such file"):
        probe(tmp_path / "nowhere.mp4")


def test_directory_is_refused(tmp_path):
    with pytest.raises(VideoError, match="is a directory"):
        probe(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello world\n" * 50, b"#EXTM3U\nhttp://x.invalid/a.ts\n"])
def test_file_that_is_no_video_gives_one_line(tmp_path, content):
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    for read in (probe, lambda path: next(read_frames(path))):
        with pytest.raises(VideoError, match="text.mp4: not a readable video") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_sound_alone_is_refused(tmp_path):
    path = videos.write_audio(tmp_path / "sound.mp4")
    with pytest.raises(VideoError, match="only audio"):
        probe(path)


def test_video_track_without_frames_is_refused(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    for read in (probe, lambda path: next(read_frames(path))):
        with pytest.raises(VideoError, match=r"a\.mkv: "):
            read(path)


def test_cut_off_file_tells_how_much_is_lost(tmp_path):
    random = np.random.default_rng(0)
    images = list(random.integers(0, 255, (30, 48, 64, 3), dtype=np.uint8))
    path = tmp_path / "a.mp4"
    videos.write_video(path, images)
    whole = path.read_bytes()
    with av.open(str(path)) as container:
        tenth = [packet.pos for packet in container.demux(video=0) if packet.size][10]
    for end in (tenth - 300, tenth, tenth + 1, tenth + 300):  # within a frame, and between two of them
        path.write_bytes(whole[:end])
        with pytest.raises(VideoError, match=r"a\.mp4: cut off; (19|20|21) of 30 frames are lost"):
            list(read_frames(path))


def test_frames_are_counted_that_begin_behind_the_end_of_the_file(tmp_path):
    path = tmp_path / "a.mp4"
    videos.write_video(path, list(np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3), dtype=np.uint8)))
    whole = path.read_bytes()
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.size]
    ends = {len(whole): (0, 0), starts[10]: (20, 0), starts[10] + 1: (19, 1), starts[11] - 1: (19, 1)}
    for end, lost in ends.items():
        path.write_bytes(whole[:end])
        with open_media(path) as container:
            assert beyond_end(container, video_stream(container, path)) == lost


def test_a_broken_file_leaves_the_terminal_clean(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("hello " * 100)
    code = (
        "import sys\n"
        "from stmt_tf.video.reader import VideoError, probe\n"
        "try:\n    probe(sys.argv[1])\n"
        "except VideoError:\n    print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["refused"]
    assert done.stderr == ""
