"""What programs call: `/people`, `/preview`, `/poses` and `/transfer`, with the choices by their flags' names.

What they get of several targets are lists in the targets' order.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

import gradio as gr

from stmt_tf.app.choices import INPUTS, OF_PICTURE, begin_job, hold, keep
from stmt_tf.app.inputs import POSES
from stmt_tf.app.jobs import Jobs
from stmt_tf.video.files import VideoError

# What else than a picture of its name a call makes, and what it gives.
_MADE = {
    "poses": ("preview", ("save_source_poses", "save_poses")),
    "transfer": ("", ("output", "preview", "sheet", "attention", "matte")),
}
_EXPLAINED = {
    "people": "A picture that numbers the people in view.",
    "preview": "A picture of the fitted poses.",
    "poses": "The poses of the source, null where it is photos, and of the target, as files to be given again.",
    "transfer": "The video, the fitted poses, a sheet, attention maps, the mask; null for what is not made.",
}


def lay_out_programs(jobs: Jobs, chosen: Mapping[str, gr.components.Component]) -> None:
    """Adds what programs call to the page that is being laid out.

    Args:
        jobs: makes the videos, one at a time, and those of people between them.
        chosen: what people choose, by the names of flags; programs leave out what has a default.
    """
    for name, what in _EXPLAINED.items():
        only, outputs = _MADE.get(name, (name, [name]))
        flags = OF_PICTURE.get(only, tuple(chosen))
        gr.Button(visible=False).click(
            _function(jobs, flags, outputs, only),
            [chosen[flag] for flag in flags],
            [_box(output) for output in outputs],
            api_name=name,
            api_description=f"{what} `python -m stmt_tf.transfer --help` explains the parameters.",
            concurrency_limit=1,
            concurrency_id="jobs",
        )


def _function(jobs: Jobs, flags: Sequence[str], outputs: Sequence[str], only: str) -> Callable:
    """A function of the flags that gives the paths of the outputs, None for what is not made; of several targets lists.

    Why one of several is not made is told as a warning.
    """

    def function(request: gr.Request, *values) -> Iterator[object]:
        chosen, session = dict(zip(flags, values)), request.session_hash
        for name in (*INPUTS, *POSES, "background_file"):
            hold(jobs, chosen.get(name, []), request)
        # A name of its own, as the next call may begin while this one is being cancelled.
        name = f"{session}/{secrets.token_hex(8)}"
        try:
            job = begin_job(jobs, name, chosen, only)
            for _ in job.run():  # it ends here where the program cancels it or goes away
                yield _answer([None] * len(outputs))
            if job.error:
                raise VideoError(job.error)
            for reason in job.not_made.values():
                gr.Warning(reason)
            made = [[path and keep(jobs, path, request) for path in job.made(each)] for each in outputs]
        except VideoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        finally:
            jobs.cancel(name)
        yield _answer([paths[0] if len(paths) == 1 else paths for paths in made])

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    request = inspect.Parameter("request", kind, annotation=gr.Request)
    named = [inspect.Parameter(flag, kind, default=None) for flag in flags]
    function.__signature__ = inspect.Signature([request, *named])  # where gradio takes the parameters' names from
    return function


def _answer(outputs: list[object]) -> object:
    return outputs if len(outputs) > 1 else outputs[0]


def _box(output: str) -> gr.File:
    """A place for a file of each target, of which some may not be there; gradio's own takes no gaps."""
    box = gr.File(label=output, visible=False)
    one = box.postprocess

    def each(made: list[str | None] | str | None) -> object:
        return [path and one(path).model_dump() for path in made] if isinstance(made, list) else one(made)

    box.postprocess = each
    return box
