"""What people see: two videos are chosen, a third is made.

The page talks to `stmt_tf.app.jobs` alone. Of gradio's own habits those are switched off that need another server
(reports on its use, fonts) or show what nobody asked for (an interface for programs, a history of runs).
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported

import gradio as gr

from stmt_tf.app.jobs import Job, Jobs, Progress
from stmt_tf.app.settings import AppConfig
from stmt_tf.video.reader import VideoError

_SAMPLES = Path(__file__).parents[2] / "samples"  # in a clone; an installed package has none
_SYSTEM_FONTS = ["system-ui", "sans-serif"]
_RETARGETING = [
    ("As a whole: moved, and scaled to the person's size", "global"),
    ("Bone by bone, for very different bodies", "bone"),
    ("Not at all: both are framed alike", "none"),
]
_LAYOUTS = [("The result alone", "result"), ("Person, motion and result side by side", "side_by_side")]
_INPUTS = {"source": "Video of the person", "target": "Video of the motion", "background": "Another place"}
_STAGES = {
    "start": "Starting, which takes a few seconds",
    "poses": "Step 1 of 2: finding the people",
    "result": "Step 2 of 2: making the video",
}
_PLAY_ALL = """() => document.querySelectorAll("#results video").forEach((video) => {
    video.currentTime = 0;
    video.play();
})"""


def create_page(jobs: Jobs, config: AppConfig) -> gr.Blocks:
    """The page; what is chosen on it becomes a job of `jobs`."""
    return _Page(jobs, config).blocks


class _Page:
    """What the page shows, and what it does when it is used: each method that gradio calls returns what changes."""

    def __init__(self, jobs: Jobs, config: AppConfig):
        self._jobs = jobs
        with gr.Blocks(title="Motion transfer", analytics_enabled=False) as self.blocks:
            gr.HTML(_introduction(config), padding=False)
            self._lay_out_choices()
            self._lay_out_results()
            self._wire()

    def _lay_out_choices(self) -> None:
        with gr.Row(elem_id="inputs"):
            self._source = gr.Video(label="1. The person, and the place", sources=["upload"], elem_id="source")
            self._target = gr.Video(label="2. The motion to do", sources=["upload"], elem_id="target")
        self._samples = gr.Button(
            "Take the two sample videos", size="sm", elem_id="samples", visible=_SAMPLES.is_dir()
        )
        with gr.Accordion("More choices", open=False, elem_id="choices"):
            fitted = "How the motion is fitted to the person's body"
            self._retargeting = gr.Radio(_RETARGETING, value="global", label=fitted)
            self._layout = gr.Radio(_LAYOUTS, value="result", label="What the video shows")
            self._background = gr.File(
                label="Another place, if you like: a picture, or a video, whose person is taken out of it",
                file_types=["image", "video"],
                height=160,
                elem_id="background",
            )
        self._start = gr.Button("Make the video", variant="primary", elem_id="start")
        self._cancel = gr.Button("Cancel", visible=False, elem_id="cancel")
        self._status = gr.HTML(elem_id="status", padding=False)

    def _lay_out_results(self) -> None:
        with gr.Column(visible=False, elem_id="results") as self._results:
            with gr.Row():
                self._shown = [
                    gr.Video(label=label, interactive=False, loop=True, buttons=[], elem_id=f"shown-{name}")
                    for label, name in (("The person", "source"), ("The motion", "target"), ("The result", "result"))
                ]
            with gr.Row():
                gr.Button("Play all three").click(None, js=_PLAY_ALL)
                self._download = gr.DownloadButton("Download the result", variant="primary", elem_id="download")
            self._sheet = _picture("At a glance", "sheet")
            with gr.Accordion("Where each part was taken from", open=False, elem_id="attention") as self._maps:
                gr.HTML(
                    "<p>For a few frames of the result: how much of each pixel was taken from which picture of the "
                    "person's video. White is all of it, black is nothing.</p>"
                )
                self._attention = _picture("Attention maps", "maps")
        # While the video is made this is all there is; then it makes room for the result.
        look = "Look here first: the motion, and how it was fitted to the person"
        self._preview = _picture(look, "preview", visible=False)

    def _wire(self) -> None:
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        quick = {"queue": False, **quiet}
        for upload in (self._source, self._target, self._background):
            upload.change(self._hold, upload, None, **quick)
        both = [str(_SAMPLES / f"{name}.mp4") for name in ("source", "target")]
        self._samples.click(lambda: both, None, [self._source, self._target], **quick)
        chosen = [self._source, self._target, self._background, self._retargeting, self._layout]
        state = [self._start, self._cancel, self._status, self._preview]
        made = [*self._shown, self._download, self._sheet, self._maps, self._attention]
        self._start.click(self._begin, chosen, [*state, self._results], **quick).then(
            self._follow, None, [*state, self._results, *made], concurrency_limit=1, **quiet
        )
        self._cancel.click(self._stop, None, state, concurrency_limit=None, **quiet)
        self.blocks.unload(self._leave)

    def _begin(self, source, target, background, retarget, layout, request: gr.Request) -> dict:
        hidden = {self._preview: gr.update(value=None, visible=False), self._results: gr.update(visible=False)}
        inputs = {"source": source, "target": target, "background": background}
        if not source or not target:
            self._jobs.cancel(request.session_hash)
            needed = "Two videos are needed: one of the person, and one of the motion."
            return {**hidden, **self._ready(_problem(needed))}
        try:
            inputs = {name: Path(path) for name, path in inputs.items() if path}
            self._jobs.begin(request.session_hash, inputs, {"retarget": retarget, "layout": layout})
        except VideoError as error:
            return {**hidden, **self._ready(_problem(str(error)))}
        return {
            **hidden,
            self._start: gr.update(visible=False),
            self._cancel: gr.update(visible=True),
            self._status: _bar("Waiting until the videos of others are made"),
        }

    def _follow(self, request: gr.Request) -> Iterator[dict]:
        session = request.session_hash
        job = self._jobs.of(session)
        if job is None:  # refused, or cancelled while it waited
            yield {self._status: gr.skip()}
            return
        finished, previewed = False, False
        try:
            for progress in job.run():
                change = {self._status: _progress(progress)}
                if not previewed and job.outputs["preview"].exists():
                    previewed = True
                    change[self._preview] = gr.update(value=str(job.outputs["preview"]), visible=True)
                yield change
            finished = True
        finally:
            if not finished and self._jobs.of(session) is job:  # the page was closed
                self._jobs.cancel(session)
        if self._jobs.of(session) is not job:  # cancelled
            yield {self._status: gr.skip()}
        elif job.error:
            yield self._ready(_problem(job.error))
        else:
            yield self._done(job)

    def _ready(self, told: str) -> dict:
        return {self._start: gr.update(visible=True), self._cancel: gr.update(visible=False), self._status: told}

    def _done(self, job: Job) -> dict:
        result = str(job.outputs["output"])
        paths = [*(str(job.inputs[name]) for name in ("source", "target")), result]
        has_maps = job.outputs["attention"].exists()
        return {
            **self._ready(_paragraphs("Done.", *job.warnings)),
            self._results: gr.update(visible=True),
            **dict(zip(self._shown, paths)),
            self._download: result,
            self._sheet: str(job.outputs["sheet"]),
            self._maps: gr.update(visible=has_maps, open=False),
            self._attention: str(job.outputs["attention"]) if has_maps else None,
        }

    def _stop(self, request: gr.Request) -> Iterator[dict]:
        job = self._jobs.drop(request.session_hash)
        hidden = gr.update(visible=False)
        yield {self._cancel: hidden, self._status: _bar("Cancelling"), self._preview: hidden}
        if job is not None:
            job.close()
        yield self._ready(_paragraphs("Cancelled. Nothing was kept."))

    def _hold(self, path: str | None, request: gr.Request) -> None:
        if path and not Path(path).is_relative_to(_SAMPLES):
            self._jobs.hold(request.session_hash, Path(path))

    def _leave(self, request: gr.Request) -> None:
        self._jobs.leave(request.session_hash)


def _picture(label: str, name: str, visible: bool = True) -> gr.Image:
    return gr.Image(
        label=label,
        interactive=False,
        type="filepath",
        buttons=["download", "fullscreen"],
        visible=visible,
        elem_id=name,
        elem_classes="wide",
    )


def _introduction(config: AppConfig) -> str:
    return f"""
