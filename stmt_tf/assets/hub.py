"""Modules of TensorFlow Hub, by the Hub's own client and through its own cache."""

from __future__ import annotations

import dataclasses
import shutil
import socket
from pathlib import Path

from stmt_tf.assets.package_index import DownloadError
from stmt_tf.files import whole_directory

_PATIENCE = 30.0  # seconds without an answer, or without a byte


@dataclasses.dataclass(frozen=True)
class Module:
    """A module: its handle on the Hub, and the name of its directory in the cache of assets."""

    handle: str
    directory: str


def fetch_module(module: Module, directory: Path) -> None:
    """Writes the module's SavedModel directory, whole or not at all.

    Raises:
        DownloadError: the Hub cannot be reached, has no such module, or its client is not installed.
        OSError: the directory cannot be written.
    """
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)  # the client itself has none
    try:
        import tensorflow_hub

        found = tensorflow_hub.resolve(module.handle)
    except Exception as error:  # the client meets the network, the file system and others' archives
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise DownloadError(f"{module.handle}: {reason}") from error
    finally:
        socket.setdefaulttimeout(patience)
    with whole_directory(directory) as hidden:
        shutil.copytree(found, hidden)
