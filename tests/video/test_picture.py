"""Still pictures: told by their content, and read as they are shown."""

from __future__ import annotations

import cv2
import ffmpeg
import heic
import numpy as np
import odd_videos
import pytest
from PIL import Image, ImageCms

from stmt_tf.video.picture import is_picture, read_picture
from stmt_tf.video.reader import VideoError, probe

IMAGE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.png", "b.jpeg", "c.webp", "d.tiff", "e.bmp", "f.avif", "png", "a.mp4"])
def test_pictures_are_told_by_their_content(tmp_path, name):
    kind = {"png": "png", "a.mp4": "png"}.get(name, name.split(".")[-1])
    Image.fromarray(np.repeat(np.repeat(IMAGE, 8, 0), 8, 1)).save(tmp_path / name, format=kind)
    assert is_picture(tmp_path / name)
    assert read_picture(tmp_path / name).shape == (40, 56, 3)


def test_videos_and_other_files_are_no_pictures(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    ffmpeg.make(tmp_path / "moving.webp", "-c:v", "libwebp_anim", "-loop", "0")
    odd_videos.write(tmp_path / "video.png", 3, container="mp4")
    for name in ("text.png", "moving.webp", "video.png", "gone.png"):
        assert not is_picture(tmp_path / name)


def test_picture_is_read_as_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), IMAGE[..., ::-1])
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), IMAGE)


@pytest.mark.parametrize("turn", range(1, 9))
def test_picture_is_turned_as_its_camera_says(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(IMAGE).save(tmp_path / "a.png", exif=exif)
    mirrored = IMAGE[:, ::-1] if turn in (2, 4, 5, 7) else IMAGE
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[turn]
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), np.rot90(mirrored, turns))


def test_tiles_of_one_picture_are_put_together(tmp_path):
    image = odd_videos.picture(3, 200, 150)
    path = heic.write_heic(tmp_path / "a.heic", image)
    assert is_picture(path)
    np.testing.assert_allclose(read_picture(path).astype(int), image, atol=12)
    assert np.abs(read_picture(path).astype(int) - image).mean() < 1


def test_what_is_transparent_is_black(tmp_path):
    rgba = np.dstack([np.full((4, 4, 3), 200, np.uint8), np.tile(np.uint8([0, 51, 255, 255]), (4, 1))])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png")[0, :, 0], [0, 40, 200, 200])


def test_colours_of_a_wide_gamut_become_srgb(tmp_path):
    # Of a profile whose red and green are exchanged.
    image = Image.new("RGB", (4, 4), (200, 20, 20))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = (profile.index(tag) for tag in (b"rXYZ", b"gXYZ"))
    places = {tag: profile[at + 4 : at + 12] for tag, at in (("red", red), ("green", green))}
    swapped = bytearray(profile)
    swapped[red + 4 : red + 12], swapped[green + 4 : green + 12] = places["green"], places["red"]
    image.save(tmp_path / "a.png", icc_profile=bytes(swapped))
    np.testing.assert_allclose(read_picture(tmp_path / "a.png")[0, 0].astype(int), (20, 200, 20), atol=3)


def test_sixteen_bits_become_eight(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.uint16([[0, 0x8000, 0xFFFF]]))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png")[0, :, 0], [0, 128, 255])


def test_picture_that_is_none_is_one_line(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(VideoError, match=r"a\.png: is no picture") as caught:
        read_picture(tmp_path / "a.png")
    assert "\n" not in str(caught.value)
    with pytest.raises(VideoError, match=r"b\.png: no such file"):
        read_picture(tmp_path / "b.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_half_a_picture_is_no_source_either(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    assert probe(tmp_path / name).width == 64
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match=f"{name}: is no picture, or a damaged one"):
        probe(tmp_path / name)
