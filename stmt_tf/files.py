"""Files that appear under their names when they are complete, and files that come with the package."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Union

PathLike = Union[str, "os.PathLike[str]"]
_BLOCK = 1 << 20  # bytes
_hidden: set[Path] = set()


def sha256_of(path: PathLike) -> str:
    """The SHA-256 of a local file's content, in hexadecimal; raises OSError if it cannot be read."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


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


@contextlib.contextmanager
def folders_of(paths: Iterable[PathLike]) -> Iterator[None]:
    """Makes the missing directories that files of these paths lie in; on any exception those that are empty go again.

    Raises:
        OSError: one cannot be made.
    """
    missing = {folder for path in paths for folder in Path(path).absolute().parents if not folder.exists()}
    try:
        for folder in sorted(missing):  # each before what lies in it
            folder.mkdir(exist_ok=True)
        yield
    except BaseException:
        for folder in sorted(missing, reverse=True):
            with contextlib.suppress(OSError):  # one that holds something stays
                folder.rmdir()
        raise


@contextlib.contextmanager
def whole_directory(path: PathLike) -> Iterator[Path]:
    """Yields a path for the block to make a directory at, which is renamed to `path` at its end.

    If another process makes `path` meanwhile, that one stays.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        hidden = Path(scratch) / path.name
        yield hidden
        try:
            os.rename(hidden, path)
        except OSError:
            if not path.is_dir():
                raise


def hidden_beside(path: PathLike) -> Path:
    """A new name in the directory of `path`, with its extension. A file of that name goes with the process.

    An interrupt can come between the making of a file and the block that removes it.
    """
    path = Path(path).absolute()
    hidden = path.with_name(f".{secrets.token_hex(4)}.part{path.suffix}")
    _hidden.add(hidden)
    return hidden


@atexit.register
def _remove_hidden() -> None:
    for path in _hidden:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def shipped(name: str) -> Path:
    """The path of what comes with the package, such as configs/rb6.flags; it need not exist.

    It lies at the top of a clone, and inside the package where that was installed.
    """
    package = Path(__file__).parent
    return package / name if (package / name).exists() else package.parent / name
