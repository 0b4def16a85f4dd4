"""What the examples tell where they cannot work; `test_serving` has them at work."""

from __future__ import annotations

import contextlib
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from words import own_lines

from stmt_tf.pose import tracks
from stmt_tf.video import reader

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("name", ["serve_rest", "serve_grpc"])
def test_no_server_is_one_line_and_leaves_no_folder(tmp_path, name):
    for joints in ("source_joints", "target_joints"):
        np.save(tmp_path / f"{joints}.npy", np.zeros((1, 14, 3), np.float32))
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        flags = "--model=tiny", f"--server={address}", f"--source={tmp_path}", f"--output={tmp_path / 'made'}"
        command = [sys.executable, str(EXAMPLES / f"{name}.py"), *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 1
    (told,) = own_lines(done.stderr)
    assert told.startswith(f"no answer from {address}") and told.endswith("Is the server running there?")
    assert not (tmp_path / "made").exists()


def test_the_directory_of_a_request_is_made_before_the_poses_are_looked_for(tmp_path, monkeypatch):
    class Estimating(Exception):
        pass

    def estimate(*_):
        assert (tmp_path / "new" / "request").is_dir()
        raise Estimating

    monkeypatch.setattr(tracks, "estimate_tracks", estimate)
    monkeypatch.setattr(reader, "probe", lambda path: None)
    used, taken = tmp_path / "used", tmp_path / "taken"
    used.mkdir()
    (used / "00.jpg").write_text("of another request")
    taken.write_text("a file")
    for output, error, told in (
        (tmp_path / "new" / "request", Estimating, ""),
        (tmp_path / "new" / "request", Estimating, ""),  # is empty: such a start stands in no other's way
        (used, SystemExit, "used: holds something already, give another --output"),
        (taken, SystemExit, "taken: cannot be made (File exists), give another --output"),
    ):
        arguments = ["make_request.py", "--source=a.mp4", "--target=b.mp4", f"--output={output}"]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(error) as caught:
            runpy.run_path(str(EXAMPLES / "make_request.py"))
        assert str(caught.value).endswith(told)


@pytest.mark.parametrize(
    ("name", "flags", "told"),
    [
        ("make_request", ("--source=gone.mp4", "--target=gone.mp4"), "gone.mp4: no such file. Check the path."),
        ("serve_rest", ("--model=tiny", "--source=gone"), "source_joints.npy: no such file. Make the request"),
        (
            "substitution_figure",
            ("--people=gone.mp4", "--motions=gone.mp4", "--places=gone.jpg"),
            "substitution_figure: gone.mp4: no such file. Check the path.",
        ),
    ],
)
def test_a_missing_file_is_one_line_and_leaves_no_folder(tmp_path, monkeypatch, name, flags, told):
    monkeypatch.setattr(sys, "argv", [name, *flags, f"--output={tmp_path / 'made'}"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(EXAMPLES / f"{name}.py"))
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()


def test_a_model_that_is_none_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["loops", f"--output={tmp_path}", f"--model={tmp_path / 'none'}"])
    with pytest.raises(SystemExit, match="^loops: .*none") as caught:
        runpy.run_path(str(EXAMPLES / "loops.py"))
    assert "\n" not in str(caught.value)
