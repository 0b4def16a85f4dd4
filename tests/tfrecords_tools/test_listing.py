"""Which videos are found below a directory: all that can be read, each once, and nothing left out without a word."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import odd_videos
import pytest
import videos
from made_videos import add_video, configure
from PIL import Image

from tfrecords_tools import create_clips as tool
from tfrecords_tools.clips import listing, store


@pytest.fixture(autouse=True)
def told(caplog):
    caplog.set_level("INFO", logger="absl")
    return lambda: [record.getMessage() for record in caplog.records]


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def nothing_done(name):
    return False


def test_videos_are_found_below_the_directory(tmp_path, told):
    touch(tmp_path, "b.MOV", "a/c.mp4", "._b.mov", "notes.txt", "a/d.json", "README")
    touch(tmp_path, "e.m2ts", "f.3gp", "g.vob", "h.flv")
    (tmp_path / "folder.mp4").mkdir()
    assert listing.find_videos(str(tmp_path)) == ["a/c.mp4", "b.MOV", "e.m2ts", "f.3gp", "g.vob", "h.flv"]
    assert told() == [f"{tmp_path}: 3 files are no videos (1 .json, 1 .txt, 1 without an ending)"]


@pytest.mark.parametrize(
    ("container", "codec", "size"),
    [
        ("mp4", "libx264", (64, 48)), ("mpegts", "libx264", (64, 48)), ("flv", "flv", (64, 48)),
        ("vob", "mpeg2video", (64, 48)), ("3gp", "h263", (176, 144)), ("matroska", "ffv1", (64, 48)),
        ("gif", "gif", (64, 48)),
    ],
)  # fmt: skip
def test_what_can_be_read_is_a_video_whatever_its_name(tmp_path, container, codec, size):
    pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
    images = odd_videos.pictures(5, *size)
    odd_videos.write(tmp_path / "recording", 5, codec, None, images=images, container=container, pix_fmt=pix_fmt)
    assert listing.find_videos(str(tmp_path)) == ["recording"]


def test_pictures_sound_and_text_are_no_videos(tmp_path, told):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "c.webp")
    videos.write_audio(tmp_path / "d.mp3", "libmp3lame", 0.2)
    (tmp_path / "e.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    (tmp_path / "f.nfo").write_text("\x1b[1mhello\x1b[0m\n" * 20)
    (tmp_path / "g.flo").write_bytes(b"PIEH" + bytes(100))
    os.mkfifo(tmp_path / "pipe")
    assert listing.find_videos(str(tmp_path)) == []
    assert told()[0].startswith(f"{tmp_path}: 8 files are no videos")


def test_links_are_followed_and_lead_in_no_circle(tmp_path, told):
    touch(tmp_path, "set/a/x.mp4", "set/b.mp4", "elsewhere/y.mp4")
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "a" / "up").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert listing.find_videos(str(tmp_path / "set")) == ["a/x.mp4", "b.mp4", "gone.mp4", "linked/y.mp4"]


def test_copies_and_links_of_one_video_are_one(tmp_path, told):
    folder = tmp_path / "set"
    (folder / "z").mkdir(parents=True)
    video = Path(odd_videos.write(folder / "z" / "video.mp4", 5))
    shutil.copy(video, folder / "z" / "copy.mov")
    os.link(video, folder / "z" / "hard.mp4")
    (folder / "b.mp4").symlink_to(video)
    (folder / "a").symlink_to(folder / "z")
    other = bytearray(video.read_bytes())
    other[-1] ^= 1
    (folder / "other.mp4").write_bytes(other)
    names = listing.find_videos(str(folder))
    assert len(names) == 8
    # One that no link leads to; or one that was made before, so that it keeps its split.
    assert listing.without_copies(str(folder), names, nothing_done) == ["other.mp4", "z/copy.mov"]
    assert "b.mp4 is left out, since it is the same video as z/copy.mov" in told()
    assert listing.without_copies(str(folder), names, "z/hard.mp4".__eq__) == ["other.mp4", "z/hard.mp4"]


def test_empty_files_are_no_copies(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    assert listing.without_copies(str(tmp_path), ["a.mp4", "b.mp4"], nothing_done) == ["a.mp4", "b.mp4"]


def test_a_copy_makes_no_records_and_leaves_those_of_its_video(tmp_path, told):
    path = add_video(tmp_path, "b.mp4")
    assert [entry["video_id"] for entry in tool.create_clips(*configure(tmp_path))] == ["b.mp4"]
    shutil.copy(path, path.with_name("a.mp4"))
    (path.parent / "linked").symlink_to(path.parent)
    (path.parent / "c.mkv").symlink_to(path)
    assert tool.create_clips(*configure(tmp_path)) == []
    assert [entry["video_id"] for entry in store.read_entries(str(tmp_path / "records"))] == ["b.mp4"]
    assert "a.mp4 is left out, since it is the same video as b.mp4" in told()
