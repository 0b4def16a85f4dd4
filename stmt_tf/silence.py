"""Silence for native code that writes to the standard error and cannot be told to be quiet."""

from __future__ import annotations

import os
import sys
import threading


class _Silence:
    """Threads share one standard error: the first to enter silences it, the last to leave lets it speak again."""

    def __init__(self):
        self._lock = threading.Lock()
        self._users = 0
        self._saved = -1

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                sys.stderr.flush()
                self._saved = os.dup(2)
                with open(os.devnull, "wb") as devnull:
                    os.dup2(devnull.fileno(), 2)
            self._users += 1

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                sys.stderr.flush()
                os.dup2(self._saved, 2)
                os.close(self._saved)


quiet_stderr = _Silence()
