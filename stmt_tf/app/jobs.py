"""The jobs of all who use the page at a time, and what they uploaded."""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from stmt_tf.app.inputs import check_inputs
from stmt_tf.app.job import Job
from stmt_tf.app.plan import Wish
from stmt_tf.app.settings import AppConfig
from stmt_tf.video.files import VideoError


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
        """Readies a job, to be run, of what `Wish` takes; the session's job before is closed.

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
            job = Job(directory, self._command, Wish(inputs, choices, only), before)
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
