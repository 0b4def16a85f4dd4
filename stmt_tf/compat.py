"""All that differs between the two TensorFlow lines that the package runs on.

Importing this module must stay cheap and must not import TensorFlow: `stmt_tf/__init__.py` calls
`prepare_environment` first, and TensorFlow reads its environment only once. What needs TensorFlow here
imports it inside the function.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import os
import sys
import warnings
from collections.abc import Callable, MutableMapping
from typing import NoReturn


def prepare_environment(environ: MutableMapping[str, str] = os.environ) -> None:
    """Sets what TensorFlow reads when it loads: oneDNN, and how much it prints.

    What the user has set stays. Does nothing once TensorFlow is loaded, since it would come too late.

    Args:
        environ: the environment to complete, in place.
    """
    if "tensorflow" in sys.modules:
        return
    # TensorFlow leaves oneDNN off on many CPUs. On two AMD cores it made training 2.5 to 3.0 times as fast and the
    # generator 1.4 to 1.9 times, on both lines (`benchmarks/README.md`).
    environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Not less than 3: TF 2.15 logs three errors at every start, on every machine, that are none. What goes wrong
    # later is raised as well as logged. A child process finds it set already.
    environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", r"\s*TensorFlow Addons \(TFA\) has ended", UserWarning)


def register_filesystems() -> None:
    """Makes s3://, az:// and hdfs:// paths readable, where tensorflow-io is installed (the addons line)."""
    with contextlib.suppress(ImportError):
        importlib.import_module("tensorflow_io")


def end_process(end: SystemExit) -> NoReturn:
    """Ends the process with the status that `end` has.

    The usual way out would come upon tensorflow-io, which aborts in its clean-up once it has used S3.
    """
    if "tensorflow_io" not in sys.modules:
        raise end
    if isinstance(end.code, str):
        print(end.code, file=sys.stderr)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(int(bool(end.code)) if not isinstance(end.code, int) else end.code)


def spectral_normalization(layer: object) -> object:
    """The layer with its kernel divided by its largest singular value, which power iteration estimates.

    Each call with `training=True` takes one step of the iteration and then writes the divided kernel back into
    the variable; other calls change nothing. The vector that the iteration carries on is one of the variables.
    Keras 2.15's own wrapper fails in `fit` under MirroredStrategy; TensorFlow Addons' does not.

    Raises:
        ValueError: on Keras 2, TensorFlow Addons is not installed.
    """
    import keras

    # float32 is the wrapper's alone, the layer computes in its own type. In a half one the wrapper would round
    # the variable that it writes back, and small updates would be lost.
    if keras.__version__.startswith("3."):

        class SpectralNormalization(keras.layers.SpectralNormalization):
            # Built within another layer's call, Keras's own would make its vector in that layer's half type.
            def add_weight(self, *arguments, **options):
                return super().add_weight(*arguments, **{**options, "dtype": "float32"})

        return SpectralNormalization(layer, dtype="float32")
    try:
        import tensorflow_addons as tfa
    except ImportError:
        raise ValueError(
            "spectral normalisation needs TensorFlow Addons on this TensorFlow: pip install .[addons], or leave out "
            "--spectral_norm"
        ) from None
    return tfa.layers.SpectralNormalization(layer, dtype="float32")


@functools.cache
def resampler() -> Callable | None:
    """TensorFlow Addons' bilinear resampler, whose gradient is a kernel of its own; None where it is not installed."""
    try:
        import tensorflow_addons as tfa
    except ImportError:
        return None
    return tfa.image.resampler


def require_several_workers() -> None:
    """Makes sure that `fit` can run on several workers.

    Raises:
        ValueError: on Keras 3, whose `fit` fails under MultiWorkerMirroredStrategy (keras-team/keras issue 20585).
    """
    import keras

    if keras.__version__.startswith("3."):
        raise ValueError(
            f"TF_CONFIG names several workers, which Keras {keras.__version__} cannot train on: run without TF_CONFIG, "
            "or on the add-ons line of TensorFlow (pip install .[addons])"
        )


def optimizer_variables(optimizer: object) -> list:
    """All that an optimiser must keep to go on where it stopped, but for the step size, which is a setting."""
    # On Keras 3 the step size is among them, that of a LossScaleOptimizer and of the optimiser within.
    variables = [v for v in optimizer.variables if not v.name.startswith("learning_rate")]
    # Keras 2's LossScaleOptimizer names those of the optimiser within alone.
    state = getattr(optimizer, "_loss_scale", None)
    if hasattr(state, "counter"):
        variables += [state.current_loss_scale, state.counter]
    return variables


def scaled_loss(optimizer: object, loss: object) -> object:
    """The loss to take gradients of: scaled, where the optimiser asks for it (mixed_float16)."""
    if hasattr(optimizer, "get_scaled_loss"):  # Keras 2's LossScaleOptimizer
        return optimizer.get_scaled_loss(loss)
    if hasattr(optimizer, "scale_loss"):  # Keras 3
        return optimizer.scale_loss(loss)
    return loss


def unscaled_gradients(optimizer: object, gradients: list) -> list:
    """The gradients of a `scaled_loss` as `apply_gradients` takes them."""
    if hasattr(optimizer, "get_unscaled_gradients"):
        return optimizer.get_unscaled_gradients(gradients)
    return gradients  # Keras 3 unscales as it applies them
