"""What programs call: `/people`, `/preview` and `/transfer`, with the choices by their flags' names."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

import gradio as gr

from stmt_tf.app.choices import INPUTS, OF_PICTURE, begin_job, hold, keep
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

    def function(request: gr.Request, *values) -> Iterator[list[str | None] | str | None]:
        chosen, session = dict(zip(flags, values)), request.session_hash
        for name in (*INPUTS, "background_file"):
            hold(jobs, chosen.get(name, []), request)
        # A name of its own, as the next call may begin while this one is being cancelled.
        name = f"{session}/{secrets.token_hex(8)}"
        try:
            job = begin_job(jobs, name, chosen, only)
            for _ in job.run():  # it ends here where the program cancels it or goes away
                yield _answer([None] * len(outputs))
            if job.error:
                raise VideoError(job.error)
            made = [keep(jobs, job.outputs[each], request) if job.is_made(each) else None for each in outputs]
        except VideoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        finally:
            jobs.cancel(name)
        yield _answer(made)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    request = inspect.Parameter("request", kind, annotation=gr.Request)
    named = [inspect.Parameter(flag, kind, default=None) for flag in flags]
    function.__signature__ = inspect.Signature([request, *named])  # where gradio takes the parameters' names from
    return function


def _answer(paths: list[str | None]) -> list[str | None] | str | None:
    return paths if len(paths) > 1 else paths[0]
