"""Settings of a transfer as the Python door takes them, by keyword."""

from __future__ import annotations

import dataclasses
import difflib
import numbers
import os
import reprlib
from collections.abc import Collection, Mapping
from typing import get_type_hints

from stmt_tf.transfer.settings import TransferConfig

_NAMES = frozenset(field.name for field in dataclasses.fields(TransferConfig))
# What belongs to a source, and so cannot change once it is prepared.
OF_SOURCE = frozenset(
    {
        "num_source_frames", "source_selection", "seed", "source_poses", "save_source_poses", "source_mattes",
        "source_start", "source_end", "source_person", "held_objects",
    }  # fmt: skip
)
TO_PREPARE = OF_SOURCE | {"source", "pose", "pose_model", "pose_cache", "max_size"}
TO_FIND_PEOPLE = frozenset(
    {
        "source", "target", "people", "source_start", "source_end", "start", "end", "pose", "pose_model",
        "pose_cache", "source_poses", "target_poses",
    }  # fmt: skip
)
TO_TRANSFER = _NAMES - {"model", "live"}
TO_PERFORM = _NAMES - {"model"}

_ELSEWHERE = {"model": "MotionTransfer.from_pretrained", "live": "MotionTransfer.live"}
_KINDS = {
    str: (str, "a path or text"),
    bool: (bool, "True or False"),
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
}


def as_config(settings: Mapping[str, object], taken: Collection[str]) -> TransferConfig:
    """The settings that keyword arguments give.

    Args:
        settings: values by the settings' names; paths may be of any kind, and None is the default.
        taken: the names of those that have an effect where they are given.

    Raises:
        TypeError: there is no such setting, or its value is of another type.
        ValueError: a setting has no effect here, has no such value, or does not go with another.
    """
    kinds, given = get_type_hints(TransferConfig), {}
    for name, value in settings.items():
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, 1)
            meant = f"did you mean {near[0]}?" if near else "`python -m stmt_tf.transfer --help` lists all"
            raise TypeError(f"no setting is called {name!r}; {meant}")
        if name not in taken:
            raise ValueError(f"{name}: has no effect here; give it to {_ELSEWHERE.get(name, 'the transfer')}")
        if value is None:
            continue
        value = os.fspath(value) if isinstance(value, os.PathLike) else value
        kind, called = _KINDS[kinds[name]]
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {called}, got {' '.join(reprlib.repr(value).split())}")
        given[name] = value
    return TransferConfig(**given)
