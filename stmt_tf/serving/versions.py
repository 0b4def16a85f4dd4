"""Directories of numbered versions, as a model server watches them.

    my_model/1/  my_model/2/ ...   each a model directory, complete from the moment that it has its number
    my_model/models.config         what the model server is started with

What takes a model directory takes `my_model` too, for its highest version.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
from collections.abc import Iterator

from stmt_tf.files import whole_file
from stmt_tf.models.versions import versions

SERVER_CONFIG = "models.config"
_SERVED_FROM = "/models"  # where the model server's container has its models

_CONFIG_TEXT = """\
model_config_list {{
  config {{
    name: "{name}"
    base_path: "{root}/{name}"
    model_platform: "tensorflow"
  }}
}}
"""


def model_name(directory: str) -> str:
    """What a model server calls the model of a directory of versions."""
    return os.path.basename(os.path.abspath(directory))


@dataclasses.dataclass
class Version:
    """A version in the making.

    Attributes:
        path: of its directory, which has a hidden name until it is whole.
    """

    path: str


@contextlib.contextmanager
def new_version(directory: str) -> Iterator[Version]:
    """Yields a version whose directory is to be made; at the block's end it becomes the next one.

    A model server, which looks for numbers alone, never sees it unfinished. On any exception nothing is left.

    Raises:
        FileExistsError: `directory` is a file, or is itself a model.
    """
    require_room(directory)
    created = not os.path.isdir(directory)
    os.makedirs(directory, exist_ok=True)
    version = Version(os.path.join(directory, f".writing-{secrets.token_hex(4)}"))
    try:
        yield version
        with contextlib.ExitStack() as stack:
            server_config = os.path.join(directory, SERVER_CONFIG)
            if not os.path.exists(server_config):  # else it is the user's own by now
                path = stack.enter_context(whole_file(server_config))
                path.write_text(_CONFIG_TEXT.format(name=model_name(directory), root=_SERVED_FROM))
            version.path = _rename_to_next(version.path, directory)
    except BaseException:
        shutil.rmtree(version.path, ignore_errors=True)
        if created:
            with contextlib.suppress(OSError):  # not empty: another export writes there too
                os.rmdir(directory)
        raise


def require_room(directory: str) -> None:
    """Raises FileExistsError if versions cannot lie in a directory: it is a file, or itself a model."""
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise FileExistsError(f"{directory} is a file: give another directory")
    if os.path.exists(os.path.join(directory, "saved_model.pb")):
        raise FileExistsError(f"{directory} is itself a model, versions cannot lie in it: give another directory")


def _rename_to_next(hidden: str, directory: str) -> str:
    number, _ = max(versions(directory), default=(0, ""))
    while True:
        number += 1
        path = os.path.join(directory, str(number))
        try:
            os.rename(hidden, path)
            return path
        except OSError:
            # Another export may have taken the number since; a directory that holds something is not replaced.
            if not os.path.exists(path):
                raise
