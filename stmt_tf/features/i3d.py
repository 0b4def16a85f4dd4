"""I3D, a network that tells 400 human actions apart: its features of videos, for distances between sets of videos.

    network = load_i3d()               # or load_i3d(a TensorFlow Hub handle, a SavedModel directory or a weights file)
    features = network(videos)         # [N, T, 224, 224, 3] in [-1, 1], T at least 9
    features["pooled"]                 # [N, 1024], before the classifier: VFID
    features["logits"]                 # [N, 400], after it: FVD

Inception-v1 with its filters inflated in time, RGB stream, trained on Kinetics-400. Both outputs are averaged over
time, so that a video of any length makes one vector. The classifier is linear: logits follow from the pooled features,
but not the other way round.

Pixels go from -1 to 1, for the module on TensorFlow Hub too. Its page names no range and its tutorial feeds [0, 1], but
it takes what it is given unscaled: a run of it on black frames of -1, published with its output, gave the values that
`_BLACK_LOGITS` holds, and the reference implementation of FVD feeds it [-1, 1].

References:
    Carreira and Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR 2017.
    Unterthiner et al., "Towards Accurate Generative Models of Video: A New Metric and Challenges", 2018 (FVD).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union

import numpy as np
import tensorflow as tf

from stmt_tf import assets
from stmt_tf.features.inception_i3d import MIN_FRAMES, SIZE, InceptionI3D, read_units, save_module
from stmt_tf.files import whole_directory

# By these the network is known: some of its outputs for 15 black frames. The logits were published with a run of the
# module on TensorFlow Hub; the mean of the pooled features was measured on the asset, whose logits are the same.
_BLACK_FRAMES = 15
_BLACK_LOGITS = {0: 0.7422105, 1: 2.829727, 2: 0.39993525, 397: -0.38092658, 398: 0.65539014, 399: -1.4021297}
_BLACK_POOLED_MEAN = 0.104448
_TOLERANCE = 0.02  # a GPU may round to ten bits

PathLike = Union[str, "os.PathLike[str]"]
Features = Mapping[str, tf.Tensor]


class VideoNetwork:
    """A network as `load_i3d` returns it: features of videos, and what these may be called.

    Args:
        name: where it came from, for people.
        function: float32 videos [N, T, 224, 224, 3] in [-1, 1] -> `logits` and perhaps `pooled`, each [N, D].
        owner: what must live as long as `function` does: a loaded SavedModel loses its variables with itself.

    Attributes:
        name: as above.
        dimensions: D by output.
        is_i3d: whether it gives I3D's own outputs for black frames. If not, it is a stand-in, whatever it was called,
            and distances in its features are neither VFID nor FVD.

    Raises:
        ValueError: `function` fails on black frames.
    """

    def __init__(self, name: str, function: Callable[[tf.Tensor], Features], owner: object) -> None:
        self.name = name
        self._function = function
        self._owner = owner
        try:
            black = {key: x.numpy() for key, x in function(tf.fill([1, _BLACK_FRAMES, SIZE, SIZE, 3], -1.0)).items()}
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise ValueError(f"it fails on black frames: {_first_line(error)}") from error
        self.dimensions = {key: x.shape[1] for key, x in black.items()}
        self.is_i3d = _is_i3d(black)

    def __call__(self, videos: np.ndarray | tf.Tensor) -> dict[str, np.ndarray]:
        """Returns float32 `logits` [N, 400], and `pooled` [N, 1024] if the network gives them.

        Raises:
            ValueError: `videos` is not [N, T, 224, 224, 3] with T at least 9, or leaves [-1, 1].
        """
        videos = tf.convert_to_tensor(videos, tf.float32)
        shape = tuple(videos.shape)
        if len(shape) != 5 or shape[1] < MIN_FRAMES or shape[2:] != (SIZE, SIZE, 3):
            raise ValueError(f"videos must be [N, T >= {MIN_FRAMES}, {SIZE}, {SIZE}, 3]. Received: shape {shape}")
        low, high = float(tf.reduce_min(videos)), float(tf.reduce_max(videos))
        if not -1.001 <= low <= high <= 1.001:
            raise ValueError(f"pixels must lie in [-1, 1]. Received: pixels in [{low:g}, {high:g}]")
        return {key: x.numpy() for key, x in self._function(videos).items()}


def _is_i3d(black: Mapping[str, np.ndarray]) -> bool:
    logits = black["logits"]
    if logits.shape != (1, 400):
        return False
    if not np.allclose(logits[0, list(_BLACK_LOGITS)], list(_BLACK_LOGITS.values()), rtol=0, atol=_TOLERANCE):
        return False
    pooled = black.get("pooled")
    return pooled is None or (pooled.shape == (1, 1024) and abs(pooled.mean() / _BLACK_POOLED_MEAN - 1) < _TOLERANCE)


def load_i3d(source: PathLike | None = None) -> VideoNetwork:
    """Loads I3D, or a stand-in with its signature.

    Args:
        source: a TensorFlow Hub handle; a SavedModel directory with the signature of the asset's module there, such as
            `save_module` writes; a copy of the asset `i3d`; or None for the asset: the Hub's module, or a SavedModel
            directory that is written into the cache once.

    Raises:
        stmt_tf.assets.AssetError: it cannot be had, or is no such network.
    """
    path = os.fspath(_cached_module() if source is None else source)
    name = f"asset i3d ({_origin(path)})" if source is None else path
    advice = (
        "give a TensorFlow Hub handle that this machine can reach, the directory of a SavedModel with I3D's signature "
        "or a copy of the asset i3d, or nothing at all to have that asset fetched"
    )
    if source is None:
        advice = "delete that directory and try again"
    try:
        network = _load(name, path)
    except assets.AssetError:
        raise
    except Exception as error:  # loading meets the network, the file system and other people's archives
        raise assets.AssetError(f"cannot load I3D from {path!r}: {_first_line(error)}; {advice}") from error
    if source is None and not network.is_i3d:
        raise assets.AssetError(f"{path} does not give I3D's outputs; {advice}")
    return network


def _load(name: str, path: str) -> VideoNetwork:
    if os.path.isfile(path):
        network = InceptionI3D(read_units(path))
        return VideoNetwork(name, network.features, network)
    if os.path.isdir(path):
        # Modules in the Hub's own format have several graphs, and that for inference has no tag.
        module = tf.saved_model.load(path, [] if os.path.exists(os.path.join(path, "tfhub_module.pb")) else None)
    else:
        try:
            import tensorflow_hub
        except ImportError as error:
            raise ValueError(f"that needs the package tensorflow-hub ({_first_line(error)})") from error
        module = tensorflow_hub.load(path)
    return VideoNetwork(name, _features_of(module), module)


def _features_of(module: Any) -> Callable[[tf.Tensor], Features]:
    """The features of a loaded SavedModel.

    Raises:
        ValueError: it lacks the signature.
    """
    signatures = getattr(module, "signatures", {})
    name = "features" if "features" in signatures else "default"
    if name not in signatures:
        raise ValueError(f"it has the signatures {sorted(signatures)} and not 'default'")
    signature = signatures[name]
    inputs = sorted(signature.structured_input_signature[1])
    if inputs != ["rgb_input"] or not {"default", "logits"} & set(signature.structured_outputs):
        raise ValueError(
            f"its signature {name!r} takes {inputs} and returns {sorted(signature.structured_outputs)}, not rgb_input "
            "and default"
        )

    # The module on TensorFlow Hub is a graph of TensorFlow 1, whose inner tensors can be fetched: what its only average
    # pool returns, before the mean over time, becomes the pooled features. In other formats functions hide it.
    pools = [operation for operation in signature.graph.get_operations() if operation.type == "AvgPool3D"]
    if name == "default" and len(pools) == 1:
        both = signature.prune(signature.inputs[0], [signature.outputs[0], pools[0].outputs[0]])

        def features(videos: tf.Tensor) -> Features:
            logits, pooled = both(videos)
            return {"pooled": tf.reduce_mean(pooled, axis=[1, 2, 3]), "logits": logits}

    else:

        def features(videos: tf.Tensor) -> Features:
            outputs = signature(rgb_input=videos)
            return {key.replace("default", "logits"): x for key, x in outputs.items()}

    return features


def _cached_module() -> Path:
    """The asset as a SavedModel directory in the cache, which appears there whole or not at all."""
    if assets.where("i3d").is_dir():
        return assets.where("i3d")
    # One for each TensorFlow, as an older one need not read what a newer one wrote.
    version = ".".join(tf.__version__.split(".")[:2])
    directory = assets.cache_dir() / f"i3d_kinetics400_tf{version}"
    if directory.is_dir():
        return directory
    fetched = assets.fetch("i3d")
    if fetched.is_dir():
        return fetched
    network = InceptionI3D(read_units(fetched))
    try:
        with whole_directory(directory) as hidden:
            save_module(network, hidden)
    except (OSError, tf.errors.OpError) as error:
        raise assets.AssetError(
            f"cannot write {directory}: {_first_line(error)}. Set STMT_TF_CACHE to a folder that can be written"
        ) from error
    return directory


def _origin(path: str) -> str:
    asset = assets.ASSETS["i3d"]
    return asset.hub.handle if os.path.basename(path) == asset.hub.directory else asset.source.requirement


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
