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
from stmt_tf.app.job import Job, Progress
from stmt_tf.app.settings import AppConfig
from stmt_tf.video.files import VideoError
from stmt_tf.video.picture import is_picture

_INPUTS = {
    "source": "Person",
    "target": "Motion",
    "background": "Another place",
    "source_poses": "Poses of the person",
    "target_poses": "Poses of the motion",
}
_SHOWN = {"source": "The person", "target": "The motion", "output": "The result", "matte": "The mask"}
_DOWNLOADS = {"output": "Download the result", "matte": "Download the mask"}
_PICTURES = {
    "people": "Who is in view",
    "sheet": "At a glance",
    "preview": "The motion, and how it was fitted to the person",
    "attention": "Where each part was taken from",
}
_EXPLAINED = {
    "attention": "For a few frames of the result: how much of each pixel was taken from which picture of the person. "
    "White is all of it, black is nothing."
}
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
person is. Of several motions, each becomes a video.</p>
<ul>
<li>It works best with one person, whole in view, and a camera that stands still.</li>
<li>Show the person from the sides that the motion shows: what is never seen has to be guessed.</li>
<li>Up to {config.max_seconds:g} seconds and {config.max_megabytes} MB of the person, and as much of all motions
together. Keep this page open: when you close it, all files are removed.</li>
</ul>"""


def progress_bar(progress: Progress, job: Job) -> str:
    """How far a job is."""
    if progress.stage == "start":
        return bar("Starting, which takes a few seconds")
    step, stages, count = "", job.stages, len(job.inputs["target"])
    if progress.motion:
        step = f"Motion {progress.motion} of {count}: "
    elif count == 1 and len(stages) > 1:
        step = f"Step {stages.index(progress.stage) + 1} of {len(stages)}: "
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


def results(job: Job, labels: Mapping[str, str]) -> str:
    """What was made: of each target the videos beside each other, their downloads, and pictures; and all poses."""
    return "".join(_result(job, number, labels) for number in range(len(job.inputs["target"]))) + poses(job)


def pictures(job: Job, name: str) -> str:
    """A picture of each target, as far as it is there, under its words and, of several targets, its name."""
    targets, made = job.inputs["target"], job.made(name)
    called = [f"{target.name}: " if len(targets) > 1 else "" for target in targets]
    shown = [(f"{each}{_PICTURES[name]}", _picture(name, path)) for each, path in zip(called, made) if path]
    return "".join(_figure(*each) for each in shown)


def poses(job: Job) -> str:
    """The download of all poses of a job that is done; nothing where there are none."""
    archive = job.zip_poses()
    return f'<p class="downloads">{_download("Download the poses", archive)}</p>' if archive else ""


def _result(job: Job, number: int, labels: Mapping[str, str]) -> str:
    target, several = job.inputs["target"][number], len(job.inputs["target"]) > 1
    head = f"<h2>{escape(target.name)}</h2>" if several else ""
    if number in job.not_made:
        return f"<section>{head}{problem(job.not_made[number], labels)}</section>"
    made = {name: path for name in (*_DOWNLOADS, *_PICTURES) if (path := job.made(name)[number])}
    shown = {**({} if several else {"source": job.inputs["source"][0]}), "target": target, **made}
    excerpts = {name: job.excerpt(name) for name in ("source", "target")}
    figures = [
        _figure(words, media(shown[name], *excerpts.get(name, ())), f"shown-{name}")
        for name, words in _SHOWN.items()
        if name in shown
    ]
    links = [_download(words, made[name], name) for name, words in _DOWNLOADS.items() if name in made]
    folded = [
        f'<details class="{name}"{"" if several or name != "sheet" else " open"}><summary>{words}</summary>'
        f"{paragraphs([_EXPLAINED[name]], {}) if name in _EXPLAINED else ''}{_picture(name, made[name])}</details>"
        for name, words in _PICTURES.items()
        if name in made
    ]
    beside = f'<div class="beside">{"".join(figures)}</div><p class="downloads">{"".join(links)}</p>'
    return f"<section>{head}{beside}{''.join(folded)}</section>"


def _figure(words: str, shown: str, name: str = "") -> str:
    return f'<figure class="{name}"><figcaption>{escape(words)}</figcaption>{shown}</figure>'


def _picture(name: str, path: Path) -> str:
    """A picture at its own size, which is wide but of `people`, and opens alone when it is touched."""
    wide = "" if name == "people" else ' class="wide"'
    image = f'<img src="{_url(path)}" alt="{_PICTURES[name]}">'
    return f'<div{wide}><a href="{_url(path)}" target="_blank">{image}</a></div>'


def _download(words: str, path: Path, name: str = "") -> str:
    called = f"{path.stem} mask{path.suffix}" if name == "matte" and path.stem != "mask" else path.name
    return f'<a class="download-{name or "poses"}" href="{_url(path)}" download="{escape(called)}">{words}</a>'


def _url(path: Path) -> str:
    """Where the page serves a file."""
    return f"gradio_api/file={quote(str(path))}"


def media(path: Path, start: float = 0.0, end: float = 0.0) -> str:
    """A picture or video, which the page serves; a browser that cannot play the video shows its first frame.

    Args:
        path: of the file.
        start, end: seconds of the video to play from and to; 0: from its beginning, to its end.
    """
    try:
        first = _as_data(first_frame(path))
    except VideoError:
        first = ""
    if is_picture(path):
        return f'<img src="{first}" alt="">'
    part = f"#t={start:g}" + (f",{end:g}" if end else "") if start or end else ""
    return f'<video controls loop playsinline src="{_url(path)}{part}" poster="{first}"></video>'


def _as_data(image: np.ndarray) -> str:
    shown = Image.fromarray(image)
    shown.thumbnail((_POSTER, _POSTER))
    data = io.BytesIO()
    shown.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
