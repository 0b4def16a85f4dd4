"""A model's weights as a file that both TensorFlow lines read: Keras 2's own weights files do not load in Keras 3.

An .npz archive of one array for each variable, in the order of `model.weights`, which is the same on both lines; its
names are the variable's number and its path. Reading it runs no code from it.
"""

from __future__ import annotations

import zipfile
import zlib

import numpy as np
import tensorflow as tf

from stmt_tf.files import whole_file

# What NumPy and the zip archive within raise over what is not what they wrote.
_DAMAGE = (
    EOFError, KeyError, MemoryError, NotImplementedError, OSError, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def save_weights(model: tf.keras.Model, path: str) -> None:
    """Writes all weights of a built model; the file, whose name ends in .npz, appears when it is complete.

    Raises:
        OSError: it cannot be written.
    """
    values = zip(model.weights, model.get_weights())
    arrays = {f"{i:04d} {_path(variable)}": value for i, (variable, value) in enumerate(values)}
    with whole_file(path) as hidden:
        np.savez(hidden, **arrays)


def load_weights(model: tf.keras.Model, path: str) -> None:
    """Gives a built model the weights of a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no file of weights, or is another model's.
    """
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = [archive[name] for name in sorted(archive.files)]
        except _DAMAGE as error:
            raise ValueError(f"{path}: is no sound file of weights ({error})") from error
    found, wanted = [x.shape for x in arrays], [tuple(v.shape) for v in model.weights]
    if found != wanted:
        raise ValueError(
            f"{path}: holds another model's weights: {len(found)} arrays of {sum(map(np.size, arrays))} numbers, where "
            f"this model has {len(wanted)} of {sum(int(np.prod(shape)) for shape in wanted)}"
        )
    model.set_weights(arrays)


def _path(variable) -> str:
    """Where in the model it is, as far as the names of its layers tell."""
    return getattr(variable, "path", variable.name).removesuffix(":0")
