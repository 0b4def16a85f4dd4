"""Settings by keyword: what is taken, and what is told of the rest."""

from pathlib import Path

import numpy as np
import pytest

from stmt_tf.transfer.keywords import TO_PERFORM, TO_PREPARE, TO_TRANSFER, as_config
from stmt_tf.transfer.settings import TransferConfig


def test_paths_and_numbers_of_any_kind_are_taken_and_none_is_the_default():
    settings = {"source": Path("a.mp4"), "seed": np.int64(3), "personalize": 2, "background": None, "max_size": None}
    assert as_config(settings, TO_TRANSFER) == TransferConfig(source="a.mp4", seed=3, personalize=2.0)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"backgroud": None}, "no setting is called 'backgroud'; did you mean background\\?"),
        ({"x": 1}, "no setting is called 'x'; `python -m stmt_tf.transfer --help` lists all"),
        ({"num_source_frames": "8"}, "num_source_frames must be a whole number, got '8'"),
        ({"num_source_frames": 2.5}, "num_source_frames must be a whole number, got 2.5"),
        ({"personalize": "3"}, "personalize must be a number, got '3'"),
        ({"held_objects": "no"}, "held_objects must be True or False, got 'no'"),
        ({"source": np.zeros((2, 2, 3))}, r"source must be a path or text, got array\(\[.*\)$"),
    ],
)
def test_what_is_no_setting_or_of_another_type_is_told_in_one_line(settings, complaint):
    with pytest.raises(TypeError, match=complaint) as told:
        as_config(settings, TO_TRANSFER)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "taken", "elsewhere"),
    [
        ("model", TO_TRANSFER, "MotionTransfer.from_pretrained"),
        ("model", TO_PERFORM, "MotionTransfer.from_pretrained"),
        ("live", TO_TRANSFER, "MotionTransfer.live"),
        ("output", TO_PREPARE, "the transfer"),
    ],
)
def test_what_has_no_effect_is_refused(name, taken, elsewhere):
    with pytest.raises(ValueError, match=f"^{name}: has no effect here; give it to {elsewhere}$"):
        as_config({name: "a"}, taken)


def test_a_value_that_is_no_choice_is_told():
    with pytest.raises(ValueError, match="--layout must be one of"):
        as_config({"layout": "round"}, TO_TRANSFER)
