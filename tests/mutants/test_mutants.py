"""Every tenth breakage of what the paper fixes is found; all: `python tests/mutants/breakages.py`."""

import pytest
from mutants.breakages import MUTANTS, ROOT, killer


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_what_is_to_be_broken_stands_in_the_code_once(mutant):
    assert (ROOT / mutant.path).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS[::10], ids=lambda mutant: mutant.what)
def test_breakages_are_found(mutant):
    assert killer(mutant)
