"""The error of this package, and the check that a file can be written."""

from __future__ import annotations

from pathlib import Path

from stmt_tf.files import PathLike, hidden_beside


class VideoError(Exception):
    """A video or picture cannot be read or written.

    The message is one line: the path, what is wrong, what to do.
    """


def check_writable(path: PathLike) -> None:
    """Raises VideoError if a file cannot be written to `path`; worth calling before hours of work."""
    path = Path(path)
    if path.is_dir():
        raise VideoError(f"{path}: is a directory. Give the name of a file in it.")
    if not path.parent.is_dir():
        if path.parent.exists():
            raise VideoError(f"{path}: {path.parent} is not a directory. Choose another directory.")
        raise VideoError(f"{path}: {path.parent} does not exist. Create it first.")
    trial = hidden_beside(path)
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise VideoError(
            f"{path}: {path.parent} cannot be written ({error.strerror}). Choose another directory."
        ) from error
