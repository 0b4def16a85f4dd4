"""Models by what people call them: a preset's name, a directory, an archive, its URL, a handle of TensorFlow Hub.

The folder:

    presets     the models that have a name
    archive     a model directory as one file, checked file by file
    remote      archives of a URL, and handles of TensorFlow Hub
"""

from __future__ import annotations

import os

from stmt_tf.files import shipped
from stmt_tf.serving.manifest import ModelError
from stmt_tf.zoo.archive import unpacked
from stmt_tf.zoo.presets import DEFAULT, PRESETS, Preset
from stmt_tf.zoo.remote import fetch

__all__ = ["DEFAULT", "PRESETS", "Preset", "find_model"]


def find_model(model: str | os.PathLike = "") -> str:
    """Returns the model directory, or directory of versions, that `--model` and `from_pretrained` mean.

    Args:
        model: in this order: a directory; the name of a preset; a URL (an archive's ends in .tar.gz and may end in
            #sha256=HEX, any other is a handle of TensorFlow Hub); an archive's path. Empty: the shipped model.

    Raises:
        ModelError: it is none of these, cannot be had, or is not what its checksums say.
    """
    name = os.fspath(model)
    if not name:
        return _of_preset(PRESETS[DEFAULT])
    if os.path.isdir(name):
        return name
    if name in PRESETS:
        return _of_preset(PRESETS[name])
    if "://" in name:
        return fetch(name)
    if os.path.isfile(name):
        return unpacked(name)
    raise ModelError(
        f"{name}: not a model directory, an archive or a URL, and no model has this name (there are: "
        f"{', '.join(PRESETS)}). Check the path"
    )


def _of_preset(preset: Preset) -> str:
    return fetch(f"{preset.place}#sha256={preset.sha256}") if "://" in preset.place else str(shipped(preset.place))
