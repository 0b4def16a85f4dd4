"""Processes that train together, told so as TensorFlow has it."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence


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
