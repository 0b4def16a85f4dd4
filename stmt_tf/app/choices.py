"""What can be chosen beside the two videos: each choice by the name of its flag, with the command's default."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from stmt_tf.app.inputs import POSES
from stmt_tf.app.job import Job
from stmt_tf.app.jobs import Jobs
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.files import VideoError

INPUTS = ("source", "target")
_PARTS = ("source_start", "source_end", "start", "end")
# What has an effect on a picture that is all that is to be made.
OF_PICTURE = {
    "people": (*INPUTS, *_PARTS),
    "preview": (*INPUTS, *_PARTS, "source_person", "target_person", "retarget", "smooth_poses", *POSES),
}
DEFAULTS = TransferConfig()
_RETARGETING = [
    ("As a whole: moved, and scaled to the person's size", "global"),
    ("Bone by bone, for very different bodies", "bone"),
    ("Not at all: both are framed alike", "none"),
]
_LAYOUTS = [("The result alone", "result"), ("Person, motion and result side by side", "side_by_side")]
_SCENES = [("The person's own", "source"), ("That of the motion, in place of who is there", "target")]
_BACKGROUNDS = [("As it is", ""), "transparent", "white", "black", "green", "blue"]
_SIZES = 128, 1536
_MOST_MINUTES, _MOST_FRAMES, _MOST_SMOOTHED = 10, 32, 1.0


def lay_out_choices() -> tuple[dict[str, gr.components.Component], gr.Button]:
    """Groups of choices, closed at first; gives them by the names of their flags, and the button that numbers people.

    `background_file` is none, but a file in the place of `background`; of `matte` it is whether there is to be one.
    """
    chosen: dict[str, gr.components.Component] = {}
    with gr.Accordion("Who, if several people are in view", open=False, elem_id="who"):
        with gr.Row():
            chosen["source_person"] = _number("Person: number; 0: the largest")
            chosen["target_person"] = _number("Motion: number; 0: the largest")
        number = gr.Button("Show the numbers", elem_id="number")
    with gr.Accordion("A part of the videos", open=False, elem_id="parts"), gr.Row():
        chosen["source_start"] = _number("Person: from second", None)
        chosen["source_end"] = _number("Person: to second; 0: the end", None)
        chosen["start"] = _number("Motion: from second", None)
        chosen["end"] = _number("Motion: to second; 0: the end", None)
    with gr.Accordion("Place and background", open=False, elem_id="place"):
        chosen["scene"] = gr.Radio(_SCENES, value=DEFAULTS.scene, label="Place")
        chosen["background"] = gr.Dropdown(
            _BACKGROUNDS,
            value=DEFAULTS.background,
            allow_custom_value=True,
            label="Background",
            info="Any colour can be typed in, such as teal or #ff8800.",
        )
        chosen["background_file"] = upload_box(
            "Another place: a picture, or a video, whose person is taken out of it", "background_file"
        )
        chosen["layout"] = gr.Radio(_LAYOUTS, value=DEFAULTS.layout, label="What the video shows")
        chosen["held_objects"] = gr.Checkbox(
            value=DEFAULTS.held_objects, label="Keep what the person holds in some pictures only"
        )
        chosen["matte"] = gr.Checkbox(value=False, label="Also make a mask: a video, white where the person is")
    with gr.Accordion("Fit of the motion", open=False, elem_id="fit"):
        chosen["retarget"] = gr.Radio(
            _RETARGETING, value=DEFAULTS.retarget, label="How the motion is fitted to the person's body"
        )
        chosen["smooth_poses"] = gr.Slider(
            0, _MOST_SMOOTHED, DEFAULTS.smooth_poses, step=0.1, label="Seconds to smooth the motion over, if it jitters"
        )
    with gr.Accordion("Quality and time", open=False, elem_id="quality"):
        chosen["num_source_frames"] = gr.Slider(
            0,
            _MOST_FRAMES,
            DEFAULTS.num_source_frames,
            step=1,
            precision=0,
            label="Pictures of the person to look at",
            info="More show the person from more sides, and take longer. 0: as many as the model was made for.",
        )
        chosen["max_size"] = gr.Slider(
            *_SIZES,
            DEFAULTS.max_size,
            step=64,
            precision=0,
            label="Pixels of the square around the person, at most",
            info="Less is quicker, and less sharp.",
        )
        chosen["fps"] = _number("Pictures per second of the video; 0: as many as the motion has", None)
        chosen["personalize"] = gr.Slider(
            0,
            _MOST_MINUTES,
            DEFAULTS.personalize,
            step=0.5,
            label="Minutes to learn the person first",
            info="It takes a minute or two more, and the gain is small. 0: not at all.",
        )
    with gr.Accordion("Poses of before", open=False, elem_id="poses"):
        gr.HTML(
            "<p>What “Download the poses” gave for the same videos: the people need not be found again. Of several "
            "motions each takes the file of its name; if names differ, files are taken in the motions' order.</p>"
        )
        with gr.Row():
            chosen["source_poses"] = upload_box("Poses of the person: a .json file", "source_poses")
            chosen["target_poses"] = upload_box("Poses of the motions: .json files", "target_poses", True)
    return chosen, number


def begin_job(jobs: Jobs, session: str, chosen: Mapping[str, object], only: str = "") -> Job:
    """Readies a job of what was chosen, by the names of `lay_out_choices` and of the inputs; see `Jobs.begin`."""
    if not all(chosen[name] for name in INPUTS):
        raise VideoError("Two files are needed: one of the person, and one of the motion.")
    wanted = OF_PICTURE.get(only, chosen)
    taken = [name for name in (*INPUTS, *POSES) if name in wanted and chosen[name]]
    files = {name: [Path(path) for path in chosen[name]] for name in taken}
    if only == "people" and len(files["source"]) > 1:  # photos show one person
        del files["source"]
    settings = {name: chosen[name] for name in wanted if name not in (*INPUTS, *POSES)}
    if file := settings.pop("background_file", None):
        if background := settings.pop("background", None):
            raise VideoError(f"The background is {background} and a file. Leave one of them out.")
        files["background"] = [Path(path) for path in file]
    return jobs.begin(session, files, settings, only)


def hold(jobs: Jobs, paths: Sequence[str], request: gr.Request) -> None:
    """Notes uploads, which go with their session; other files, such as samples, are nobody's."""
    for path in paths:
        if Path(path).resolve().is_relative_to(Path(os.environ["GRADIO_TEMP_DIR"]).resolve()):
            jobs.hold(request.session_hash, Path(path))


