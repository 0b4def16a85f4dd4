"""Programs that call the page, and what becomes of their files, with a quick stand-in for the transfer."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_app_jobs import command
from videos import numbered_frames, write_video

from stmt_tf.app.settings import AppConfig

client = pytest.importorskip("gradio_client")

FLAGS = 'pathlib.Path(flags["output"]).write_text(str(sorted(flags.items())))'


@pytest.fixture
def serve(monkeypatch):
    """A function that serves a page with this stand-in, until the test ends."""
    from stmt_tf.app.serve import served

    monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # restored afterwards
    with contextlib.ExitStack() as stack:

        def begin(last):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            return stack.enter_context(served(AppConfig(port=port), command(last)))

        yield begin


@pytest.fixture
def video(tmp_path):
    return str(write_video(tmp_path / "video.mp4", numbered_frames(8)))


def kept(folder):
    """Files that the page keeps of jobs or uploads."""
    scratch = Path(os.environ["GRADIO_TEMP_DIR"]).parent
    return [path for path in (scratch / folder).rglob("*") if path.is_file()]


def wait_until(condition):
    while not condition():
        time.sleep(0.05)


@pytest.mark.parametrize("several", [False, True])
def test_a_source_is_a_file_or_several_photos(serve, video, tmp_path, several):
    program = client.Client(serve(FLAGS), verbose=False, download_files=str(tmp_path / "downloads"))
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((32, 32, 3), np.uint8))
    source = [client.handle_file(str(photo))] * 2 if several else client.handle_file(video)
    made, *_ = program.predict(source=source, target=client.handle_file(video), fps=30, api_name="/transfer")
    flags = Path(made).read_text()
    assert "('fps', '30')" in flags and ("source/video.mp4'" in flags) != several and ("/source'" in flags) == several
    program.close()
    wait_until(lambda: not kept("jobs") and not kept("uploads"))