<h1>Make one person do another's motion</h1>
<p>Give two videos: the person of the first will do the motion of the second, in the place of the first.</p>
<ul>
<li>It works best with one person, whole in view, and a camera that stands still.</li>
<li>Show the person from the sides that the motion shows: what is never seen has to be guessed.</li>
<li>Up to {config.max_seconds:g} seconds and {config.max_megabytes} MB each. Keep this page open: when you close it, all
files are removed.</li>
</ul>"""


def _progress(progress: Progress) -> str:
    text = _STAGES[progress.stage]
    if progress.stage == "start":
        return _bar(text)
    if progress.total is None:
        return _bar(f"{text}, {progress.done} frames so far")
    # The first frames take longest, and say little of how long the rest will take.
    rest = f", {progress.remaining} left" if 10 * progress.done >= progress.total else ""
    return _bar(f"{text}, {progress.done} of {progress.total} frames{rest}", progress.done / progress.total)


def _bar(text: str, share: float | None = None) -> str:
    value = "" if share is None else f' value="{share:.3f}"'
    return f'<progress{value} aria-label="Progress"></progress><p role="status">{escape(text)}</p>'


def _problem(message: str) -> str:
    return f'<div class="problem" role="alert">{_paragraphs(message)}</div>'


def _paragraphs(*messages: str) -> str:
    """Messages of a job, which name files as its directory does, in the page's words."""
    text = "".join(f"<p>{escape(message)}</p>" for message in messages)
    for name, words in _INPUTS.items():
        text = text.replace(f"{name}/", f"{words}, ")
    return text


