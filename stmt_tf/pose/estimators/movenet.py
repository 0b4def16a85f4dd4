"""Poses by MoveNet, multi- or single-pose, from TensorFlow Hub or a local SavedModel."""

from __future__ import annotations

import os

import numpy as np

from stmt_tf.pose.body import visible
from stmt_tf.pose.estimators import layouts
from stmt_tf.pose.estimators.base import Estimator, PoseError

_DEFAULT_HANDLE = "https://tfhub.dev/google/movenet/multipose/lightning/1"
_INPUT_SIZE = 256  # where the model takes any
# MoveNet always names its six likeliest people and all their keypoints; these scores separate found
# from guessed.
_MIN_PERSON_SCORE = 0.2
_MIN_KEYPOINT_SCORE = 0.1


class MoveNetEstimator(Estimator):
    """MoveNet: 17 keypoints of up to six people.

    Args:
        model: a TensorFlow Hub handle or the directory of a SavedModel whose signature
            `serving_default` takes int32 [1, S, S, 3] in [0, 255] and returns float32 [1, 6, 56]
            (multi-pose) or [1, 1, 17, 3] (single-pose); None for the multi-pose model on TensorFlow
            Hub.

    Raises:
        PoseError: if the model cannot be had or is no MoveNet.
    """

    name = "movenet"

    def __init__(self, model: str | None = None) -> None:
        import tensorflow as tf

        self._model = model or _DEFAULT_HANDLE
        self._network = _load(self._model)  # keeps the variables alive
        signature = getattr(self._network, "signatures", {}).get("serving_default")
        inputs = signature.structured_input_signature[1] if signature else {}
        if len(inputs) != 1 or len(signature.structured_outputs) != 1:
            raise self._no_movenet(f"it has {len(inputs)} inputs")
        (self._input_name, spec), (self._output_name, _) = (
            *inputs.items(),
            *signature.structured_outputs.items(),
        )
        if spec.dtype != tf.int32 or spec.shape.rank != 4:
            raise self._no_movenet(f"its input is {spec.dtype.name} {spec.shape}")
        self._size = spec.shape[1] or _INPUT_SIZE
        self._signature = signature

    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """See `Estimator.detect`."""
        import tensorflow as tf

        image = tf.image.resize_with_pad(frame[np.newaxis], self._size, self._size, antialias=True)
        image = tf.cast(tf.round(image), tf.int32)
        output = self._signature(**{self._input_name: image})[self._output_name].numpy()
        if output.shape[1:] == (1, 17, 3):
            keypoints = output[0]
        elif output.ndim == 3 and output.shape[2] == 56:
            people = output[0][output[0, :, 55] >= _MIN_PERSON_SCORE]
            keypoints = people[:, :51].reshape(-1, 17, 3)
        else:
            raise self._no_movenet(f"its output is {list(output.shape)}")
        y, x, score = np.moveaxis(keypoints, -1, 0)
        height, width = frame.shape[:2]
        side = max(height, width)
        points = np.stack(
            [
                (x - 0.5) * side + 0.5 * width - 0.5,
                (y - 0.5) * side + 0.5 * height - 0.5,
                np.where(score >= _MIN_KEYPOINT_SCORE, score, 0.0),
            ],
            axis=-1,
        )
        people = layouts.to_joints(points, layouts.COCO_17, (height, width))
        return people[visible(people)]

    def _no_movenet(self, reason: str) -> PoseError:
        return PoseError(
            f"{self._model} is no MoveNet ({reason}); expected an int32 image [1, S, S, 3] in, [1, "
            "6, 56] or [1, 1, 17, 3] out."
        )


def _load(model: str) -> object:
    """Loads a SavedModel from a directory, or else through TensorFlow Hub."""
    import tensorflow as tf

    try:
        if os.path.isdir(model):
            return tf.saved_model.load(model)
        import tensorflow_hub

        return tensorflow_hub.load(model)
    except ImportError as error:
        raise PoseError(
            f"MoveNet from the handle {model} needs the package tensorflow-hub; install it, or "
            "download the model and give its directory."
        ) from error
    except Exception as error:  # loading meets the network, the file system and other people's archives
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise PoseError(
            f"MoveNet {model} cannot be loaded ({reason}); give a TensorFlow Hub handle or a SavedModel directory."
        ) from error
