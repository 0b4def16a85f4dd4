"""What programs call: `/people`, `/preview` and `/transfer`, with the choices by their flags' names."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Mapping, Sequence

import gradio as gr

from stmt_tf.app.choices import INPUTS, OF_PICTURE, begin_job, hold
from stmt_tf.app.jobs import Jobs
from stmt_tf.video.files import VideoError

_OUTPUTS = ("output", "preview", "sheet", "attention", "matte")
_EXPLAINED = {
    "people": "A picture that numbers the people in view.",
    "preview": "A picture of the fitted poses.",
    "transfer": "The video, the fitted poses, a sheet, attention maps, the mask; null for what is not made.",
}


def lay_out_programs(jobs: Jobs, chosen: Mapping[str, gr.components.Component]) -> None:
    """Adds what programs call to the page that is being laid out.

    Args:
        jobs: makes the videos, one at a time, and those of people between them.
        chosen: what people choose, by the names of flags; programs leave out what has a default.
    """
    for name, what in _EXPLAINED.items():
        flags = OF_PICTURE.get(name, tuple(chosen))
        outputs = [name] if name in OF_PICTURE else _OUTPUTS
        gr.Button(visible=False).click(
            _function(jobs, flags, outputs, name if name in OF_PICTURE else ""),
            [chosen[flag] for flag in flags],
            [gr.File(label=output, visible=False) for output in outputs],
            api_name=name,
            api_description=f"{what} `python -m stmt_tf.transfer --help` explains the parameters.",
            concurrency_limit=1,
            concurrency_id="jobs",
        )


def _function(jobs: Jobs, flags: Sequence[str], outputs: Sequence[str], only: str) -> Callable:
    """A function of the flags that gives the paths of the outputs, None for what is not made."""

    def function(request: gr.Request, *values):
        chosen, session = dict(zip(flags, values)), request.session_hash
        for name in (*INPUTS, "background_file"):
            hold(jobs, chosen.get(name, []), request)
        try:
            # A name of its own, so that the files of one call stay while the next runs.
            job = begin_job(jobs, f"{session}/{secrets.token_hex(8)}", chosen, only)
            for _ in job.run():
                pass
            if job.error:
                raise VideoError(job.error)
        except VideoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        made = [str(job.outputs[name]) if job.is_made(name) else None for name in outputs]
        return made if len(made) > 1 else made[0]

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    request = inspect.Parameter("request", kind, annotation=gr.Request)
    named = [inspect.Parameter(flag, kind, default=None) for flag in flags]
    function.__signature__ = inspect.Signature([request, *named])  # where gradio takes the parameters' names from
    return function
