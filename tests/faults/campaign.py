"""Kills, starves and damages trainings, and tells what they survived: a table in Markdown.

    python tests/faults/campaign.py --output=DIR [--kills=20]

Each fault hits a training of one layer, in processes of its own, which then goes on by the same command. It survived
if its losses, epoch by epoch, and its last checkpoint are those of a training that nothing ever hit. Lost are the
iterations that had to be done again, besides those of the epoch at hand. Disk full needs root, for a file system of its
own.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from records import make_clip, write_records  # noqa: E402
from workers import ONE_LAYER, free_ports, tf_config, train_command  # noqa: E402

EPOCH = 2  # iterations between checkpoints
# Those of the training are means over what one process did of an epoch; those of the validation tell all the same.
_LOSSES = re.compile(r"iteration (\d+): .*(val_total .*)")
_RESUMED = re.compile(r"resuming at iteration (\d+)")


@dataclasses.dataclass(frozen=True)
class Survival:
    """What became of a kind of fault.

    Attributes:
        fault: in words.
        tried: how often.
        survived: of these.
        lost: most iterations that were done again after one of them, besides those of the epoch at hand.
        remark: what else there is to say.
    """

    fault: str
    tried: int
    survived: int
    lost: int
    remark: str = ""


class Training:
    """A tiny training, run by its command as often as need be.

    Args:
        workdir: its working directory.
        records: its record file.
        iterations: how long.
        workers: processes that train it together.

    Attributes:
        losses: as it told them, by iteration.
        lost: most iterations that were done again.
    """

    def __init__(self, workdir: Path, records: str, iterations: int, workers: int = 1):
        flags = {
            "workdir": workdir, "train_records": records, "val_records": records, "iterations": iterations,
            "checkpoint_every": EPOCH, "size": 32, "width": 0.05, "residual_heads": True, "num_target_frames": 1,
            "batch_size": 2, "shuffle_buffer": 4, "vgg_weight": 0, "gan_weight": 0.1, "discriminator_width": 0.05,
            "val_examples": 2, "learning_rate": 1e-3,
        }  # fmt: skip
        self.workdir, self.records = workdir, records
        self.losses: dict[int, str] = {}
        self.lost = 0
        self._contradicted = False
        self._command = [*train_command(ONE_LAYER), *(f"--{k}={v}" for k, v in flags.items())]
        self._environs = [dict(os.environ)]
        if workers > 1:
            hosts = [f"127.0.0.1:{port}" for port in free_ports(workers)]
            self._environs = [{**os.environ, **tf_config(index, hosts)} for index in range(workers)]

    def start(self, worker: int = 0) -> tuple[subprocess.Popen, Iterator[str]]:
        """Begins, or goes on, as one of the workers; the lines that the process will tell have to be read."""
        process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environs[worker],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        return process, self._followed(process)

    def _followed(self, process: subprocess.Popen) -> Iterator[str]:
        for line in process.stderr:
            if found := _LOSSES.search(line):
                self._contradicted |= self.losses.setdefault(int(found[1]), found[2]) != found[2]
            elif found := _RESUMED.search(line):
                self.lost = max(self.lost, max(self.losses, default=0) - int(found[1]))
            yield line

    def wait_for_losses(self, lines: Iterator[str]) -> None:
        """Until the next losses: it is at work then.

        Raises:
            RuntimeError: it ended before.
        """
        told, known = [], len(self.losses)
        for line in lines:
            told.append(line)
            if len(self.losses) > known:
                return
        raise RuntimeError("the training ended too early:\n" + "".join(told))

    def end(self, process: subprocess.Popen, lines: Iterator[str], number: signal.Signals) -> int:
        """Sends a signal; returns the exit status."""
        process.send_signal(number)
        for _ in lines:
            pass
        return process.wait()

    def finish(self) -> None:
        """Goes on to the end, with all workers.

        Raises:
            RuntimeError: it does not get there.
        """
        self.wait_for([self.start(worker) for worker in range(len(self._environs))])

    def wait_for(self, running: Sequence[tuple[subprocess.Popen, Iterator[str]]]) -> None:
        """Until all workers, as `start` returned them, are done.

        Raises:
            RuntimeError: one of them failed.
        """
        with concurrent.futures.ThreadPoolExecutor() as pool:
            told = pool.map(list, [lines for _, lines in running])
        for (process, _), lines in zip(running, told):
            if process.wait():
                raise RuntimeError("the training failed:\n" + "".join(lines))

    def equals(self, whole: Training) -> bool:
        """Whether its losses and its last checkpoint are those of another training."""
        one, two = (_variables(training) for training in (self, whole))
        alike = one.keys() == two.keys() and all(np.allclose(one[n], two[n], rtol=0, atol=1e-6) for n in one)
        return alike and self.losses == whole.losses and not self._contradicted


class NewTraining(Protocol):
    """Makes a training by its name."""

    def __call__(self, name: str, workers: int = 1) -> Training: ...


def checkpoints_of(training: Training) -> list[Path]:
    """The files of its checkpoints, those of the newest last."""
    found = (training.workdir / "checkpoints").glob("ckpt-*")
    return sorted(found, key=lambda path: [*map(int, re.findall(r"\d+", path.stem)), path.name])


def _variables(training: Training) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(checkpoints_of(training)[-1].with_suffix("")))
    return {n: reader.get_tensor(n) for n in reader.get_variable_to_shape_map() if "ATTRIBUTES" in n}


def spoil(path: Path, chance: random.Random, cut: bool) -> None:
    """Cuts a file in half, or flips one of its bits."""
    content = bytearray(path.read_bytes())
    if cut:
        del content[len(content) // 2 :]
    else:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def killed(new: NewTraining, whole: Training, kills: int) -> Survival:
    """kill -9, every other time within the writing of a checkpoint, as far as that can be caught."""
    training, moments, within = new("killed"), random.Random(0), 0
    for number in range(kills):
        process, lines = training.start()
        training.wait_for_losses(lines)
        deadline = time.monotonic() + moments.uniform(0.0, 1.5)
        while time.monotonic() < deadline:
            if number % 2 and any("temp" in path.name for path in (training.workdir / "checkpoints").iterdir()):
                within += 1
                break
            time.sleep(0.0002)
        training.end(process, lines, signal.SIGKILL)
    training.finish()
    remark = f"{within} of them while a checkpoint was being written"
    return Survival("kill -9 at a random moment", kills, kills * training.equals(whole), training.lost, remark)


def terminated(new: NewTraining, whole: Training, times: int) -> Survival:
    """SIGTERM: the training saves, within an epoch too, and its exit status is 0."""
    training, moments, clean, within = new("terminated"), random.Random(1), 0, 0
    for _ in range(times):
        process, lines = training.start()
        training.wait_for_losses(lines)
        time.sleep(moments.uniform(0.0, 1.0))
        clean += training.end(process, lines, signal.SIGTERM) == 0
        within += not checkpoints_of(training)[-1].stem.endswith("-0")
    training.finish()
    remark = f"{within} of them saved within an epoch"
    return Survival("SIGTERM", times, clean * training.equals(whole), training.lost, remark)


def full(new: NewTraining, whole: Training) -> Survival:
    """The disk is full while a checkpoint is written."""
    training = new("full")
    training.workdir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", training.workdir], check=True)
    try:
        process, lines = training.start()
        training.wait_for_losses(lines)
        with open(training.workdir / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1 << 12))
        told = list(lines)
        refused = process.wait() == 1 and len(told) < 20 and "No space left on device" in told[-1]
        (training.workdir / "filler").unlink()
        training.finish()
        survived = refused and training.equals(whole)
    finally:
        subprocess.run(["umount", "--lazy", training.workdir], check=True)
    return Survival("disk full while a checkpoint is written", 1, int(survived), training.lost, told[-1].strip())


def spoiled_checkpoint(new: NewTraining, whole: Training, times: int) -> Survival:
    """A bit of the newest checkpoint is flipped, or the half of it lost."""
    training, chance = new("spoiled"), random.Random(2)
    for number in range(times):
        process, lines = training.start()
        for _ in range(2):  # there is one before the newest, then
            training.wait_for_losses(lines)
        training.end(process, lines, signal.SIGKILL)
        path = checkpoints_of(training)[-1 - number % 2]
        spoil(path, chance, cut=number % 4 > 1)
    training.finish()
    return Survival("a checkpoint's file damaged", times, times * training.equals(whole), training.lost)


def spoiled_record(new: NewTraining, whole: Training, times: int) -> Survival:
    """A bit of a record is flipped while the training runs, or the half of the file lost; then it is mended."""
    training, chance, told = new("records"), random.Random(3), []
    sound = Path(training.records).read_bytes()
    for number in range(times):
        spoil(Path(training.records), chance, cut=bool(number % 2))
        process, lines = training.start()
        last = [line for line in lines if line.strip()][-1]
        told.append(process.wait() == 1 and last.startswith("train: ") and Path(training.records).name in last)
        Path(training.records).write_bytes(sound)
    training.finish()
    return Survival("a record's file damaged", times, sum(told) * training.equals(whole), training.lost, last.strip())


def worker_killed(new: NewTraining, times: int) -> Survival:
    """kill -9 of one worker of two, in turn. It comes back at once; the other ends, and then comes back, too."""
    whole, training = (new(name, workers=2) for name in ("two", "worker"))
    whole.finish()
    moments, told = random.Random(4), []
    running = [training.start(worker) for worker in range(2)]
    for number in range(times):
        training.wait_for_losses(running[0][1])
        time.sleep(moments.uniform(0.0, 1.0))
        victim, other = number % 2, 1 - number % 2
        training.end(*running[victim], signal.SIGKILL)
        running[victim] = training.start(victim)
        process, lines = running[other]
        gone = [line.strip() for line in lines if line.startswith("train: another worker is gone")]
        told.append(process.wait() == 1 and len(gone) == 1)
        running[other] = training.start(other)
    training.wait_for(running)
    survived = sum(told) * training.equals(whole)
    return Survival("one worker of two killed and restarted", times, survived, training.lost, (gone or [""])[-1])


def clock_moved(new: NewTraining, whole: Training) -> Survival:
    """All files come from decades ahead, as after a clock was set back."""
    training = new("clock")
    process, lines = training.start()
    training.wait_for_losses(lines)
    training.end(process, lines, signal.SIGKILL)
    for path in training.workdir.rglob("*"):
        os.utime(path, (4e9, 4e9))
    training.finish()
    fault = "files from decades ahead, as after a clock was set back"
    return Survival(fault, 1, int(training.equals(whole)), training.lost)


def prepare(folder: Path, epochs: int) -> tuple[NewTraining, Training]:
    """What makes trainings of so many epochs, by a name, and one that nothing hits.

    Args:
        folder: for everything that is made.
        epochs: of each training.
    """
    records = folder / "clips.tfrecord"
    write_records(records, [make_clip(6, seed=i, clip_id=f"clip{i}") for i in range(4)])

    def new(name: str, workers: int = 1) -> Training:
        own = folder / f"{name}.tfrecord"  # some are spoiled
        own.write_bytes(records.read_bytes())
        return Training(folder / name, str(own), EPOCH * epochs, workers)

    whole = new("whole")
    whole.finish()
    return new, whole


def campaign(folder: Path, kills: int, times: int) -> Iterator[Survival]:
    """Yields what became of each kind of fault, one after the other.

    Args:
        folder: empty, for everything that is made.
        kills: how often to kill.
        times: how often to try each of the other faults that come by chance.
    """
    new, whole = prepare(folder, epochs=4 * max(kills, 2 * times) + 4)  # every fault costs a few
    yield spoiled_checkpoint(new, whole, times)
    yield spoiled_record(new, whole, times)
    yield clock_moved(new, whole)
    yield terminated(new, whole, times)
    if keras.__version__.startswith("2."):  # Keras 3 cannot train on several workers
        yield worker_killed(new, times)
    if os.geteuid() == 0:
        yield full(new, whole)
    yield killed(new, whole, kills)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="directory to make")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--times", type=int, default=4, help="of each other fault")
    options = parser.parse_args()
    options.output.mkdir(parents=True)
    print(f"An epoch has {EPOCH} iterations.\n")
    print("| fault | tried | survived | iterations lost at most | |\n|---|---:|---:|---:|---|", flush=True)
    for result in campaign(options.output, options.kills, options.times):
        print("|", " | ".join(map(str, dataclasses.astuple(result))), "|", flush=True)
