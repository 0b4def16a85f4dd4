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
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stmt_tf.app.inputs import POSES, check_inputs
from stmt_tf.app.settings import AppConfig
from stmt_tf.place.backdrop import TRANSPARENT, colour_of
from stmt_tf.transfer.keywords import TO_TRANSFER, as_config
from stmt_tf.transfer.several import one_for_each
from stmt_tf.video.files import VideoError

_BAR = re.compile(r"(poses|rendering|fine-tuning|result):.*\| (\d+)/(\d+|\?) \[[\d:]+<([\d:?]+)(?:.*, (.*)\])?")
_WARNING = re.compile(r"W\d{4} [^\]]*\] (.*)")
_NOT_MADE = re.compile(r"I\d{4} [^\]]*\] (.*?): not made: (.*)")
_LAST_WORDS, _SOME_FAILED = "transfer: ", "targets could not be made"
_PICTURES = ("preview", "sheet", "attention")
_SAVED = dict(zip(POSES, ("save_source_poses", "save_poses")))
# What poses depend on, beside the files.
_PERSONS = ("source_person", "target_person")
_POSED_BY = ("source_start", "source_end", "start", "end", *_PERSONS)
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
        command: of the transfer, without the flags that follow from what follows.
        inputs: a file for each of the flags source, target and, if another place is to be shown, background; as source
            several photos, as target several videos, too. If poses are known: a file for source_poses, and as many for
            target_poses as there are targets, each of the target of its name, or else in their order.
        choices: further settings, by their flags' names; of `matte` whether there is to be one, and of `background`
            a colour alone.
        only: `people` or `preview`, if that picture is all that is to be made; empty: the video.
        before: another job, whose poses are taken if it has found the same.

    Raises:
        OSError: an input cannot be copied; the directory is gone then.
        TypeError, ValueError: there is no such choice, or it does not go with the inputs.

    Attributes:
        inputs: the copies, whose names differ.
        outputs: paths by the names of their flags, one for each target: people or preview, output, sheet, attention,
            matte, save_poses; and one of save_source_poses. What is not made is not there.
        stages: those of `Progress` that follow the start.
        warnings: what the transfer warned of.
        not_made: why there is no result of a target, by its place in `inputs`, where there is one of others.
        error: why there is no result; empty while there is nothing to complain about.
    """

    def __init__(
        self,
        directory: Path,
        command: Sequence[str],
        inputs: Mapping[str, Sequence[Path]],
        choices: Mapping[str, object],
        only: str = "",
        before: Job | None = None,
    ):
        settings = {name: value for name, value in choices.items() if value is not None and name != "matte"}
        as_config(settings, TO_TRANSFER)
        # Files are inputs alone: what is typed in must not name one of this machine.
        if (background := settings.get("background")) and colour_of(background) is None:
            raise ValueError(f"--background={background} is no colour. Give one such as green or #00ff00, or a file")
        count = len(inputs.get("target", ()))
        if count > 1 and (only == "people" or settings.get("target_person")):
            raise ValueError(
                f"People are numbered in one motion alone, got {count}. Give one, or leave its number at 0."
            )
        if (given := len(inputs.get("target_poses", [None] * count))) != count:
            raise ValueError(f"Poses must be given for each motion: got {given} files of poses for {count}.")
        self.directory, self.only = directory, only
        self._posed_by = [*map(inputs.get, ("source", "target", *POSES)), *map(settings.get, _POSED_BY)]
        if before is not None and before._posed_by == self._posed_by and (poses := before._poses()):
            inputs = {**inputs, **poses}  # of the one person who was meant
            settings = {name: value for name, value in settings.items() if name not in _PERSONS}
        self.inputs = {name: _copies(name, directory / name, paths) for name, paths in inputs.items()}
        ending = ".webm" if settings.get("background") == TRANSPARENT else ".mp4"
        files = {name: f"{name}.png" for name in ([only] if only else _PICTURES)}
        self.stages = ["poses"]
        if not only:
            files["output"] = f"result{ending}"
            if choices.get("matte"):
                files["matte"] = "mask.mp4"
            self.stages += ["rendering", "fine-tuning", "result"] if settings.get("personalize") else ["result"]
        if only != "people":
            files["save_poses"] = f"save_poses/{self.inputs['target'][0].stem}.json"
        flags = {name: directory / (name if count > 1 else file) for name, file in files.items()}
        if only != "people" and len(inputs["source"]) == 1:
            flags["save_source_poses"] = directory / "save_source_poses" / f"{self.inputs['source'][0].stem}.json"
        for name, copies in self.inputs.items():
            if name == "target_poses":
                copies = _matched(copies, self.inputs["target"])
            album = name == "source" and len(copies) > 1
            flags[name] = directory / name if album else ",".join(map(str, copies))
        each = one_for_each(as_config({**settings, **flags}, TO_TRANSFER))
        self.outputs = {name: [Path(getattr(one, name)) for one in each] for name in files}
        if "save_source_poses" in flags:
            self.outputs["save_source_poses"] = [flags["save_source_poses"]]
        self._command = [*command, *(f"--{name}={value}" for name, value in {**settings, **flags}.items())]
        self.warnings: list[str] = []
        self.not_made: dict[int, str] = {}
        self.error = ""
        self._process: subprocess.Popen | None = None
        self._stopped = False
        self._lock = threading.Lock()
        try:
            for name, copies in self.inputs.items():
                copies[0].parent.mkdir(parents=True)
                for path, copy in zip(inputs[name], copies):
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

    def zip_poses(self) -> Path | None:
        """All poses as one file, in folders of the person and the motion; None where there are none."""
        archive = self.directory / "poses.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for folder, name in (("person", "save_source_poses"), ("motion", "save_poses")):
                for path in filter(None, self.made(name)):
                    file.write(path, f"{folder}/{path.name}")
        return archive if file.namelist() else None

    def _poses(self) -> dict[str, list[Path]]:
        """All poses that are to be saved, by the flags that take them; empty while some are not there."""
        poses = {name: self.made(saved) for name, saved in _SAVED.items() if saved in self.outputs}
        return poses if all(map(all, poses.values())) else {}

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


def _copies(name: str, directory: Path, paths: Sequence[Path]) -> list[Path]:
    """A directory for each input, so that files keep their names in what is told; photos stay in their order.

    Several names must differ, and stand between commas.
    """
    if name == "source" and len(paths) > 1:
        return [directory / f"{number:03} {path.name}" for number, path in enumerate(paths, 1)]
    copies: dict[str, Path] = {}
    for number, path in enumerate(paths, 1):
        stem = path.stem.replace(",", "_")
        while stem in copies:
            stem += f" {number}"
        copies[stem] = directory / f"{stem}{path.suffix}"
    return list(copies.values())


def _matched(poses: Sequence[Path], videos: Sequence[Path]) -> list[Path]:
    """Files of poses in the order of the videos of their names; as they come, if some have no such name."""
    named = {path.stem: path for path in poses}
    return [named[video.stem] for video in videos] if named.keys() == {video.stem for video in videos} else poses


class Jobs:
    """The jobs and uploads of all sessions. A session has one job at most, and reaches no other's.

    What a session calls SESSION/NAME are sessions that leave with it.

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

    def begin(
        self, session: str, inputs: Mapping[str, Sequence[Path]], choices: Mapping[str, object], only: str = ""
    ) -> Job:
        """Readies a job, to be run, as `Job` takes it; the session's job before is closed.

        If the session leaves or begins another meanwhile, this one is closed, too, and will not run.

        Raises:
            VideoError: an input is no video, passes the limits, or cannot be kept, or choices do not go together. There
                is no job then.
        """
        before = self.drop(session)
        directory = self._directory / secrets.token_hex(16)
        with self._lock:
            self._begun[session] = directory
        try:
            for name, paths in inputs.items():
                check_inputs(name, paths, self._config, f"{name}/")
            job = Job(directory, self._command, inputs, choices, only, before)
        except OSError as error:
            raise VideoError(f"The videos cannot be kept here ({error.strerror}). Try again later.") from error
        except (TypeError, ValueError) as error:
            raise VideoError(str(error)) from error
        finally:
            if before is not None:
                before.close()
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
        with self._lock:
            sessions = [name for name in self._begun if name == session or name.startswith(f"{session}/")]
        for name in sessions:
            self.cancel(name)
        with self._lock:
            uploads = self._uploads.pop(session, set())
            for path in uploads.difference(*self._uploads.values()):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes all jobs."""
        for session in list(self._begun):
            self.cancel(session)
