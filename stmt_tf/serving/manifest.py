"""`model.json`, which marks a model directory and tells its model's shape; read without TensorFlow."""

from __future__ import annotations

import dataclasses
import json
import os

from stmt_tf.config import ModelConfig

MANIFEST = "model.json"
_FORMAT = "stmt_tf model 1"


class ModelError(ValueError):
    """A directory is not a model of this package."""


def write_manifest(directory: str, config: ModelConfig, num_source_frames: int | None) -> None:
    """Writes the model's config, and K if its attention was built for one, into its directory."""
    manifest = {"format": _FORMAT, "num_source_frames": num_source_frames, "model": dataclasses.asdict(config)}
    with open(os.path.join(directory, MANIFEST), "w") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")


def read_manifest(directory: str) -> tuple[ModelConfig, int | None]:
    """What `write_manifest` wrote.

    Raises:
        ModelError: there is no such directory, no manifest in it, or one of another version.
    """
    if not os.path.isdir(directory):
        raise ModelError(f"{directory}: no such model directory. Check the path")
    path = os.path.join(directory, MANIFEST)
    try:
        with open(path) as file:
            manifest = json.load(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"{directory}: not a model directory, its {MANIFEST} cannot be read ({reason}). "
            "Make one with `python -m stmt_tf.export`"
        ) from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise ModelError(f"{path}: lacks format {_FORMAT!r}, so the model is of another version. Export it again")
    try:
        return ModelConfig(**manifest["model"]), manifest["num_source_frames"]
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: describes no model of this version ({error}). Export it again") from error
