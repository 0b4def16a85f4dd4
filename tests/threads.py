"""Which stages of `stmt_tf.video.threads` are running: others start threads too, progress bars for one."""

from __future__ import annotations

import threading


def running_stages() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("overlapped", "latest")]
