"""Trainings of a few steps, here or in processes of their own, alone or together, told so as TensorFlow has it."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_TESTS = Path(__file__).parent
_TRAIN = """
import stmt_tf, tensorflow as tf, runpy
{setup}
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * {devices}
)
runpy.run_module("stmt_tf.train", run_name="__main__", alter_sys=True)
"""
EAGERLY = "tf.config.run_functions_eagerly(True)"
# As a training is run, with a graph of its own in every process, but of a network that is quick to trace.
ONE_LAYER = f"""
import sys
sys.path[:0] = [{str(_TESTS)!r}, {str(_TESTS / "train")!r}]
from test_trainer import OneLayer
from stmt_tf.train import create
create.create_single_frame = lambda model: OneLayer()
tf.config.optimizer.set_experimental_options({{"disable_meta_optimizer": True}})
"""


@contextlib.contextmanager
def run_eagerly() -> Iterator[None]:
    """For a few steps: to trace the graph would take as long as ten of them."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def train_command(setup: str = EAGERLY, devices: int = 1) -> list[str]:
    """`python -m stmt_tf.train` on so many CPU devices, after these lines; flags follow."""
    return [sys.executable, "-c", _TRAIN.format(setup=setup, devices=devices)]


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
