"""What was measured so far, kept in files, so that an interrupted evaluation goes on where it was.

One file a pair, whole or not there at all, in a directory whose name holds a hash of all that the results depend on:
another evaluation never takes them for its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from stmt_tf.files import whole_file

_PREFIX = "progress-"
_FORGOTTEN = 7 * 24 * 3600.0  # seconds after which nobody goes on with an evaluation


@dataclasses.dataclass(frozen=True)
class Measured:
    """The results of one pair.

    Attributes:
        rows: one a method, of text and numbers.
        features: of its videos, float32 `[D]` by method and output of the network; empty without one.
        pictures: images uint8 `[H, W, 3]` by label, of pairs that are shown; else empty.
        attention: the same of the attention sheet.
    """

    rows: list[dict[str, Any]]
    features: dict[str, dict[str, np.ndarray]] = dataclasses.field(default_factory=dict)
    pictures: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    attention: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


class KeptResults:
    """The results of the pairs so far.

    Args:
        output: the directory of the evaluation's results.
        settings: all that these depend on, as JSON can say it.
    """

    def __init__(self, output: str, settings: Any):
        text = json.dumps(settings, sort_keys=True)
        self._output = Path(output)
        self._directory = self._output / (_PREFIX + hashlib.sha256(text.encode()).hexdigest()[:16])

    def read(self, number: int) -> Measured | None:
        """The results of a pair; None where there are none, or none that can be read."""
        try:
            with np.load(self._path(number), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            measured = Measured(json.loads(str(arrays.pop("rows"))))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        for name, array in arrays.items():
            kind, first, second = name.split("|")
            if kind == "features":
                measured.features.setdefault(first, {})[second] = array
            else:
                getattr(measured, kind)[first] = array
        return measured

    def write(self, number: int, measured: Measured) -> None:
        """Keeps the results of a pair.

        Raises:
            OSError: the directory cannot be written.
        """
        arrays = {f"features|{a}|{b}": x for a, by_output in measured.features.items() for b, x in by_output.items()}
        for kind in ("pictures", "attention"):
            arrays.update({f"{kind}|{label}|": image for label, image in getattr(measured, kind).items()})
        self._directory.mkdir(parents=True, exist_ok=True)
        with whole_file(self._path(number)) as hidden, open(hidden, "wb") as file:
            np.savez(file, rows=np.array(json.dumps(measured.rows)), **arrays)

    def clear(self) -> None:
        """Removes what is kept, and what other evaluations in the output directory left there a week ago or more."""
        for directory in self._output.glob(f"{_PREFIX}*"):
            if directory == self._directory or time.time() - directory.stat().st_mtime > _FORGOTTEN:
                shutil.rmtree(directory, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:05d}.npz"


def states(path: str) -> list[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of all files in a directory: whether it is still the same."""
    files = [path] if os.path.isfile(path) else sorted(str(p) for p in Path(path).rglob("*") if p.is_file())
    return [(name, os.stat(name).st_size, os.stat(name).st_mtime_ns) for name in files]
