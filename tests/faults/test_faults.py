"""Short campaigns of faults; the long ones are `python tests/faults/campaign.py` and `fuzz.py`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.campaign import EPOCH, full, prepare, terminated

FUZZ = Path(__file__).with_name("fuzz.py")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow_addons") is None, reason="takes minutes; one line is enough")
def test_a_training_survives_what_hits_it(tmp_path):
    new, whole = prepare(tmp_path, epochs=8)
    # A kill, damaged checkpoints and damaged records have tests of their own.
    results = [terminated(new, whole, 1)]
    if os.geteuid() == 0:  # it needs a file system of its own
        results.append(full(new, whole))
    for result in results:
        assert result.survived == result.tried and 0 <= result.lost <= EPOCH, result


def test_readers_take_or_refuse_whatever_they_are_fed(tmp_path):
    # In a process of its own, whose memory is limited. The long run has a hundred times as many inputs.
    done = subprocess.run([sys.executable, str(FUZZ), "--inputs=1000"], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == 9, done.stdout
