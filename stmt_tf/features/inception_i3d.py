"""The network of I3D in plain TensorFlow: its layers, its weights, and its SavedModel; see `stmt_tf.features.i3d`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Union

import numpy as np
import tensorflow as tf

from stmt_tf import assets

SIZE = 224  # side of the frames in pixels
MIN_FRAMES = 9  # with fewer, less than the two steps in time remain that the last pool takes

_BATCH_NORM_EPSILON = 1e-3
_STEM = ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3")
_POOL_BRANCH = "Branch_3/Conv3d_0b_1x1"  # the one that begins with a max pool
_BRANCHES = (
    ("Branch_0/Conv3d_0a_1x1",),
    ("Branch_1/Conv3d_0a_1x1", "Branch_1/Conv3d_0b_3x3"),
    ("Branch_2/Conv3d_0a_1x1", "Branch_2/Conv3d_0b_3x3"),
    (_POOL_BRANCH,),
)
_CLASSIFIER = "Logits/Conv3d_0c_1x1"

PathLike = Union[str, "os.PathLike[str]"]
Units = dict[str, tuple[np.ndarray, np.ndarray]]


class InceptionI3D(tf.Module):
    """The network, for inference alone: without dropout, and with batch normalisation folded into the convolutions.

    Args:
        units: (kernel [t, h, w, in, out], bias [out]) by layer name; see `read_units`.
    """

    def __init__(self, units: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        super().__init__(name="i3d")
        self._units = {
            name: (tf.Variable(kernel, trainable=False), tf.Variable(bias, trainable=False))
            for name, (kernel, bias) in units.items()
        }

    @tf.function(input_signature=[tf.TensorSpec([None, None, SIZE, SIZE, 3], tf.float32, name="rgb_input")])
    def features(self, rgb_input: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `pooled` [N, 1024] and `logits` [N, 400] of videos [N, T, 224, 224, 3] in [-1, 1], T at least 9."""
        x = self._unit(rgb_input, _STEM[0], stride=2)
        x = _max_pool(x, [1, 3, 3], [1, 2, 2])
        x = self._unit(self._unit(x, _STEM[1]), _STEM[2])
        x = _max_pool(x, [1, 3, 3], [1, 2, 2])
        x = self._mixed(self._mixed(x, "Mixed_3b"), "Mixed_3c")
        x = _max_pool(x, [3, 3, 3], [2, 2, 2])
        for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"):
            x = self._mixed(x, name)
        x = _max_pool(x, [2, 2, 2], [2, 2, 2])
        x = self._mixed(self._mixed(x, "Mixed_5b"), "Mixed_5c")
        x = tf.nn.avg_pool3d(x, [2, 7, 7], strides=1, padding="VALID")
        pooled = tf.reduce_mean(x, axis=[1, 2, 3])
        # The reference averages the logits over time. They are linear in x, so this is the same.
        kernel, bias = self._units[_CLASSIFIER]
        return {"pooled": pooled, "logits": tf.matmul(pooled, kernel[0, 0, 0]) + bias}

    @tf.function(input_signature=[tf.TensorSpec([None, None, SIZE, SIZE, 3], tf.float32, name="rgb_input")])
    def default(self, rgb_input: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the module on TensorFlow Hub returns: the logits, named `default`."""
        return {"default": self.features(rgb_input)["logits"]}

    def _unit(self, x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel, bias = self._units[name]
        return tf.nn.relu(tf.nn.conv3d(x, kernel, [1, stride, stride, stride, 1], "SAME") + bias)

    def _mixed(self, x: tf.Tensor, name: str) -> tf.Tensor:
        outputs = []
        for branch in _BRANCHES:
            y = _max_pool(x, [3, 3, 3], [1, 1, 1]) if branch == (_POOL_BRANCH,) else x
            for unit in branch:
                y = self._unit(y, f"{name}/{unit}")
            outputs.append(y)
        return tf.concat(outputs, axis=-1)


def _max_pool(x: tf.Tensor, size: list[int], strides: list[int]) -> tf.Tensor:
    return tf.nn.max_pool3d(x, size, strides, "SAME")


def save_module(network: InceptionI3D, directory: PathLike) -> None:
    """Writes a SavedModel with the signature of the module on TensorFlow Hub, and one more.

    `default`: `rgb_input` -> `default`, the logits. `features`: `rgb_input` -> `pooled` and `logits`.
    """
    signatures = {"default": network.default, "features": network.features}
    tf.saved_model.save(network, os.fspath(directory), signatures=signatures)


def read_units(weights_file: PathLike) -> Units:
    """Reads (kernel, bias) by layer name, batch normalisation folded in, from a copy of the asset `i3d`.

    Raises:
        stmt_tf.assets.AssetError: the file cannot be read, or holds something else.
    """
    content = assets.load_pickle(weights_file)
    mixed = [f"Mixed_{block}" for block in ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c")]
    try:
        units = {name: _folded(content, (name,)) for name in _STEM}
        for block in mixed:
            for unit in (unit for branch in _BRANCHES for unit in branch):
                units[f"{block}/{unit}"] = _folded(content, (block, unit))
        classifier = content["params"][_CLASSIFIER]["Conv_0"]
        return {**units, _CLASSIFIER: (classifier["kernel"], classifier["bias"])}
    except (KeyError, TypeError, AttributeError) as error:
        raise assets.AssetError(
            f"{weights_file} does not hold the weights of the asset 'i3d': {error} is missing"
        ) from error


def _folded(content: Any, path: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    weights, statistics = content["params"], content["batch_stats"]
    for key in path:
        weights, statistics = weights[key], statistics[key]
    mean, variance = (statistics["BatchNorm_0"][key].reshape(-1) for key in ("mean", "var"))
    scale = 1 / np.sqrt(variance + _BATCH_NORM_EPSILON)
    return weights["Conv_0"]["kernel"] * scale, weights["BatchNorm_0"]["bias"] - mean * scale
