"""The page on a port of this computer, and where it keeps what people give and get."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported

import gradio as gr

from stmt_tf.app.jobs import Jobs
from stmt_tf.app.page import SAMPLES, create_page
from stmt_tf.app.settings import AppConfig

_SYSTEM_FONTS = ["system-ui", "sans-serif"]


async def _refuse(url: str, cache_dir: str) -> str:
    raise gr.Error(f"{url}: files are taken here, and no URLs. Give the file itself.", print_exception=False)


# What gradio fetches has no limit of size, and is asked for from this computer.
gr.processing_utils.async_ssrf_protected_download = _refuse


@contextlib.contextmanager
def served(config: AppConfig, command: Sequence[str] | None = None) -> Iterator[str]:
    """Serves the page for as long as the block lasts; yields its address.

    Of gradio's own habits those are switched off that need another server (reports on its use, fonts) or show what
    nobody asked for (a history of runs).

    Args:
        config: where, and the limits.
        command: makes the videos, as `stmt_tf.app.job.Job` takes it; None: `stmt_tf.transfer` with the config's model.

    Raises:
        OSError: the port is taken, or the address is not this computer's.
    """
    command = command or [sys.executable, "-m", "stmt_tf.transfer", "--nopose_cache", f"--model={config.model}"]
    with tempfile.TemporaryDirectory(prefix="stmt_tf-") as scratch, contextlib.ExitStack() as stack:
        made, uploads = (Path(scratch).resolve() / name for name in ("jobs", "uploads"))
        made.mkdir()
        os.environ["GRADIO_TEMP_DIR"] = str(uploads)
        # What lies there is served as it is; anything else gradio would copy, and keep.
        gr.set_static_paths([made, SAMPLES])
        jobs = stack.enter_context(contextlib.closing(Jobs(made, command, config)))
        page = create_page(jobs, config)
        settings = {
            "server_name": config.host,
            "server_port": config.port,
            "max_file_size": f"{config.max_megabytes}mb",
            "allowed_paths": [str(made), str(SAMPLES)],
            "theme": gr.themes.Default(font=_SYSTEM_FONTS, font_mono=["monospace"]),
            "css_paths": Path(__file__).parent / "page.css",
            "footer_links": ["api"],
            "run_history": False,
            "share": False,
            "ssr_mode": False,
            "quiet": True,
            "prevent_thread_lock": True,
            "_frontend": False,  # gradio's own try of the page gives up after three seconds on a busy machine
        }
        try:
            _, address, _ = page.queue().launch(**settings)
        except OSError as error:  # whose own words name gradio's functions, not our flags
            place = f"--host={config.host} --port={config.port}"
            raise OSError(f"{place}: cannot be served at; the port may be taken. Give another --port") from error
        stack.callback(page.close, verbose=False)
        yield address
