"""What a command computes on, chosen before TensorFlow looks for it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import MutableMapping

from stmt_tf.config import setting

_VISIBLE = "CUDA_VISIBLE_DEVICES"  # which the processes that a command starts read, too


@dataclasses.dataclass(frozen=True)
class DeviceConfig:
    """What to compute on."""

    device: str = setting(
        "",
        "What to compute on: cpu, gpu, or gpu:N for one of several, from 0; empty: all GPUs that TensorFlow sees, else "
        "the CPU.",
        group="Machine",
    )

    def __post_init__(self):
        if not re.fullmatch(r"|cpu|gpu(:\d+)?", self.device):
            raise ValueError(f"--device must be cpu, gpu or gpu:N, got {self.device!r}")


def choose_device(device: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Shows TensorFlow, which is not loaded yet, that device alone.

    Args:
        device: as in `DeviceConfig`.
        environ: the environment, which is changed in place.

    Raises:
        ValueError: a GPU is asked for, and TensorFlow sees none.
    """
    name, _, number = device.partition(":")
    if name == "cpu":
        environ[_VISIBLE] = "-1"
    elif number:
        seen = [part for part in environ.get(_VISIBLE, "").split(",") if part]
        environ[_VISIBLE] = seen[int(number)] if int(number) < len(seen) else "-1" if seen else number
    if name == "gpu":
        import tensorflow as tf  # takes seconds, for which a command that computes has to wait anyway

        if not tf.config.list_physical_devices("GPU"):
            raise ValueError(
                f"--device={device}: TensorFlow sees no such GPU. It needs NVIDIA's driver and the extra gpu "
                "(pip install .[addons,gpu] or .[current,gpu]); --device=cpu does without"
            )
