"""Files that appear under their names when they are complete, and the error of this package."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Union

PathLike = Union[str, "os.PathLike[str]"]


class VideoError(Exception):
    """A video or picture cannot be read or written.

    The message is one line: the path, what is wrong, what to do.
    """


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


def check_writable(path: PathLike) -> None:
    """Raises VideoError if a file cannot be written to `path`; worth calling before hours of work."""
    path = Path(path)
    if path.is_dir():
        raise VideoError(f"{path}: is a directory. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise VideoError(f"{path}: {path.parent} is not a directory. Create it first.")
    trial = hidden_beside(path)
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise VideoError(
            f"{path}: {path.parent} cannot be written ({error.strerror}). Choose another directory."
        ) from error


def hidden_beside(path: PathLike) -> Path:
    """A new name in the directory of `path`, with its extension."""
    path = Path(path)
    return path.with_name(f".{secrets.token_hex(4)}.part{path.suffix}")
