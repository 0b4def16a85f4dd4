"""The servable model: a SavedModel that needs nothing of this package to run.

A model directory holds `saved_model.pb`, `variables/` and `model.json` (the model's config and how it was made).
The SavedModel offers two functions, whose axes are B batch, K source frames, L target frames:

    encode_source(frames uint8 [B, K, H, W, 3], joints float32 [B, K, 14, 3]) -> source features, a dict
    generate(source, target_joints float32 [B, L, 14, 3]) -> dict of uint8 images, as in `TransferModel.generate`

and the signature `serving_default`, which is both in one.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from typing import Mapping

import numpy as np
import tensorflow as tf

from stmt_tf.config import ModelConfig
from stmt_tf.models.generator import Generator
from stmt_tf.pose.skeleton import NUM_JOINTS

MANIFEST = "model.json"
_FORMAT = "stmt_tf model 1"


class ModelError(ValueError):
    """A directory is not a model of ours."""


class _Servable(tf.Module):
    def __init__(self, generator: Generator):
        super().__init__()
        self._generator = generator
        size = generator.size
        frames = tf.TensorSpec([None, None, size, size, 3], tf.uint8, "source_frames")
        source_joints = tf.TensorSpec([None, None, NUM_JOINTS, 3], tf.float32, "source_joints")
        target_joints = tf.TensorSpec([None, None, NUM_JOINTS, 3], tf.float32, "target_joints")
        self.encode_source = tf.function(self._encode_source, [frames, source_joints])
        encoded = self.encode_source.get_concrete_function().structured_outputs
        source = {name: tf.TensorSpec(x.shape, x.dtype, name) for name, x in encoded.items()}
        self.generate = tf.function(self._generate, [source, target_joints])
        self.transfer = tf.function(self._transfer, [frames, source_joints, target_joints])

    def _encode_source(self, source_frames, source_joints):
        frames = tf.cast(source_frames, tf.float32) / 127.5 - 1.0
        return self._generator.encode_source(frames, source_joints)

    def _generate(self, source, target_joints):
        outputs = self._generator.generate(source, target_joints)
        mask = outputs.pop("mask")
        images = {name: _to_uint8(image / 2.0 + 0.5) for name, image in outputs.items()}
        return {**images, "mask": _to_uint8(mask)}

    def _transfer(self, source_frames, source_joints, target_joints):
        source = self._encode_source(source_frames, source_joints)
        return {"frame": self._generate(source, target_joints)["frame"]}


def _to_uint8(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(tf.clip_by_value(image, 0.0, 1.0) * 255.0), tf.uint8)


def save_model(generator: Generator, config: ModelConfig, directory: str) -> None:
    """Writes a model directory, whole or not at all.

    Raises:
        FileExistsError: the directory exists.
    """
    directory = directory.rstrip("/")
    if os.path.exists(directory):
        raise FileExistsError(f"{directory} exists: remove it first, or give another directory")
    temporary = f"{directory}.writing"
    shutil.rmtree(temporary, ignore_errors=True)
    servable = _Servable(generator)
    tf.saved_model.save(servable, temporary, signatures={"serving_default": servable.transfer})
    with open(os.path.join(temporary, MANIFEST), "w") as file:
        json.dump({"format": _FORMAT, "model": dataclasses.asdict(config)}, file, indent=2)
        file.write("\n")
    os.replace(temporary, directory)


class TransferModel:
    """A model directory, loaded.

    Args:
        directory: what `save_model` wrote.

    Raises:
        ModelError: the directory does not exist or is not a model of ours.
    """

    def __init__(self, directory: str):
        path = os.path.join(directory, MANIFEST)
        try:
            with open(path) as file:
                manifest = json.load(file)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{directory!r} is not a model directory: {path} cannot be read ({error}). "
                "Make one with `python -m stmt_tf.export`"
            ) from error
        if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
            raise ModelError(f"{directory!r} is not a model of this version: {path} lacks format {_FORMAT!r}")
        self.config = ModelConfig(**manifest["model"])
        self.size = self.config.size
        try:
            self._model = tf.saved_model.load(directory)
        except (OSError, tf.errors.OpError) as error:
            raise ModelError(f"{directory!r} holds no sound SavedModel: {error}") from error

    def encode_source(self, frames: np.ndarray, joints: np.ndarray) -> Mapping[str, tf.Tensor]:
        """All that depends on the source alone, to be given to `generate`.

        Args:
            frames: uint8 `[K, size, size, 3]`, RGB.
            joints: `[K, 14, 3]`, pixels of the frames.
        """
        return self._model.encode_source(
            tf.constant(frames[None]), tf.constant(joints[None], tf.float32)
        )

    def generate(self, source: Mapping[str, tf.Tensor], target_joints: np.ndarray) -> dict[str, np.ndarray]:
        """Makes one frame for each target pose.

        Args:
            source: what `encode_source` gave.
            target_joints: `[T, 14, 3]`, pixels of the frames.

        Returns:
            uint8 images: `frame`, `foreground`, `background`, `warped` `[T, size, size, 3]`, `mask`
            `[T, size, size, 1]` (255 on the person).
        """
        outputs = self._model.generate(source, tf.constant(target_joints[None], tf.float32))
        return {name: image[0].numpy() for name, image in outputs.items()}

