"""Processes that train, alone or together, told so as TensorFlow has it."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence

_TRAIN = """
import stmt_tf, tensorflow as tf, runpy
tf.config.optimizer.set_experimental_options({{"disable_meta_optimizer": True}})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * {devices}
)
runpy.run_module("stmt_tf.train", run_name="__main__", alter_sys=True)
"""


def train_command(devices: int = 1) -> list[str]:
    """`python -m stmt_tf.train` on so many CPU devices, with graphs as they are (see `conftest`); flags follow."""
    return [sys.executable, "-c", _TRAIN.format(devices=devices)]


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def tf_config(index: int, workers: Sequence[str], kind: str = "worker") -> dict[str, str]:
    """The environment variable of one of the workers ("host:port")."""
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": {"type": kind, "index": index}})}
