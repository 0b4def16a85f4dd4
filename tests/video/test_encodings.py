"""What else than H.264 is written: VP9 and ProRes, transparent or not, and GIF."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import videos

from stmt_tf.video.reader import VideoError, probe, read_frames
from stmt_tf.video.writer import VideoWriter, check_output


def encode(path, images, times=None, fps=25, **options):
    height, width, _ = images[0].shape
    with VideoWriter(path, (width, height), fps, **options) as video:
        for i, image in enumerate(images):
            video.write(image, None if times is None else times[i])
    return str(path)


def half_transparent(width=64, height=48):
    """Corners of four colours; the left half is hidden, the right one's lower half shines through by half."""
    alpha = np.zeros((height, width, 1), np.uint8)
    alpha[:, width // 2 :] = 255
    alpha[height // 2 :, width // 2 :] = 128
    return np.concatenate([videos.four_corners(width, height), alpha], -1)


def kinds(path):
    """Codec and pixels of the picture, codec of the sound or None."""
    with av.open(path) as container:
        picture = container.streams.video[0].codec_context
        sound = [stream.codec_context.codec.canonical_name for stream in container.streams.audio]
        return picture.codec.canonical_name, picture.pix_fmt, *sound


@pytest.mark.parametrize("name", ["a.webm", "a.gif"])
def test_colours_and_times_survive(tmp_path, name):
    path = encode(tmp_path / name, [videos.four_corners()] * 5, times=[0.0, 0.1, 0.2, 0.5, 0.6])
    frames = list(read_frames(path))
    corners = np.ix_([6, -6], [6, -6])
    np.testing.assert_allclose(frames[3].image[corners].astype(int), videos.four_corners()[corners], atol=8)
    np.testing.assert_allclose([frame.time for frame in frames], [0.0, 0.1, 0.2, 0.5, 0.6], atol=1e-3)


@pytest.mark.parametrize(("name", "kind"), [("a.webm", "vp9"), ("a.mov", "prores")])
def test_what_is_hidden_and_what_shines_through_survives(tmp_path, name, kind):
    path = encode(tmp_path / name, [half_transparent()] * 3, transparent=True)
    last = list(read_frames(path))[-1]
    assert kinds(path)[0] == kind and probe(path).num_frames in (3, None)
    np.testing.assert_allclose(last.alpha[::40, ::60].astype(int), [[0, 255], [0, 128]], atol=3)
    np.testing.assert_allclose(last.image[6, -6].astype(int), (0, 255, 0), atol=8)
    np.testing.assert_allclose(last.image[-6, -6].astype(int), (128, 128, 128), atol=8)  # over black


@pytest.mark.parametrize(
    ("name", "transparent", "expected"),
    [
        ("a.webm", False, ("vp9", "yuv420p", "opus")),
        ("a.webm", True, ("vp9", "yuv420p", "opus")),  # FFmpeg tells of alpha beside it
        ("a.mov", True, ("prores", "yuva444p12le", "aac")),  # which it decodes to 12 bits
        ("a.gif", False, ("gif", "bgra")),
    ],
)
def test_sound_is_kept_where_the_container_can_hold_it(tmp_path, name, transparent, expected):
    sound = videos.write_audio(tmp_path / "sound.m4a", seconds=2.0)
    images = [half_transparent() if transparent else videos.four_corners()] * 25
    path = encode(tmp_path / name, images, audio_from=sound, transparent=transparent)
    assert kinds(path) == expected
    if len(expected) == 3:
        with av.open(path) as container:
            frames = list(container.decode(audio=0))
            assert frames[0].time == pytest.approx(0, abs=0.03)
            assert frames[-1].time + frames[-1].samples / frames[-1].sample_rate == pytest.approx(1.0, abs=0.05)


def scene(seed, size=(1000, 600)):
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 10, 3), np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def test_a_gif_is_no_larger_than_it_can_be_shown(tmp_path):
    for name, size in (("a.gif", (640, 384)), ("a.mp4", (1000, 600))):
        info = probe(encode(tmp_path / name, [scene(0)]))
        assert (info.width, info.height) == size


def test_what_stands_still_in_a_gif_is_stored_once(tmp_path):
    frames = [scene(0).copy() for _ in range(10)]
    for number, frame in enumerate(frames):
        frame[100:200, 50 * number : 50 * number + 50] = 255 - frame[100:200, 50 * number : 50 * number + 50]
    many, one = (Path(encode(tmp_path / f"{len(part)}.gif", part)).stat().st_size for part in (frames, frames[:1]))
    assert many < 3 * one
    shown = [frame.image for frame in read_frames(tmp_path / "10.gif")]
    for frame, image in zip(frames, shown):
        true = cv2.resize(frame, (640, 384), interpolation=cv2.INTER_AREA)
        assert np.abs(cv2.blur(image, (4, 4)).astype(int) - cv2.blur(true, (4, 4))).mean() < 8


def test_after_a_cut_a_gif_has_other_colours(tmp_path):
    red, blue = (np.zeros((96, 128, 3), np.uint8) for _ in range(2))
    red[..., 0], blue[..., 2] = np.arange(128, 256), np.arange(128, 256)
    path = encode(tmp_path / "a.gif", [red] * 3 + [blue] * 3)
    shown = [frame.image for frame in read_frames(path)]
    for image, true in zip(shown, [red] * 3 + [blue] * 3):
        assert np.abs(image.astype(int) - true).mean() < 3


def test_a_gif_leaves_out_frames_that_players_would_show_too_long(tmp_path):
    path = encode(tmp_path / "a.gif", videos.numbered_frames(11), fps=100)
    frames = list(read_frames(path))
    assert [videos.number_of(frame.image, 11) for frame in frames] == [0, 2, 4, 6, 8, 10]


def test_what_cannot_be_transparent_is_refused(tmp_path):
    for name in ("a.mp4", "a.m4v", "a.gif"):
        with pytest.raises(VideoError, match=rf"{name}: a \.\w+ file cannot be transparent. Use .webm or .mov."):
            check_output(tmp_path / name, transparent=True)
    check_output(tmp_path / "a.webm", transparent=True)


def test_frames_without_alpha_are_no_transparent_ones(tmp_path):
    with VideoWriter(tmp_path / "a.webm", (64, 48), 25, transparent=True) as video:
        with pytest.raises(ValueError, match=r"expected uint8 \(48, 64, 4\), got uint8 \(48, 64, 3\)"):
            video.write(videos.four_corners())
        video.write(half_transparent())
