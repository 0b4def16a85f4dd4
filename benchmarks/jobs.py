"""Long benchmarks as a list of commands, each of which goes on where it was when it is given again."""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from stmt_tf.files import whole_file


@dataclasses.dataclass(frozen=True)
class Job:
    """A command that makes something, and goes on where it was if it is given again."""

    name: str
    module: str
    arguments: tuple[str, ...]


class Log:
    """The jobs that were done and how long they took, over all runs."""

    def __init__(self, path: Path):
        self._path = path
        self.entries = json.loads(path.read_text()) if path.exists() else {}

    def run(self, jobs: Iterable[Job], after: Callable[[], None] = lambda: None) -> None:
        """Runs the jobs one after the other, but for those done before; ends the process where one fails.

        Args:
            jobs: what is to be done.
            after: called after each of them.
        """
        jobs = list(jobs)
        for job in jobs:  # all of them before the first, which may take hours
            entry = self.entries.get(job.name)
            if entry and entry["command"] != _command(job):
                sys.exit(
                    f"{self._path}: {job.name!r} was made by {entry['command']}; "
                    f"give another directory for {_command(job)}"
                )
        try:
            for job in jobs:
                self._run(job)
                after()
        except subprocess.CalledProcessError as error:
            sys.exit(f"{shlex.join(error.cmd)} ended with {error.returncode}; the same command goes on with it")
        except KeyboardInterrupt:
            sys.exit("interrupted; the same command goes on")

    def _run(self, job: Job) -> None:
        entry = self.entries.setdefault(job.name, {"command": _command(job), "seconds": 0.0, "done": False})
        if entry["done"]:
            return
        print(f"== {job.name}: {_command(job)}", flush=True)
        start = time.monotonic()
        try:
            subprocess.run([sys.executable, "-m", job.module, *job.arguments], check=True)
            entry["done"] = True
        finally:
            entry["seconds"] = round(entry["seconds"] + time.monotonic() - start, 3)
            with whole_file(str(self._path)) as hidden:
                hidden.write_text(json.dumps(self.entries, indent=2) + "\n")

    @property
    def hours(self) -> float:
        """Of all jobs so far."""
        return sum(entry["seconds"] for entry in self.entries.values()) / 3600


def _command(job: Job) -> str:
    return shlex.join(["python", "-m", job.module, *job.arguments])
