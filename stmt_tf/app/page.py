"""What people see: two videos are chosen, a third is made.

The page talks to the jobs of `stmt_tf.app.jobs` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from stmt_tf.app.choices import INPUTS, begin_job, hold, lay_out_choices, upload_box
from stmt_tf.app.inputs import POSES, check_inputs, first_frame
from stmt_tf.app.job import Job
from stmt_tf.app.jobs import Jobs
from stmt_tf.app.programs import lay_out_programs
from stmt_tf.app.settings import AppConfig
from stmt_tf.app.words import bar, introduction, media, paragraphs, pictures, poses, problem, progress_bar, results
from stmt_tf.video.files import VideoError

SAMPLES = Path(__file__).parents[2] / "samples"  # in a clone; an installed package has none
_NEXT = {
    "people": "Give the numbers of those who are meant above, under “Who, if several people are in view”.",
    "preview": "Do the skeletons fit? Then make the video: the poses need not be found again.",
}
_FORGETTING = 600, 6 * 3600  # seconds between two looks for uploads that are old, and how old that is
_PLAY_ALL = """() => document.querySelectorAll("#made video").forEach((video) => {
    video.currentTime = /#t=([0-9.]+)/.exec(video.src)?.[1] ?? 0;
    video.play();
})"""
# To what is new, as soon as it is there, if it is not in view: on a phone it seldom is.
_SCROLL = """() => {{
    let patience = 20;
    const timer = setInterval(() => {{
        const box = document.querySelector("{shown}")?.getBoundingClientRect();
        if (box?.height && (box.top < 0 || box.bottom + {below} > window.innerHeight))
            document.querySelector("{to}").scrollIntoView({{behavior: "smooth", block: "start"}});
        if (box?.height || !--patience) clearInterval(timer);
    }}, 150);
}}"""


def create_page(jobs: Jobs, config: AppConfig) -> gr.Blocks:
    """The page; what is chosen on it becomes a job of `jobs`."""
    return _Page(jobs, config).blocks


class _Page:
    """What the page shows, and what it does when it is used: each method that gradio calls returns what changes."""

    def __init__(self, jobs: Jobs, config: AppConfig):
        self._jobs, self._config = jobs, config
        with gr.Blocks(title="Motion transfer", analytics_enabled=False, delete_cache=_FORGETTING) as self.blocks:
            gr.HTML(introduction(config), padding=False)
            self._lay_out_inputs()
            choices, self._number = lay_out_choices()
            self._chosen.update(choices)
            self._labels = {name: component.label for name, component in self._chosen.items()}
            self._lay_out_work()
            self._lay_out_results()
            self._wire()
            lay_out_programs(jobs, self._chosen)

    def _lay_out_inputs(self) -> None:
        self._chosen: dict[str, gr.components.Component] = {}
        self._looks: dict[str, gr.HTML] = {}
        self._cameras: dict[str, gr.Video] = {}
        labels = {"source": "1. The person: a video or photos", "target": "2. The motion: a video, or several"}
        with gr.Row(elem_id="inputs"):
            for name, label in labels.items():
                with gr.Column():
                    self._chosen[name] = upload_box(label, name, several=True)
                    self._looks[name] = gr.HTML(
                        visible=False, elem_id=f"look-{name}", elem_classes="look", padding=False
                    )
                    with gr.Accordion("Or film it here", open=False, elem_id=f"film-{name}"):
                        # Muted or mirrored, it would have to be encoded anew.
                        plain = gr.WebcamOptions(mirror=False)
                        self._cameras[name] = gr.Video(
                            sources=["webcam"], height=280, include_audio=True, webcam_options=plain, show_label=False
                        )
        self._samples = gr.Button("Take the two sample videos", size="sm", elem_id="samples", visible=SAMPLES.is_dir())

    def _lay_out_work(self) -> None:
        with gr.Column(elem_id="work"):
            with gr.Row():
                self._look = gr.Button("Look at the poses first", elem_id="look")
                self._start = gr.Button("Make the video", variant="primary", elem_id="start")
                self._cancel = gr.Button("Cancel", visible=False, elem_id="cancel")
            self._status = gr.HTML(elem_id="status", padding=False)

    def _lay_out_results(self) -> None:
        with gr.Column(visible=False, elem_id="results") as self._results:
            gr.Button("Play all", elem_id="play").click(None, js=_PLAY_ALL)
            self._made = gr.HTML(elem_id="made", padding=False)
        # While the video is made this is all there is; then it makes room for the result.
        self._preview = gr.HTML(visible=False, elem_id="preview", padding=False)

    def _wire(self) -> None:
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        quick = {"queue": False, **quiet}
        for name, see in zip(INPUTS, (self._see_source, self._see_target)):
            self._chosen[name].change(see, self._chosen[name], self._looks[name], **quick)
            self._cameras[name].change(lambda path: path and [path], self._cameras[name], self._chosen[name], **quick)
        for name in ("background_file", *POSES):
            self._chosen[name].change(self._hold, self._chosen[name], None, **quick)
        both = [[str(SAMPLES / f"{name}.mp4")] for name in INPUTS]
        self._samples.click(lambda: both, None, [self._chosen[name] for name in INPUTS], **quick)
        state = [self._number, self._look, self._start, self._cancel, self._status, self._preview, self._results]
        for button, begin in (
            (self._number, self._begin_people),
            (self._look, self._begin_preview),
            (self._start, self._begin_video),
        ):
            begun = button.click(begin, list(self._chosen.values()), state, **quick)
            begun.then(None, js=_SCROLL.format(shown="#work", to="#work", below=0), **quick)
            followed = begun.then(
                self._follow, None, [*state, self._made], concurrency_limit=1, concurrency_id="jobs", **quiet
            )
            followed.then(None, js=_SCROLL.format(shown="#results", to="#results", below=0), **quick)
        preview_height = 400  # pixels, about; it loads later
        self._preview.change(None, js=_SCROLL.format(shown="#preview", to="#work", below=preview_height), **quick)
        self._cancel.click(self._stop, None, state, concurrency_limit=None, **quiet)
        self.blocks.unload(self._leave)

    def _begin_people(self, request: gr.Request, *values) -> dict:
        return self._begin(request, values, "people")

    def _begin_preview(self, request: gr.Request, *values) -> dict:
        return self._begin(request, values, "preview")

    def _begin_video(self, request: gr.Request, *values) -> dict:
        return self._begin(request, values)

    def _begin(self, request: gr.Request, values: tuple, only: str = "") -> dict:
        hidden = {self._preview: gr.update(value="", visible=False), self._results: gr.update(visible=False)}
        try:
            begin_job(self._jobs, request.session_hash, dict(zip(self._chosen, values)), only)
        except VideoError as error:
            self._jobs.cancel(request.session_hash)
            return {**hidden, **self._ready(problem(str(error), self._labels))}
        return {**hidden, **self._buttons(busy=True), self._status: bar("Waiting until the videos of others are made")}

    def _follow(self, request: gr.Request) -> Iterator[dict]:
        session = request.session_hash
        job = self._jobs.of(session)
        if job is None:  # refused, or cancelled while it waited
            yield {self._status: gr.skip()}
            return
        finished, looks = False, ""
        try:
            for progress in job.run():
                change = {self._status: progress_bar(progress, job)}
                if not job.only and (new := pictures(job, "preview")) != looks:
                    looks = new
                    change[self._preview] = gr.update(value=looks, visible=True)
                yield change
            finished = True
        finally:
            if not finished and self._jobs.of(session) is job:  # the page was closed
                self._jobs.cancel(session)
        if self._jobs.of(session) is not job:  # cancelled
            yield {self._status: gr.skip()}
        elif job.error:
            yield self._ready(problem(job.error, self._labels))
        elif job.only:
            next_step = paragraphs([_NEXT[job.only], *job.warnings], self._labels)
            failed = "".join(problem(reason, self._labels) for reason in job.not_made.values())
            shown = gr.update(value=pictures(job, job.only) + poses(job), visible=True)
            yield {**self._ready(next_step + failed), self._preview: shown}
        else:
            yield self._done(job)

    def _ready(self, told: str) -> dict:
        return {**self._buttons(busy=False), self._status: told}

    def _buttons(self, busy: bool) -> dict:
        begin = dict.fromkeys((self._number, self._look, self._start), gr.update(visible=not busy))
        return {**begin, self._cancel: gr.update(visible=busy)}

    def _done(self, job: Job) -> dict:
        count = len(job.inputs["target"])
        done = f"Done, but {len(job.not_made)} of {count} videos could not be made." if job.not_made else "Done."
        return {
            **self._ready(paragraphs([done, *job.warnings], self._labels)),
            self._results: gr.update(visible=True),
            self._made: results(job, self._labels),
            self._preview: gr.update(visible=False),
        }

    def _stop(self, request: gr.Request) -> Iterator[dict]:
        job = self._jobs.drop(request.session_hash)
        hidden = gr.update(visible=False)
        yield {self._cancel: hidden, self._status: bar("Cancelling"), self._preview: hidden}
        if job is not None:
            job.close()
        yield self._ready(paragraphs(["Cancelled. Nothing was kept."], self._labels))

    def _see_source(self, paths: list[str], request: gr.Request) -> dict:
        return self._see("source", paths, request)

    def _see_target(self, paths: list[str], request: gr.Request) -> dict:
        return self._see("target", paths, request)

    def _see(self, name: str, paths: list[str], request: gr.Request) -> dict:
        """Tells at once what files are, or why they cannot be taken."""
        self._hold(paths, request)
        return gr.update(value=self._told_of(name, list(map(Path, paths))) if paths else "", visible=bool(paths))

    def _told_of(self, name: str, paths: list[Path]) -> str:
        try:
            seconds = check_inputs(name, paths, self._config)
            height, width, _ = first_frame(paths[0]).shape
        except VideoError as error:
            return problem(str(error).replace(f"{paths[0].parent}/", ""), self._labels)
        told = f"{'Photo' if seconds is None else f'{seconds:.1f} seconds'}, {width} x {height} pixels"
        if name == "target" and seconds is None:
            told += "; it shows no motion, so the result will have one frame"
        if len(paths) > 1 and name == "source":
            told = f"{len(paths)} photos; the first one shows the place, {width} x {height} pixels"
        elif len(paths) > 1:
            told = f"{len(paths)} motions, {seconds or 0:.1f} seconds together; each becomes a video"
        shown = "".join(map(media, paths))
        return f'<div class="several">{shown}</div>' + paragraphs([told], self._labels)

    def _hold(self, paths: list[str], request: gr.Request) -> None:
        hold(self._jobs, paths, request)

    def _leave(self, request: gr.Request) -> None:
        self._jobs.leave(request.session_hash)
