"""What the page tells, as HTML."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from stmt_tf.app.inputs import first_frame
from stmt_tf.app.jobs import Progress
from stmt_tf.app.settings import AppConfig
from stmt_tf.video.files import VideoError
from stmt_tf.video.picture import is_picture

_INPUTS = {"source": "Person", "target": "Motion", "background": "Another place"}
_STAGES = {
    "poses": "finding the people",
    "rendering": "preparing to learn the person",
    "fine-tuning": "learning the person",
    "result": "making the video",
}
_POSTER = 360  # pixels, of its larger side


def introduction(config: AppConfig) -> str:
    """The page's head."""
    return f"""
<h1>Make one person do another's motion</h1>
<p>Give a video or photos of a person, and a video of a motion: the person will do the motion, in the place where the
person is.</p>
<ul>
<li>It works best with one person, whole in view, and a camera that stands still.</li>
<li>Show the person from the sides that the motion shows: what is never seen has to be guessed.</li>
<li>Up to {config.max_seconds:g} seconds and {config.max_megabytes} MB each. Keep this page open: when you close it, all
files are removed.</li>
</ul>"""


def progress_bar(progress: Progress, stages: list[str]) -> str:
    """How far a job of these stages is."""
    if progress.stage == "start":
        return bar("Starting, which takes a few seconds")
    step = f"Step {stages.index(progress.stage) + 1} of {len(stages)}: " if len(stages) > 1 else ""
    text, done, total = step + _STAGES[progress.stage], progress.done, progress.total
    text = text[0].upper() + text[1:]
    if progress.stage == "fine-tuning" and done != total:
        left = total - done
        return bar(f"{text}, {left // 60}:{left % 60:02} left", done / total)
    if done == total:  # what comes next tells nothing until it is there
        return bar(f"{text}, almost done")
    unit = "people" if progress.stage == "rendering" else "frames"
    if total is None:
        return bar(f"{text}, {done} {unit} so far")
    # The first frames take longest, and say little of how long the rest will take.
    rest = f", {progress.remaining} left" if 10 * done >= total else ""
    return bar(f"{text}, {done} of {total} {unit}{rest}", done / total)


def bar(text: str, share: float | None = None) -> str:
    """A bar, that moves by itself where the share is not known."""
    value = "" if share is None else f' value="{share:.3f}"'
    return f'<progress{value} aria-label="Progress"></progress><p role="status">{escape(text)}</p>'


def problem(message: str, labels: Mapping[str, str]) -> str:
    """What went wrong."""
    return f'<div class="problem" role="alert">{paragraphs([message], labels)}</div>'


def paragraphs(messages: list[str], labels: Mapping[str, str]) -> str:
    """Messages of a job, which name files as its directory does and choices as flags do, in the page's words.

    Args:
        messages: a paragraph each.
        labels: of the choices, by their flags' names.
    """
    return "".join(f"<p>{escape(plainly(message, labels))}</p>" for message in messages)


def plainly(message: str, labels: Mapping[str, str]) -> str:
    """One message in the page's words, as text."""
    for name, words in _INPUTS.items():
        message = message.replace(f"{name}/", f"{words}, ")
    return re.sub(r"--(\w+)=", lambda flag: f"{labels[flag[1]]}: " if flag[1] in labels else flag[0], message)


def beside(shown: Mapping[str, tuple[str, Path]]) -> str:
    """Pictures and videos beside each other: of each its name, its words and its file."""
    figures = (
        f'<figure id="shown-{name}"><figcaption>{words}</figcaption>{media(path)}</figure>'
        for name, (words, path) in shown.items()
    )
    return f'<div class="beside">{"".join(figures)}</div>'


def media(path: Path) -> str:
    """A picture or video, which the page serves; a browser that cannot play the video shows its first frame."""
    try:
        first = _as_data(first_frame(path))
    except VideoError:
        first = ""
    if is_picture(path):
        return f'<img src="{first}" alt="">'
    return f'<video controls loop playsinline src="gradio_api/file={quote(str(path))}" poster="{first}"></video>'


def _as_data(image: np.ndarray) -> str:
    shown = Image.fromarray(image)
    shown.thumbnail((_POSTER, _POSTER))
    data = io.BytesIO()
    shown.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
