"""Pose estimators behind one small interface (`base.Estimator`), by name.

| name        | `model`                                                            | people    |
|-------------|--------------------------------------------------------------------|-----------|
| `mediapipe` | a PoseLandmarker `.task` file; default: `assets.fetch`             | up to 4   |
| `movenet`   | a TF-Hub handle or SavedModel directory; default: multi-pose       | up to 6   |
| `rtmlib`    | a directory of `det.onnx` and `pose.onnx`; default: rtmlib's own   | any       |
| `openpose`  | JSON results: a file, or a directory of a file for each frame      | any       |
| `alphapose` | the same                                                           | any       |

The last two read whatever form the results have, of whichever tool; see `stmt_tf.pose.estimators.results`.
"""

from __future__ import annotations

import importlib

from stmt_tf.pose.estimators.base import Estimator, PoseError

# Module and class of each estimator; imported when asked for, since each needs heavy packages of
# its own.
_ESTIMATORS = {
    "mediapipe": ("mediapipe", "MediaPipeEstimator"),
    "movenet": ("movenet", "MoveNetEstimator"),
    "rtmlib": ("rtmlib", "RTMLibEstimator"),
    "openpose": ("imported", "OpenPoseEstimator"),
    "alphapose": ("imported", "AlphaPoseEstimator"),
}
NAMES = tuple(_ESTIMATORS)
# Of these, those that read what the tools found before, and what follows a video's name in that of its results: a
# file's ending, or nothing, as they are a directory.
RESULT_READERS = {"openpose": "", "alphapose": ".json"}

__all__ = ["NAMES", "RESULT_READERS", "Estimator", "PoseError", "create_estimator"]


def create_estimator(name: str = "mediapipe", model: str | None = None) -> Estimator:
    """Returns the estimator called `name`.

    Args:
        name: one of `NAMES`.
        model: the model or results that it reads (see the table above); None takes the default,
            which `openpose` and `alphapose` do not have.

    Raises:
        PoseError: for an unknown name, or a model that cannot be read.
    """
    if name not in _ESTIMATORS:
        raise PoseError(f"Unknown pose estimator {name!r}; choose one of {', '.join(NAMES)}.")
    module, estimator = _ESTIMATORS[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), estimator)(model)
