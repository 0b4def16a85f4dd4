"""Pictures of videos as players show them, held against another FFmpeg."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import ffmpeg
import numpy as np
import odd_videos
import pytest
import videos
from PIL import Image

from stmt_tf.video.reader import VideoError, probe, read_frames

WIDTH, HEIGHT = 192, 128
WHITE, BRIGHTEST = 203, 1000
TO_LINEAR = f"zscale=t=linear:npl={WHITE},format=gbrpf32le,zscale=p=bt709"
TONEMAP = f"tonemap=mobius:param=0.3:desat=0:peak={BRIGHTEST / WHITE}"
TO_BT709 = "zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
SEE_THROUGH = (
    "color=red:s=192x128:r=25:d=0.2,format=rgba,"
    "geq=r='if(lt(X,96),200,30)':g=60:b=90:a='if(lt(Y,64),255,if(lt(X,96),0,128))'"
)


def first(path):
    return next(read_frames(path))


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), lambda image: image),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
        ((0, -1, 1, 0), lambda image: np.rot90(image)),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
        ((0, -1, -1, 0), lambda image: np.rot90(image, 2).swapaxes(0, 1)),
    ],
)
def test_frames_are_turned_and_mirrored_as_the_file_says(tmp_path, matrix, expected):
    image = videos.four_corners()
    path = Path(videos.write_video(tmp_path / "a.mp4", [image] * 3, crf="5"))
    a, b, c, d = (value << 16 for value in matrix)
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    upright, info = expected(image), probe(path)
    corners = np.ix_([6, -6], [6, -6])
    shown = first(path).image
    assert shown.shape == upright.shape == (info.height, info.width, 3) and shown.flags.c_contiguous
    np.testing.assert_allclose(shown[corners].astype(int), upright[corners], atol=12)
    stored = image[:, ::-1] if info.mirrored else image
    np.testing.assert_array_equal(np.rot90(stored, info.rotation // 90), upright)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p"])
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("colorspace", [1, 4, 5, 6, 7, 9, 0])
def test_colours_of_a_named_matrix_are_those_of_ffmpeg(tmp_path, colorspace, color_range, pix_fmt):
    colour = {"colorspace": colorspace, "color_range": color_range}
    path = odd_videos.write(tmp_path / "a.mkv", 2, sound=None, pix_fmt=pix_fmt, colour=colour, crf="5")
    expected = odd_videos.patches(ffmpeg.frames(path, WIDTH, HEIGHT)[0])
    np.testing.assert_allclose(odd_videos.patches(first(path).image), expected, atol=3)


@pytest.mark.parametrize(("colorspace", "name"), [(8, "YCgCo"), (10, "BT.2020 with constant"), (14, "ICtCp")])
def test_a_matrix_that_cannot_be_converted_is_named(tmp_path, colorspace, name):
    path = odd_videos.write(tmp_path / "a.mkv", 2, sound=None, colour={"colorspace": colorspace})
    for read in (probe, first):
        with pytest.raises(VideoError, match=rf"a\.mkv: its colours .*matrix {name}"):
            read(path)


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
def test_high_dynamic_range_is_mapped_as_ffmpeg_maps_it(tmp_path, transfer):
    path = str(tmp_path / "a.mp4")
    colours = ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv"]
    chart = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,zscale=t=linear:npl=203"
    chart += f",format=gbrpf32le,zscale=p=bt2020,zscale=t={transfer}:npl=203:m=bt2020nc:r=tv,format=yuv420p10le"
    raw = np.stack(odd_videos.pictures(3)).tobytes()
    ffmpeg.run(
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-",
        "-vf", f"scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,{chart}",
        "-c:v", "libx265", "-crf", "2", "-x265-params", "log-level=none", *colours, path, content=raw,
    )  # fmt: skip
    shown = first(path).image
    mapped = ffmpeg.frames(path, WIDTH, HEIGHT, f"{TO_LINEAR},{TONEMAP},{TO_BT709}")[0]
    np.testing.assert_allclose(odd_videos.patches(shown), odd_videos.patches(mapped), atol=3)
    np.testing.assert_allclose(shown.mean((0, 1)), mapped.mean((0, 1)), atol=1.5)
    # What is no brighter than a third of white, the first three patches, is as it was before.
    np.testing.assert_allclose(odd_videos.patches(shown)[:3], odd_videos.PATCHES[:3], atol=12)


@pytest.mark.parametrize("primaries", [9, 12])
def test_a_wide_gamut_becomes_bt709_as_ffmpeg_has_it(tmp_path, primaries):
    colour = {"colorspace": 9, "color_primaries": primaries, "color_trc": 1, "color_range": 1}
    path = odd_videos.write(tmp_path / "a.mkv", 2, sound=None, pix_fmt="yuv444p10le", colour=colour, crf="5")
    expected = ffmpeg.frames(path, WIDTH, HEIGHT, f"{TO_LINEAR},{TO_BT709}")[0]
    np.testing.assert_allclose(odd_videos.patches(first(path).image), odd_videos.patches(expected), atol=3)


def combing(images) -> float:
    """How much neighbouring lines differ."""
    grey = np.asarray(images, np.float32).mean(-1)
    return float(np.abs(2 * grey[:, 1:-1] - grey[:, :-2] - grey[:, 2:]).mean())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.mkv", ("-c:v", "libx264", "-flags", "+ildct+ilme", "-pix_fmt", "yuv420p")),
        ("a.ts", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "3M")),
        ("a.mov", ("-c:v", "prores_ks", "-flags", "+ildct")),
    ],
)
def test_interlaced_video_is_deinterlaced(tmp_path, name, arguments):
    path = ffmpeg.make(tmp_path / name, *arguments, source="testsrc2=s=192x128:r=50:d=1,interlace=lowpass=0")
    frames = list(read_frames(path))
    assert len(frames) == 25
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(25) / 25, atol=0.002)
    combed, expected = (ffmpeg.frames(path, WIDTH, HEIGHT, how) for how in ("null", "bwdif=mode=send_frame"))
    shown = [frame.image for frame in frames]
    assert combing(shown) < 0.8 * combing(combed)
    assert np.abs(np.stack(shown[1:-1]).astype(int) - expected[1:-1]).mean() < 0.5


def test_a_single_interlaced_frame_is_shown(tmp_path):
    arguments = ("-c:v", "prores_ks", "-flags", "+ildct", "-frames:v", "1")
    path = ffmpeg.make(tmp_path / "a.mov", *arguments, source="testsrc2=s=192x128:r=50:d=1,interlace")
    assert [frame.index for frame in read_frames(path)] == [0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p")),
        ("a.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0")),
        ("a.mov", ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le")),
        ("a.mov", ("-c:v", "qtrle")),
        ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuva420p")),
        ("a.avi", ("-c:v", "rawvideo", "-pix_fmt", "bgra")),
        ("a.apng", ()),
    ],
)
def test_what_is_transparent_is_not_shown(tmp_path, name, arguments):
    frames = list(read_frames(ffmpeg.make(tmp_path / name, *arguments, source=SEE_THROUGH)))
    assert len(frames) == 5
    for frame in frames:
        assert frame.alpha.shape == (HEIGHT, WIDTH) and frame.alpha.dtype == np.uint8
        opaque, hidden, half = ((20, 20), (100, 20), (100, 150))
        np.testing.assert_allclose([frame.alpha[at] for at in (opaque, hidden, half)], [255, 0, 128], atol=2)
        shown = np.array([frame.image[at] for at in (opaque, hidden, half)], int)
        np.testing.assert_allclose(shown, [(200, 60, 90), (0, 0, 0), (15, 30, 45)], atol=4)


@pytest.mark.parametrize("alpha", [0, 255])
def test_an_opaque_video_has_no_alpha_nor_one_that_nobody_set(tmp_path, alpha):
    source = f"color=red:s=64x48:r=25:d=0.1,format=rgba,geq=r=200:g=60:b=90:a={alpha}"
    frame = first(ffmpeg.make(tmp_path / "a.avi", "-c:v", "rawvideo", "-pix_fmt", "bgra", source=source))
    assert frame.alpha is None
    np.testing.assert_array_equal(frame.image[20, 20], (200, 60, 90))


def test_a_transparent_frame_is_turned_with_its_alpha(tmp_path):
    path = Path(ffmpeg.make(tmp_path / "a.mov", "-c:v", "qtrle", source=SEE_THROUGH))
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    frame = first(path)
    assert frame.image.shape == (WIDTH, HEIGHT, 3) and frame.alpha[20, 20] == 0 and frame.alpha[20, -20] == 255


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_of_several_video_tracks_the_default_one_is_shown(tmp_path, ending):
    ffmpeg.run(
        "-f", "lavfi", "-i", "color=red:s=64x48:r=25:d=1", "-f", "lavfi", "-i", "color=lime:s=96x48:r=25:d=1",
        "-map", "0", "-map", "1", "-disposition:0", "0", "-disposition:1", "default", "-c:v", "mpeg4",
        tmp_path / f"a.{ending}",
    )  # fmt: skip
    image = first(tmp_path / f"a.{ending}").image
    assert image.shape == (48, 96, 3)
    np.testing.assert_allclose(image[20, 20].astype(int), (0, 255, 0), atol=8)


def test_a_cover_is_no_video(tmp_path):
    cover = io.BytesIO()
    Image.new("RGB", (32, 32), "blue").save(cover, format="PNG")
    (tmp_path / "cover.png").write_bytes(cover.getvalue())
    sound = videos.write_audio(tmp_path / "a.mp3", "libmp3lame", seconds=0.3)
    with_cover = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
    ffmpeg.run("-i", sound, "-i", tmp_path / "cover.png", *with_cover, tmp_path / "b.mp3")
    with pytest.raises(VideoError, match=r"b\.mp3: holds only audio"):
        probe(tmp_path / "b.mp3")
    video = odd_videos.write(tmp_path / "a.mp4", 5)
    order = ("-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic")
    ffmpeg.run("-i", video, "-i", tmp_path / "cover.png", *order, tmp_path / "b.mp4")
    assert first(tmp_path / "b.mp4").image.shape == (HEIGHT, WIDTH, 3)


def test_a_gif_is_read_with_its_times(tmp_path):
    path = ffmpeg.make(tmp_path / "a.gif", source="testsrc2=s=192x128:r=10:d=1")
    frames = list(read_frames(path))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(10) / 10, atol=0.001)
    np.testing.assert_array_equal(frames[3].image, ffmpeg.frames(path, WIDTH, HEIGHT)[3])
    assert probe(path).fps == 10


def test_an_animated_webp_is_named(tmp_path):
    path = ffmpeg.make(tmp_path / "a.webp", "-c:v", "libwebp_anim", "-loop", "0")
    with pytest.raises(VideoError, match=r"a\.webp: animated WebP is not supported"):
        probe(path)


def test_frames_of_another_size_within_a_file_are_shown_in_the_first_ones(tmp_path):
    small = odd_videos.write(tmp_path / "1.ts", 5, sound=None)
    images = odd_videos.pictures(5, 320, 240)
    large = odd_videos.write(tmp_path / "2.ts", 5, sound=None, images=images)
    path = tmp_path / "a.ts"
    path.write_bytes(Path(small).read_bytes() + Path(large).read_bytes())
    with av.open(str(path)) as container:
        assert len({(frame.width, frame.height) for frame in container.decode(video=0)}) == 2
    assert [frame.image.shape for frame in read_frames(path)] == [(HEIGHT, WIDTH, 3)] * 10