def keep(jobs: Jobs, made: Path, request: gr.Request) -> str:
    """Moves what was made for a program beside its uploads, with which it goes."""
    kept = Path(os.environ["GRADIO_TEMP_DIR"], secrets.token_hex(16), made.name)
    kept.parent.mkdir(parents=True)
    jobs.hold(request.session_hash, made.rename(kept))
    return str(kept)


def upload_box(label: str, name: str, several: bool = False) -> gr.File:
    """A place for a file of any type, or for several: what browsers call a video is not what can be read."""
    box = gr.File(
        label=label, height=140, elem_id=name, file_count="multiple" if several else "single", allow_reordering=several
    )
    box.data_model = _Files if several else _File
    box.preprocess = _paths  # gradio's own leaves an empty file behind each time
    return box


class _File(FileData):
    """A file that was uploaded."""

    @classmethod
    def model_validate(cls, given, **how) -> _File:
        with _told(given):
            return super().model_validate(given, **how)


class _Files(ListFiles):
    """Several files, or one, as programs give it."""

    @classmethod
    def model_validate(cls, given, **how) -> _Files:
        with _told(given):
            return super().model_validate([given] if isinstance(given, dict) else given, **how)


@contextlib.contextmanager
def _told(given: object) -> Iterator[None]:
    """Tells a program that gave something else than uploaded files, such as a path, how files are given."""
    try:
        yield
    except ValueError as error:
        told = f"{given}: not an uploaded file. Upload it first, as gradio_client's handle_file does."
        raise gr.Error(told, print_exception=False) from error


def _paths(payload: ListFiles | FileData | None) -> list[str]:
    files = payload.root if isinstance(payload, ListFiles) else [payload] if payload else []
    return [file.path for file in files]


def _number(label: str, precision: int | None = 0) -> gr.Number:
    return gr.Number(0, label=label, minimum=0, precision=precision, min_width=100)
