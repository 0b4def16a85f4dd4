"""Files that appear under their names when they are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Union

PathLike = Union[str, "os.PathLike[str]"]


@contextlib.contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Yields a hidden path beside `path`; what the block writes there is renamed to `path` at its end.

    On any exception, an interrupt from the keyboard included, the hidden file is removed, and
    `path` is as it was.
    """
    hidden = hidden_beside(path)
    try:
        yield hidden
        os.replace(hidden, path)
    finally:
        hidden.unlink(missing_ok=True)


def hidden_beside(path: PathLike) -> Path:
    """A new name in the directory of `path`, with its extension."""
    path = Path(path)
    return path.with_name(f".{secrets.token_hex(4)}.part{path.suffix}")
