"""The Beam pipeline makes what the local tool makes, byte for byte, with several workers."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from made_videos import add_video, configure

from tfrecords_tools import create_clips as tool

# Not imported here: that takes seconds in each process that collects the tests.
needs_beam = pytest.mark.skipif(importlib.util.find_spec("apache_beam") is None, reason="needs apache-beam")
pytestmark = [needs_beam, pytest.mark.slow]


def run(config, settings, **others):
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    flags = {"videos": config.videos, "output": config.output, "shard_megabytes": config.shard_megabytes, **values}
    command = [sys.executable, "-m", "tfrecords_tools.beam_clips"]
    command += [f"--{name}={value}" for name, value in {**flags, **others}.items()]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path):
    """Three videos, one in a directory of its own and of two shards, and one that is none."""
    add_video(tmp_path, "a.mp4")
    add_video(tmp_path, "b/c.mp4", steps=64)
    add_video(tmp_path, "d.mp4", steps=40)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    return tmp_path


def test_several_workers_make_the_files_of_the_local_tool(folder):
    config, settings = configure(folder, seconds=1.2, shard_megabytes=0.01)
    tool.create_clips(config, settings)
    local = contents(folder / "records")
    assert sum(name.endswith(".tfrecord") for name in local) == 4
    (folder / "records").rename(folder / "local")

    workers = {"direct_num_workers": 2, "direct_running_mode": "multi_processing"}
    done = run(config, settings, **workers)
    assert done.returncode == 1 and "skipped: broken.mp4: " in done.stdout, done.stderr
    assert contents(folder / "records") == local

    # Again: what is there is left alone, what is gone is made anew.
    record = next((folder / "records").glob("*-b_c*-00.tfrecord"))
    record.unlink()
    (folder / "records" / record.name.replace("-00", "-07")).write_bytes(b"of an earlier try")
    kept = {path: path.stat().st_mtime_ns for path in (folder / "records").glob("*.tfrecord") if path != record}
    done = run(config, settings)
    assert contents(folder / "records") == local, done.stderr
    assert {path: path.stat().st_mtime_ns for path in kept if "b_c" not in path.name} == {
        path: time for path, time in kept.items() if "b_c" not in path.name
    }


def test_flags_that_nobody_knows_are_refused_before_anything_is_done(folder):
    config, settings = configure(folder)
    done = run(config, settings, max_camra=0.1, direct_num_workers=2)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and last.startswith("beam_clips: neither this command nor Beam knows --max_camra=0.1 (")
    assert not (folder / "records").exists()


def test_what_cannot_work_is_told_in_the_last_line(tmp_path):
    command = [sys.executable, "-m", "tfrecords_tools.beam_clips", f"--videos={tmp_path}", f"--output={tmp_path / 'o'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("beam_clips: no videos below ")
    assert not (tmp_path / "o").exists()
