"""The settings of a set of records, kept beside them, so that a set is never mixed from two."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from stmt_tf.files import whole_file


def check_settings(path: str, asked: Mapping[str, object], original: str = "") -> None:
    """Writes the settings of a new set as JSON, or compares them with what is there.

    Args:
        path: the file, in the directory of the records.
        asked: what decides the content of the records, by the names of its flags.
        original: of which `path` is a copy, if it is one; it is named in errors.

    Raises:
        ValueError: the file tells of other settings, or is damaged.
        OSError: it cannot be read or written.
    """
    if not os.path.exists(path):
        with whole_file(path) as hidden:
            hidden.write_text(json.dumps(asked, indent=2))
        return
    with open(path) as file:
        try:
            found = dict(json.load(file))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{original or path} is damaged: choose another --output, or remove it") from error
    differences = [f"{k} {found.get(k)} there, {asked[k]} asked for" for k in asked if found.get(k) != asked[k]]
    if differences:
        raise ValueError(
            f"{original or path} tells of other records ({'; '.join(differences)}): choose another --output"
        )
