"""A page with whole transfers behind it, and two videos for it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from tiny_model import model_directory
from transfers import save, write_poses

from dancers import render_video
from stmt_tf.app.settings import AppConfig

SIZE, LENGTH = 64, 9


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    dancers = {name: render_video(3, index, SIZE, LENGTH, 12.5) for name, index in (("source", 1), ("target", 5))}
    for name, video in dancers.items():
        save(folder / f"{name}.mp4", video, fps=12.5)
        write_poses(folder / f"{name}.json", video.joints)
    return folder


@pytest.fixture(scope="module")
def address(videos):
    from stmt_tf.app.serve import served

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    poses = [f"--{name}_poses={videos / name}.json" for name in ("source", "target")]
    flags = [f"--model={model_directory()}", "--pose=alphapose", "--num_source_frames=3", *poses]
    with served(AppConfig(port=port, max_seconds=5), [sys.executable, "-m", "stmt_tf.transfer", *flags]) as address:
        scratch = Path(os.environ["GRADIO_TEMP_DIR"]).parent
        yield address
    assert not scratch.exists()


@pytest.fixture
def kept(address):
    """A function that gives all that the page keeps of its visitors."""
    scratch = Path(os.environ["GRADIO_TEMP_DIR"]).parent
    return lambda: [Path(folder) / name for folder, _, names in os.walk(scratch) for name in names]
