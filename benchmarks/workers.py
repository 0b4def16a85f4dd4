"""What several workers cost a training: `python -m benchmarks.workers --records='RECORDS/train-*' [--workers=1,2,4]`.

Trains stage 1 by its own command in so many processes that talk over this machine's loopback, each time with the same
batch, which they share. All of them sit on the same cores, so that no number of workers can be faster than one: what a
step takes longer is what the workers' talk and their own overhead cost. Each worker sends and receives about twice the
gradients' bytes a step, whatever their number (ring all-reduce), which tells what a network has to carry.

A step's time is that between two checkpoints, without the first epoch, in which graphs are made.
"""

from __future__ import annotations

from benchmarks.speed_settings import WorkersConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.workers", WorkersConfig)

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from stmt_tf.config import ModelConfig
from stmt_tf.evaluate.report import markdown
from stmt_tf.models.create import create_single_frame

_EPOCHS = 3
_TOLD = re.compile(r"iteration (\d+): ")


def environments(count: int) -> Iterator[dict[str, str]]:
    """The environment of each worker of a cluster on free ports of this machine; of one alone, without a cluster."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    hosts = ["{}:{}".format(*each.getsockname()) for each in sockets]
    for each in sockets:
        each.close()
    for index in range(count):
        task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        yield {**os.environ, **({"TF_CONFIG": json.dumps(task)} if count > 1 else {})}


def seconds_a_step(command: Sequence[str], count: int, steps: int) -> float:
    """Trains to the end with so many workers.

    Args:
        command: of the training, which tells of each epoch.
        count: workers.
        steps: of an epoch.

    Raises:
        RuntimeError: a worker failed.
    """
    # The chief, which tells of epochs, is the first; what the others tell is not read, so it goes to a file.
    with tempfile.TemporaryFile("w+") as others:
        files = [subprocess.PIPE, *[others] * (count - 1)]
        workers = [
            subprocess.Popen(command, env=environment, stderr=file, stdout=subprocess.DEVNULL, text=True)
            for environment, file in zip(environments(count), files)
        ]
        told, times = [], []
        for line in workers[0].stderr:
            told.append(line)
            if _TOLD.search(line):
                times.append(time.perf_counter())
        if any([worker.wait() for worker in workers]):
            others.seek(0)
            raise RuntimeError(f"a worker of {count} failed:\n{''.join(told[-20:])}{others.read()[-2000:]}")
    return (times[-1] - times[0]) / (len(times) - 1) / steps


def main(config: WorkersConfig) -> None:
    model = ModelConfig(size=config.size, width=config.width)
    gradients = 4e-6 * sum(weight.numpy().size for weight in create_single_frame(model).trainable_variables)
    rows = [["workers", "seconds a step", "images a second", "times one worker's step"]]
    first = None
    for count in config.workers:
        with tempfile.TemporaryDirectory() as scratch:
            flag_values = {
                "train_records": config.records, "val_records": config.records, "size": config.size,
                "width": config.width, "num_source_frames": 1, "num_target_frames": 1, "batch_size": config.batch,
                "vgg_weight": 0, "gan_weight": 0, "val_examples": config.batch, "iterations": _EPOCHS * config.steps,
                "checkpoint_every": config.steps, "workdir": Path(scratch) / "training",
            }  # fmt: skip
            command = [sys.executable, "-m", "stmt_tf.train", *(f"--{k}={v}" for k, v in flag_values.items())]
            seconds = seconds_a_step(command, count, config.steps)
        first = first or seconds
        rows.append([str(count), f"{seconds:.3f}", f"{config.batch / seconds:.1f}", f"{seconds / first:.2f}"])
    print(markdown(rows))
    print(f"gradients: {gradients:.1f} MB, so each of several workers sends and receives up to {2 * gradients:.1f} MB")
