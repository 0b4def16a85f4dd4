"""VGG feature maps for perceptual losses and metrics.

    features = create_perceptual_features("vgg16")
    maps = features(images)    # [N, H, W, 3] in [-1, 1] -> one map for each of features.layers

All maps are taken **after** the ReLU. Layers are named `conv1_1` ... `conv5_3` (`conv5_4` for VGG19);
stage s works at 1/2^(s-1) of the image's size. Nothing beyond the last layer asked for is computed.
Gradients flow to the images and to nothing else.

The weights are constants of the loss and no part of any model, so `VGGFeatures` is on purpose neither a
Keras layer nor a `tf.Module`: nothing tracks it, and checkpoints do not carry 30 MB that never change.

VGG16's weights are the asset `vgg16` (`stmt_tf.assets`), which comes from the package index. VGG19,
which the paper uses, comes from keras.applications and needs the internet or `weights_file`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Union

import numpy as np
import tensorflow as tf

from stmt_tf import assets

PAPER_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")

VGG16_LAYERS = tuple(f"conv{s}_{i + 1}" for s, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(n))
VGG19_LAYERS = tuple(f"conv{s}_{i + 1}" for s, n in enumerate((2, 2, 4, 4, 4), 1) for i in range(n))

# Per-channel shift and scale of images in [-1, 1]: x -> (x - shift) / scale.
# ImageNet's mean and deviation (0.485, 0.229, ...) of images in [0, 1], rounded as LPIPS publishes them.
_LPIPS_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_LPIPS_SCALE = np.array([0.458, 0.448, 0.450], np.float32)
# ImageNet's mean of images in [0, 255]; VGG19's published weights take unscaled differences from it.
_CAFFE_SHIFT = np.array([123.68, 116.779, 103.939], np.float32) / 127.5 - 1.0
_CAFFE_SCALE = np.full([3], 1 / 127.5, np.float32)


class VGGFeatures:
    """The convolutions of a VGG network up to the last layer asked for.

    Args:
        weights: (kernel [3, 3, in, out], bias [out]) by layer name, first to last, for RGB input.
        layers: names of the layers whose maps are wanted, each in `weights`.
        shift: per-channel shift [3] of images in [-1, 1].
        scale: per-channel divisor [3], applied after the shift.
        dtype: what the convolutions compute in.

    Raises:
        ValueError: `layers` is empty or names a layer that `weights` lacks.
    """

    def __init__(
        self,
        weights: Mapping[str, tuple[np.ndarray, np.ndarray]],
        layers: Sequence[str],
        shift: np.ndarray,
        scale: np.ndarray,
        dtype: str = "float32",
    ) -> None:
        names = list(weights)
        unknown = sorted(set(layers) - set(names))
        if not layers or unknown:
            raise ValueError(
                f"layers must be some of {', '.join(names)}. Received: layers={tuple(layers)}"
            )
        self.layers = tuple(layers)
        self._shift = shift
        self._scale = scale
        self._dtype = dtype
        last = max(names.index(layer) for layer in layers)
        with tf.init_scope():
            self._weights = {
                name: tuple(tf.Variable(tf.cast(array, dtype), trainable=False) for array in weights[name])
                for name in names[: last + 1]
            }

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Returns the maps float32 [N, h, w, C] of `layers`, in that order, for RGB images [N, H, W, 3] in [-1, 1]."""
        x = tf.cast((tf.cast(images, tf.float32) - self._shift) / self._scale, self._dtype)
        maps = {}
        for name, (kernel, bias) in self._weights.items():
            if name.endswith("_1") and name != "conv1_1":
                x = tf.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID")
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), bias))
            maps[name] = x
        return [tf.cast(maps[layer], tf.float32) for layer in self.layers]


Path = Union[str, "os.PathLike[str]"]
Weights = dict[str, tuple[np.ndarray, np.ndarray]]


def load_vgg16(weights_file: Path | None = None) -> Weights:
    """Reads VGG16's (kernel, bias) by layer name.

    Args:
        weights_file: a copy of the asset `vgg16`; None takes it from the cache, fetching it if need
            be.

    Raises:
        stmt_tf.assets.AssetError: the weights cannot be had, or `weights_file` holds others.
    """
    path = weights_file or assets.fetch("vgg16")
    try:
        network = assets.load_pickle(path)["VGG16_0"]
        layers = [network[f"Conv_{i}"] for i in range(len(VGG16_LAYERS))]
        return {name: (layer["kernel"], layer["bias"]) for name, layer in zip(VGG16_LAYERS, layers)}
    except (KeyError, TypeError) as error:
        raise assets.AssetError(
            f"{path} does not hold the weights of the asset 'vgg16': {error} is missing"
        ) from error


def load_vgg19(weights_file: Path | None = None) -> Weights:
    """Reads VGG19's (kernel, bias) by layer name.

    Args:
        weights_file: `vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5` of keras.applications; None
            lets Keras download it.

    Raises:
        stmt_tf.assets.AssetError: the weights cannot be downloaded, or `weights_file` holds others.
    """
    try:
        network = tf.keras.applications.VGG19(include_top=False, weights=weights_file or "imagenet")
    except Exception as error:  # Keras raises a plain Exception where the network fails
        if weights_file:
            raise assets.AssetError(f"{weights_file} does not hold VGG19's weights without top: {error}") from error
        raise assets.AssetError(
            f"cannot get VGG19's weights of keras.applications: {error}. Check the network and try again, give their "
            "file with --vgg_weights, or take --vgg_network=vgg16, which comes from the package index"
        ) from error
    weights = {}
    for name in VGG19_LAYERS:
        kernel, bias = network.get_layer(
            name.replace("conv", "block", 1).replace("_", "_conv")
        ).get_weights()
        if name == "conv1_1":
            kernel = kernel[:, :, ::-1]  # the published weights take BGR
        weights[name] = (kernel, bias)
    return weights


def create_perceptual_features(
    name: str = "vgg16",
    weights_file: Path | None = None,
    layers: Sequence[str] = PAPER_LAYERS,
    dtype: str = "float32",
) -> VGGFeatures:
    """Returns the feature maps that a perceptual loss compares.

    Args:
        name: `vgg16` or `vgg19`.
        weights_file: the weights, where they are not to be fetched; see `load_vgg16` and `load_vgg19`.
        layers: the layers whose maps are wanted.
        dtype: what the convolutions compute in.

    Raises:
        ValueError: an unknown `name` or layer.
        stmt_tf.assets.AssetError: the weights cannot be had or are damaged.
    """
    if name == "vgg16":
        return VGGFeatures(load_vgg16(weights_file), layers, _LPIPS_SHIFT, _LPIPS_SCALE, dtype)
    if name == "vgg19":
        return VGGFeatures(load_vgg19(weights_file), layers, _CAFFE_SHIFT, _CAFFE_SCALE, dtype)
    raise ValueError(f"name must be 'vgg16' or 'vgg19'. Received: name={name!r}")
