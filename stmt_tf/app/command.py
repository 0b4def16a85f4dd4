"""The page as a command, until an interrupt comes."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from stmt_tf.app.settings import AppConfig
from stmt_tf.models.versions import newest
from stmt_tf.serving.manifest import read_manifest
from stmt_tf.zoo import find_model


def main(config: AppConfig) -> None:
    """Serves until an interrupt comes."""
    try:
        read_manifest(newest(find_model(config.model)))  # else every job would fail
        from stmt_tf.app.serve import served

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
