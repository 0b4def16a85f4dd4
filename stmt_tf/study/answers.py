"""What the study asks, and the file of answers that its page hands out.

A file is JSON, of one session of one participant:

    schema, study       version of this layout; what was shown, as a hash (`stmt_tf.study.build`)
    methods             the names of the first and the second method
    pairs               number of pairs shown; each was asked every question
    session             a random id; participant: what he or she typed as a name, perhaps nothing
    started, finished   in UTC, ISO 8601
    answers             in the order given: pair, subset, question, left and right (the methods shown there),
                        answer (left, right or not sure), milliseconds (since the question and its videos were seen)
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from stmt_tf.files import PathLike

SCHEMA = 1
LEFT, RIGHT, NOT_SURE = "left", "right", "not sure"


@dataclasses.dataclass(frozen=True)
class Question:
    """A question of the study.

    Attributes:
        key: its name in files.
        title: its row in the table.
        text: what the participant reads.
    """

    key: str
    title: str
    text: str


QUESTIONS = (
    Question("fidelity", "Overall Fidelity", "Which video looks more realistic?"),
    Question("consistency", "Temporal Consistency", "Which video contains less flicker artifacts?"),
)


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        pair: the pair's name.
        subset: the pair's subset, or nothing.
        question: key of the question.
        side: left, right or not sure.
        chosen: 0 for the first method, 1 for the second, 2 for not sure.
        milliseconds: time taken.
    """

    pair: str
    subset: str
    question: str
    side: str
    chosen: int
    milliseconds: int


@dataclasses.dataclass(frozen=True)
class Session:
    """What one participant answered, all of it; the attributes are those of the file."""

    path: str
    study: str
    methods: tuple[str, str]
    session: str
    participant: str
    answers: tuple[Answer, ...]


def read_session(path: PathLike) -> Session:
    """Reads and checks a file of answers.

    Raises:
        ValueError: the file cannot be read, or is not a whole file of answers; names the file.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}). Give the files that the page saved.") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"not JSON: {error}") from error
    try:
        return _session(path, content)
    except KeyError as error:
        raise _damaged(path, f"{error} is missing") from error


def _session(path: PathLike, content: Any) -> Session:
    if not isinstance(content, dict) or "schema" not in content:
        raise _damaged(path, "not a file of answers")
    if content["schema"] != SCHEMA:
        raise ValueError(
            f"{path}: has the layout {content['schema']!r}, this program reads {SCHEMA}. "
            "Tally it with the version of this program that built its page."
        )
    texts = {name: _text(path, content, name) for name in ("study", "session", "participant")}
    methods = content["methods"]
    if not _is_list(methods, str, 2) or methods[0] == methods[1]:
        raise _damaged(path, f"methods should be two names, got {methods!r}")
    if not _is_list(content["answers"], dict) or not content["answers"]:
        raise _damaged(path, f"answers should be a list, got {content['answers']!r:.60}")
    answers = tuple(_answer(path, item, methods) for item in content["answers"])
    asked = {(answer.pair, answer.question) for answer in answers}
    expected = {(answer.pair, question.key) for answer in answers for question in QUESTIONS}
    if asked != expected or len(answers) != len(asked) or len({pair for pair, _ in asked}) != content["pairs"]:
        raise _damaged(
            path,
            f"{len(answers)} answers are not one for each of {len(QUESTIONS)} questions on {content['pairs']} pairs",
        )
    return Session(str(path), methods=(methods[0], methods[1]), answers=answers, **texts)


def _answer(path: PathLike, item: dict[str, Any], methods: list[str]) -> Answer:
    pair, subset, question, left, right, side = (
        _text(path, item, name) for name in ("pair", "subset", "question", "left", "right", "answer")
    )
    if question not in {known.key for known in QUESTIONS}:
        raise _damaged(path, f"unknown question {question!r}")
    if sorted((left, right)) != sorted(methods):
        raise _damaged(path, f"{left!r} and {right!r} were shown, the methods are {methods}")
    if side not in (LEFT, RIGHT, NOT_SURE):
        raise _damaged(path, f"unknown answer {side!r}")
    chosen = 2 if side == NOT_SURE else methods.index(left if side == LEFT else right)
    time = item["milliseconds"]
    if type(time) is not int or time < 0:
        raise _damaged(path, f"milliseconds should be a number, got {time!r}")
    return Answer(pair, subset, question, side, chosen, time)


def _text(path: PathLike, content: dict[str, Any], name: str) -> str:
    if not isinstance(content[name], str):
        raise _damaged(path, f"{name} should be text, got {content[name]!r:.60}")
    return content[name]


def _is_list(value: Any, kind: type, length: int | None = None) -> bool:
    right_length = isinstance(value, list) and length in (None, len(value))
    return right_length and all(isinstance(item, kind) for item in value)


def _damaged(path: PathLike, problem: str) -> ValueError:
    return ValueError(f"{path}: damaged or not from the page ({problem}). Ask for the file again, or leave it out.")
