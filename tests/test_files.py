"""Files that are complete or not there."""

import os
import subprocess
import sys

import pytest

from stmt_tf.files import hidden_beside, whole_file


def test_a_file_appears_when_it_is_complete(tmp_path):
    with whole_file(tmp_path / "a.txt") as hidden:
        hidden.write_text("whole")
        assert not (tmp_path / "a.txt").exists() and hidden.suffix == ".txt"
    assert os.listdir(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "whole"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_is_as_it_was(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), whole_file(tmp_path / "a.txt") as hidden:
        hidden.write_text("half")
        raise error
    assert os.listdir(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_hidden_names_differ():
    assert hidden_beside("a.mp4") != hidden_beside("a.mp4")


def test_what_nobody_came_to_remove_goes_with_the_process(tmp_path):
    code = (
        "import os; from stmt_tf.files import hidden_beside\n"
        "for name in ('left.txt', 'done.txt'):\n"
        "    hidden_beside(name).write_text('')\n"
        "    path = hidden_beside(name); path.write_text(name)\n"
        "os.replace(path, name)\n"
        "os.chdir('/')\n"
        "raise KeyboardInterrupt"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()},
                          capture_output=True)
    assert done.returncode != 0 and os.listdir(tmp_path) == ["done.txt"]
