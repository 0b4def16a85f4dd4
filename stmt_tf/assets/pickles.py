"""Pickled arrays of others, read without running the programs that pickles are."""

from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np

from stmt_tf.assets.catalogue import AssetError


def load_pickle(path: str | os.PathLike[str]) -> Any:
    """Unpickles NumPy arrays, numbers, strings, lists, tuples and dicts; refuses anything else.

    Raises:
        AssetError: the file cannot be read, is no pickle, or names another class or function.
    """
    try:
        with open(path, "rb") as file:
            return _ArrayUnpickler(file).load()
    except OSError as error:
        raise AssetError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # a damaged pickle may raise nearly anything
        raise AssetError(f"{path} does not hold plain pickled arrays: {error}") from error


class _ArrayUnpickler(pickle.Unpickler):
    """Refuses whatever else a pickle may call, since a pickle is a program."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" in {"numpy.ndarray", "numpy.dtype"}:
            return super().find_class(module, name)
        if name == "_reconstruct" and module in {
            "numpy.core.multiarray",  # NumPy 1
            "numpy._core.multiarray",  # NumPy 2
        }:
            return np.ndarray.__reduce__(np.empty(0))[0]
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
