"""Transfers as processes of their own, in directories of their own.

A process can be ended at any moment, gives back its memory, and its faults are its own. What people choose goes in as
the flags of `stmt_tf.transfer`; its bars, warnings and last words on stderr come back as what is told here.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import shutil
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stmt_tf.app.settings import AppConfig
from stmt_tf.video.files import VideoError, is_picture
from stmt_tf.video.reader import open_media, start_time, video_stream

_BAR = re.compile(r"(poses|result):.*\| (\d+)/(\d+|\?) \[[\d:]+<([\d:?]+)")
_WARNING = re.compile(r"W\d{4} [^\]]*\] (.*)")
_LAST_WORDS = "transfer: "
_PATIENCE = 10.0  # seconds in which a process ends by itself; while it loads TensorFlow it does not listen


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: `start`, while all is loaded; `poses`, while people are looked for; `result`, while frames are made.
        done: frames of this stage.
        total: of how many; None if that is not known.
        remaining: time to the end of this stage, such as 01:20; `?` if that is not known.
    """

    stage: str
    done: int = 0
    total: int | None = None
    remaining: str = "?"


class Job:
    """One transfer. Its directory holds copies of the inputs and, as they come, the outputs.

    Args:
        directory: to make, and to remove in the end.
        command: of the transfer, without the flags that follow from what follows.
        inputs: a file for each of the flags source, target and, if another place is to be shown, background.
        choices: further flags.

    Raises:
        OSError: an input cannot be copied; the directory is gone then.

    Attributes:
        inputs: the copies.
        outputs: paths by the names of their flags: preview, output, sheet, attention. What is not made is not there.
        warnings: what the transfer warned of.
        error: why there is no result; empty while there is nothing to complain about.
    """

    def __init__(
        self, directory: Path, command: Sequence[str], inputs: Mapping[str, Path], choices: Mapping[str, str]
    ):
        self.directory = directory
        # A directory for each, so that files keep their names in what is told, whatever these are.
        self.inputs = {name: directory / name / path.name for name, path in inputs.items()}
        pictures = {name: directory / f"{name}.png" for name in ("preview", "sheet", "attention")}
        self.outputs = {"output": directory / "result.mp4", **pictures}
        self.warnings: list[str] = []
        self.error = ""
        flags = {**choices, **self.inputs, **self.outputs}
        self._command = [*command, *(f"--{name}={value}" for name, value in flags.items())]
        self._process: subprocess.Popen | None = None
        self._stopped = False
        self._lock = threading.Lock()
        try:
            for name, copy in self.inputs.items():
                copy.parent.mkdir(parents=True)
                shutil.copyfile(inputs[name], copy)
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
                    stage, done, total, remaining = bar.groups()
                    yield Progress(stage, int(done), None if total == "?" else int(total), remaining)
                elif warning := _WARNING.match(line):
                    self.warnings.append(self.plainly(warning[1]))
        status = process.wait()
        if line.startswith(_LAST_WORDS):
            self.error = self.plainly(line[len(_LAST_WORDS) :])
        elif status:
            self.error = f"The work broke off ({line or f'status {status}'}). A shorter or smaller video may do better."

    def plainly(self, message: object) -> str:
        """A message that names files as source/NAME, target/NAME and background/NAME, without this machine's paths."""
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


class Jobs:
    """The jobs and uploads of all sessions. A session has one job at most, and reaches no other's.

    Args:
        directory: where jobs have their directories, whose names cannot be guessed.
        command: of the transfer, as for `Job`.
        config: the limits.
    """

    def __init__(self, directory: Path, command: Sequence[str], config: AppConfig):
        self._directory, self._command, self._config = directory, command, config
        self._begun: dict[str, Path] = {}  # directories of jobs whose inputs may be on their way yet
        self._jobs: dict[str, Job] = {}
        self._uploads: defaultdict[str, set[Path]] = defaultdict(set)
        self._lock = threading.Lock()

    def begin(self, session: str, inputs: Mapping[str, Path], choices: Mapping[str, str]) -> Job:
        """Readies a job, to be run; the session's job before is closed.

        If the session leaves or begins another meanwhile, this one is closed, too, and will not run.

        Raises:
            VideoError: an input is no video, passes the limits, or cannot be kept. There is no job then.
        """
        self.cancel(session)
        directory = self._directory / secrets.token_hex(16)
        with self._lock:
            self._begun[session] = directory
        try:
            for name, path in inputs.items():
                check_input(path, self._config, f"{name}/{path.name}")
            job = Job(directory, self._command, inputs, choices)
        except OSError as error:
            raise VideoError(f"The videos cannot be kept here ({error.strerror}). Try again later.") from error
        with self._lock:
            wanted = self._begun.get(session) == directory
            if wanted:
                self._jobs[session] = job
        if not wanted:
            job.close()
        return job

    def of(self, session: str) -> Job | None:
        """The session's job."""
        with self._lock:
            return self._jobs.get(session)

    def drop(self, session: str) -> Job | None:
        """Stops the session's job, which is to be closed then; None if it has none."""
        with self._lock:
            self._begun.pop(session, None)
            job = self._jobs.pop(session, None)
        if job is not None:
            job.stop()
        return job

    def cancel(self, session: str) -> None:
        """Closes the session's job, if it has one; nothing is left of it."""
        if (job := self.drop(session)) is not None:
            job.close()

    def hold(self, session: str, upload: Path) -> None:
        """Notes that a session has uploaded a file, which may be another session's too, if the two are alike."""
        with self._lock:
            self._uploads[session].add(upload)

    def leave(self, session: str) -> None:
        """Ends a session: closes its job and removes the uploads that are no other session's."""
        self.cancel(session)
        with self._lock:
            uploads = self._uploads.pop(session, set())
            for path in uploads.difference(*self._uploads.values()):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes all jobs."""
        for session in list(self._begun):
            self.cancel(session)


def check_input(path: Path, config: AppConfig, name: str) -> None:
    """Raises VideoError if a file, called `name` then, is too large, or neither a picture nor a video short enough."""
    megabytes = path.stat().st_size / 1e6
    if megabytes > config.max_megabytes:
        raise VideoError(
            f"{name}: has {megabytes:.1f} MB, more than the {config.max_megabytes} MB taken here. "
            "Give a shorter or smaller one."
        )
    if is_picture(name):
        return
    try:
        seconds = duration(path)
    except VideoError as error:
        raise VideoError(str(error).replace(str(path), name)) from error
    if seconds > config.max_seconds:
        raise VideoError(
            f"{name}: takes {seconds:.1f} s, more than the {config.max_seconds:g} s taken here. Cut it shorter."
        )


def duration(path: Path) -> float:
    """Seconds to the end of a video's last frame, by the times of its packets: not every file states its duration.

    Raises:
        VideoError: the file is no video.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        packets = (packet for packet in container.demux(stream) if packet.pts is not None)
        end = max((packet.pts + (packet.duration or 0) for packet in packets), default=0)
        return float(end * stream.time_base) - start_time(container)
