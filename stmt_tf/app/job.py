"""A transfer as a process of its own, in a directory of its own.

A process can be ended at any moment, gives back its memory, and its faults are its own. What people choose goes in as
the flags of `stmt_tf.transfer`; its bars, warnings and last words on stderr come back as what is told here.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from stmt_tf.app.plan import Plan, Wish

_BAR = re.compile(r"(poses|rendering|fine-tuning|result):.*\| (\d+)/(\d+|\?) \[[\d:]+<([\d:?]+)(?:.*, (.*)\])?")
_WARNING = re.compile(r"W\d{4} [^\]]*\] (.*)")
_NOT_MADE = re.compile(r"I\d{4} [^\]]*\] (.*?): not made: (.*)")
_LAST_WORDS, _SOME_FAILED = "transfer: ", "targets could not be made"
_PATIENCE = 10.0  # seconds in which a process ends by itself; while it loads TensorFlow it does not listen


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: `start`, while all is loaded; `poses`, while people are looked for; `rendering` and `fine-tuning`, while
            the model is personalised; `result`, while frames are made.
        done: frames of this stage, or rendered people, or seconds.
        total: of how many; None if that is not known.
        remaining: time to the end of this stage, such as 01:20; `?` if that is not known.
        motion: the number of the target that it is about, from 1, where there are several; else 0.
    """

    stage: str
    done: int = 0
    total: int | None = None
    remaining: str = "?"
    motion: int = 0


class Job:
    """One transfer, to one target or several. Its directory holds copies of the inputs and, as they come, the outputs.

    Args:
        directory: to make, and to remove in the end.
        command: of the transfer, without the flags that follow from the wish.
        wish: what is to be made.
        before: another job, whose poses are taken if it has found the same.

    Raises:
        OSError: an input cannot be copied; the directory is gone then.
        ValueError: what is wanted does not go together.

    Attributes:
        directory, only: as given.
        inputs, outputs, stages: as in the `Plan`. What is not made is not there.
        warnings: what the transfer warned of.
        not_made: why there is no result of a target, by its place in `inputs`, where there is one of others.
        error: why there is no result; empty while there is nothing to complain about.
    """

    def __init__(self, directory: Path, command: Sequence[str], wish: Wish, before: Job | None = None):
        self.directory, self._wish, self.only = directory, wish, wish.only
        if before is not None and wish.has_poses_of(before._wish) and (poses := before._poses()):
            wish = wish.with_poses(poses)
        self._plan = plan = Plan(wish, directory)
        self.inputs, self.outputs, self.stages = plan.copies, plan.outputs, plan.stages
        self._command = [*command, *(f"--{name}={value}" for name, value in plan.flags.items())]
        self.warnings: list[str] = []
        self.not_made: dict[int, str] = {}
        self.error = ""
        self._process: subprocess.Popen | None = None
        self._stopped = False
        self._lock = threading.Lock()
        try:
            for name, copies in self.inputs.items():
                copies[0].parent.mkdir(parents=True)
                for path, copy in zip(wish.inputs[name], copies):
                    shutil.copyfile(path, copy)
            for paths in self.outputs.values():
                paths[0].parent.mkdir(exist_ok=True)
        except BaseException:
            self.close()
            raise

    def run(self) -> Iterator[Progress]:
        """Makes the video; yields whenever something has changed. A job runs once, and not after `stop`."""
        with self._lock:
            if self._stopped or self._process is not None:
                return
            # As text, so that the carriage returns of its bars end lines too.
            process = self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        yield Progress("start")
        line = ""
        with process.stderr:
            for text in filter(str.strip, process.stderr):
                line = text.strip()
                if self._stopped:
                    continue
                if bar := _BAR.search(line):
                    stage, done, total, remaining, of = bar.groups()
                    motion = self._motion(of) if len(self.inputs["target"]) > 1 else 0
                    yield Progress(stage, int(done), None if total == "?" else int(total), remaining, motion)
                elif warning := _WARNING.match(line):
                    self.warnings.append(self.plainly(warning[1]))
                elif (told := _NOT_MADE.match(line)) and (motion := self._motion(told[1])):
                    self.not_made[motion - 1] = self.plainly(told[2])
        status = process.wait()
        if self.not_made and _SOME_FAILED in line:
            if len(self.not_made) == len(self.inputs["target"]):
                self.error = "; ".join(self.not_made.values())
        elif line.startswith(_LAST_WORDS):
            self.error = self.plainly(line[len(_LAST_WORDS) :])
        elif status:
            self.error = f"The work broke off ({line or f'status {status}'}). A shorter or smaller video may do better."

    def made(self, name: str) -> list[Path | None]:
        """An output of each target; None where it is not there."""
        absent = [None] * len(self.inputs["target"])
        return [path if path and path.exists() else None for path in self.outputs.get(name, absent)]

    def excerpt(self, name: str) -> tuple[float, float]:
        """From which second of the `source` or the `target` to which; 0: from its beginning, to its end."""
        start, end = ("source_start", "source_end") if name == "source" else ("start", "end")
        return float(self._wish.settings.get(start, 0)), float(self._wish.settings.get(end, 0))

    def zip_poses(self) -> Path | None:
        """All poses as one file, in folders of the person and the motion; None where there are none."""
        archive = self.directory / "poses.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for folder, name in (("person", "save_source_poses"), ("motion", "save_poses")):
                for path in filter(None, self.made(name)):
                    file.write(path, f"{folder}/{path.name}")
        return archive if file.namelist() else None

    def _poses(self) -> dict[str, list[Path]]:
        """All poses that were to be saved, by the flags that take them; empty while some are not there."""
        poses = self._plan.saved_poses()
        return poses if all(path.exists() for paths in poses.values() for path in paths) else {}

    def _motion(self, name: str | None) -> int:
        """The number of the target of a file's name, from 1; 0 if there is none."""
        stems = [path.stem for path in self.inputs["target"]]
        return stems.index(Path(name).stem) + 1 if name and Path(name).stem in stems else 0

    def plainly(self, message: object) -> str:
        """A message that names files as source/NAME, target/NAME and so on, without this machine's paths."""
        return str(message).replace(f"{self.directory}/", "")

    def stop(self) -> None:
        """Asks the process to end, if it runs; it may take a few seconds."""
        with self._lock:
            self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Ends the process, if it runs, and removes the directory."""
        self.stop()
        if self._process is not None:
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
