"""A short campaign of faults; the long one is `python tests/faults/campaign.py`."""

from __future__ import annotations

import pytest
from faults.campaign import EPOCH, campaign


@pytest.mark.slow
def test_a_training_survives_what_hits_it(tmp_path):
    for result in campaign(tmp_path, kills=2, times=2):
        assert result.survived == result.tried and 0 <= result.lost <= EPOCH, result
