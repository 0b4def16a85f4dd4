"""Every tenth breakage of what the paper fixes is found; all: `python tests/mutants/breakages.py`."""

import subprocess
import sys

import pytest
from mutants import breakages
from mutants.breakages import MUTANTS, ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_what_is_to_be_broken_stands_in_the_code_once(mutant):
    assert (ROOT / mutant.path).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old


@pytest.mark.slow
def test_breakages_are_found():
    numbers = list(map(str, range(0, len(MUTANTS), 10)))
    done = subprocess.run([sys.executable, breakages.__file__, *numbers], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(numbers)
