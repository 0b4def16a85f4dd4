"""Serves the page: `python -m stmt_tf.app`, then open http://127.0.0.1:7860 in a browser. Needs the extra `app`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Sequence

from absl import app

from stmt_tf import flags
from stmt_tf.config import AppConfig


def main(argv: Sequence[str]) -> None:
    """Serves until an interrupt comes."""
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    try:
        config = flags.read(AppConfig)
        from stmt_tf.app.page import served

        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        logging.getLogger("httpx").setLevel(logging.WARNING)  # of gradio, which calls its own server
        with served(config) as address:
            print(f"The page is at {address} (Ctrl-C ends it)", flush=True)
            ended.wait()
    except ImportError as error:
        sys.exit(f"app: the page needs gradio ({error}). Install it with `pip install .[app]`")
    except (OSError, ValueError) as error:
        sys.exit(f"app: {error}")


def run() -> None:
    """The command."""
    flags.define(AppConfig)
    app.run(main)


if __name__ == "__main__":
    run()
