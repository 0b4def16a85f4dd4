"""Directories of numbered versions of a model: my_model/1, my_model/2, ... (see `stmt_tf.serving.versions`)."""

from __future__ import annotations

import os


def newest(directory: str) -> str:
    """The highest version in a directory of versions; any other directory as it is."""
    found = versions(directory)
    return os.path.join(directory, max(found)[1]) if found else directory


def versions(directory: str) -> list[tuple[int, str]]:
    """Numbers and names, such as 3 and 0003, in no order; empty if there is no such directory."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return [(int(name), name) for name in names if name.isdecimal() and os.path.isdir(os.path.join(directory, name))]
