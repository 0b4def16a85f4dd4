"""Poses by RTMPose through rtmlib (Apache-2.0), on ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import os

import numpy as np

from stmt_tf.pose.estimators.base import Estimator, PoseError
from stmt_tf.pose.estimators.layouts import CANDIDATES, to_joints

# RTMPose always names all keypoints, and a person where there is none; these scores separate found from guessed.
_MIN_PERSON_SCORE = 0.3
_MIN_KEYPOINT_SCORE = 0.3


class RTMLibEstimator(Estimator):
    """RTMPose with a YOLOX detector, as `rtmlib.BodyWithFeet` has them.

    Args:
        model: a directory of `det.onnx` (YOLOX, 640 x 640) and `pose.onnx` (RTMPose or DWPose of 17, 26 or 133
            keypoints, 192 x 256); None for the models of 26 that rtmlib fetches on first use.

    Raises:
        PoseError: if rtmlib is not installed, or its models cannot be had.
    """

    name = "rtmlib"

    def __init__(self, model: str | None = None) -> None:
        files = {part: os.path.join(model, f"{part}.onnx") for part in ("det", "pose")} if model else {}
        for path in files.values():
            if not os.path.isfile(path):
                raise PoseError(f"{path}: no such file; give a directory of det.onnx (YOLOX) and pose.onnx (RTMPose).")
        try:
            import rtmlib
        except ImportError as error:
            raise PoseError(
                f"--pose=rtmlib needs two more packages ({error}): pip install onnxruntime, and pip install --no-deps "
                "rtmlib, which would install a second OpenCV."
            ) from error
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints which model it loads
                self._find = rtmlib.BodyWithFeet(**files)
        except Exception as error:  # loading meets the network, the file system and other people's models
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise PoseError(
                f"rtmlib's models {model or ''} cannot be loaded ({reason}); give their directory."
            ) from error

    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """See `Estimator.detect`."""
        keypoints, scores = self._find(np.ascontiguousarray(frame[..., ::-1]))  # it takes BGR
        if keypoints.shape[1] not in CANDIDATES:
            raise PoseError(f"rtmlib's pose model finds {keypoints.shape[1]} keypoints; give one of 17, 26 or 133.")
        people = np.concatenate([keypoints, np.where(scores < _MIN_KEYPOINT_SCORE, 0.0, scores)[..., np.newaxis]], -1)
        layout = CANDIDATES[keypoints.shape[1]][0]
        return to_joints(people[scores.mean(-1) >= _MIN_PERSON_SCORE], layout, frame.shape[:2])