@contextlib.contextmanager
def served(config: AppConfig, command: Sequence[str] | None = None) -> Iterator[str]:
    """Serves the page for as long as the block lasts; yields its address.

    Args:
        config: where, and the limits.
        command: makes the videos, as `stmt_tf.app.jobs.Job` takes it; None: `stmt_tf.transfer` with the config's model.

    Raises:
        OSError: the port is taken, or the address is not this computer's.
    """
    command = command or [sys.executable, "-m", "stmt_tf.transfer", "--nopose_cache", f"--model={config.model}"]
    with tempfile.TemporaryDirectory(prefix="stmt_tf-") as scratch, contextlib.ExitStack() as stack:
        made = Path(scratch).resolve() / "jobs"
        made.mkdir()
        os.environ["GRADIO_TEMP_DIR"] = os.path.join(scratch, "uploads")
        # What lies there is served as it is; anything else gradio would copy, and keep.
        gr.set_static_paths([made, _SAMPLES])
        jobs = stack.enter_context(contextlib.closing(Jobs(made, command, config)))
        page = create_page(jobs, config)
        settings = {
            "server_name": config.host,
            "server_port": config.port,
            "max_file_size": f"{config.max_megabytes}mb",
            "allowed_paths": [str(made), str(_SAMPLES)],
            "theme": gr.themes.Default(font=_SYSTEM_FONTS, font_mono=["monospace"]),
            "css_paths": Path(__file__).parent / "page.css",
            "footer_links": [],
            "run_history": False,
            "share": False,
            "ssr_mode": False,
            "quiet": True,
            "prevent_thread_lock": True,
        }
        try:
            _, address, _ = page.queue().launch(**settings)
        except OSError as error:  # whose own words name gradio's functions, not our flags
            place = f"--host={config.host} --port={config.port}"
            raise OSError(f"{place}: cannot be served at; the port may be taken. Give another --port") from error
        stack.callback(page.close, verbose=False)
        yield address
