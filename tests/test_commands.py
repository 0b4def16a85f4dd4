"""Every command: its help, before anything slow is loaded."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stmt_tf.__main__ import COMMANDS

ROOT = Path(__file__).parent.parent
BENCHMARKS = [
    f"benchmarks.{path.stem}" for path in sorted((ROOT / "benchmarks").glob("*.py")) if "flags.run(" in path.read_text()
]
MODULES = ["stmt_tf", *COMMANDS.values(), "stmt_tf.study.build", "stmt_tf.study.tally", *BENCHMARKS]
# Each takes a good part of a second to load, TensorFlow many.
HEAVY = ("tensorflow", "keras", "mediapipe", "cv2", "av", "matplotlib", "gradio", "apache_beam", "onnx")
HELP = """
import json, runpy, sys
module = sys.argv[1]
sys.argv = [module, "--help"]
status = None
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as end:
    status = end.code
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize("module", MODULES)
def test_help_of_every_command_ends_with_status_0_and_loads_nothing_heavy(module):
    done = subprocess.run(
        [sys.executable, "-c", HELP, module], cwd=ROOT, capture_output=True, text=True, timeout=3600
    )
    status, modules = json.loads(done.stderr)
    assert not status and not set(HEAVY) & set(modules)
    assert "--help" in done.stdout and "--helpfull" not in done.stdout
    assert 20 < len(done.stdout.splitlines()[0]) <= 120  # what it does


def test_every_command_can_be_chosen():
    doors = {path.parent.name for path in (ROOT / "stmt_tf").glob("*/__main__.py")}
    tools = {path.stem for path in (ROOT / "tfrecords_tools").glob("*.py") if "flags.run(" in path.read_text()}
    assert doors | tools == set(COMMANDS)
    assert all(importlib.util.find_spec(module) for module in COMMANDS.values())


def test_a_chosen_command_tells_of_its_own_flags():
    done = subprocess.run(
        [sys.executable, "-m", "stmt_tf", "transfer", "--sorce=a.mp4"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("transfer: Unknown command line flag 'sorce'. Did you mean: source")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["app", "evaluate", "export", "personalize", "train"])
def test_a_mistyped_flag_is_one_line(name):
    command = [sys.executable, "-m", f"stmt_tf.{name}", "--none"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"{name}: Unknown command line flag 'none'")
