"""Turns the answers of a user study into the paper's Table 2.

    python -m stmt_tf.study tally answers-*.json --output=table.md

One file is of one participant. The table has the share of answers for each method and of "not sure", by question,
for all pairs and for each subset. In brackets stand 95% intervals; p is of a sign test. Both take participants, not
answers, for independent of each other; the note below the table names the methods.
"""

from __future__ import annotations

from stmt_tf import flags
from stmt_tf.study.settings import TallyConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "stmt_tf.study.tally", TallyConfig, takes_words=True)

import statistics
import sys
from collections.abc import Iterable, Sequence

from stmt_tf.evaluate.report import markdown
from stmt_tf.files import PathLike, whole_file
from stmt_tf.study.answers import LEFT, NOT_SURE, QUESTIONS, Session, read_session
from stmt_tf.study.intervals import share_interval, sign_test
from stmt_tf.video.files import VideoError, check_writable

# The names of the paper's two settings.
_SUBSETS = {"same": "Same-Video", "cross": "Cross-Video"}


def tally(paths: Sequence[PathLike], output: PathLike = "") -> str:
    """Returns the tables, in Markdown; writes them to `output` too, where that is given.

    Raises:
        ValueError: a file is damaged, of another study than the first, or of a session that is there already.
        VideoError: the output cannot be written.
    """
    if output:
        check_writable(output)
    text = tables(read_all(paths))
    if output:
        with whole_file(output) as hidden:
            hidden.write_text(text, encoding="utf-8")
    return text


def read_all(paths: Iterable[PathLike]) -> list[Session]:
    """Reads the files of one study, each session once; in the order of the sessions' ids."""
    sessions: dict[str, Session] = {}
    names: dict[str, Session] = {}
    for path in paths:
        session = read_session(path)
        first = next(iter(sessions.values()), session)
        if session.study != first.study or _shown(session) != _shown(first):
            raise ValueError(
                f"{path}: is of the study {session.study}, {first.path} of {first.study}. Tally one study at a time."
            )
        if session.session in sessions:
            raise ValueError(
                f"{path}: is of the same session as {sessions[session.session].path}. Leave one of the two out."
            )
        sessions[session.session] = session
        other = names.setdefault(session.participant.casefold(), session)
        if session.participant and other is not session:
            print(
                f"warning: {path} and {other.path} both name the participant {session.participant!r}; "
                "they are counted as two people. Leave one out if they are one.",
                file=sys.stderr,
            )
    return [sessions[key] for key in sorted(sessions)]


def _shown(session: Session) -> tuple:
    return session.methods, {(answer.pair, answer.subset) for answer in session.answers}


def tables(sessions: Sequence[Session]) -> str:
    """The tables of sessions of one study: all pairs, then each subset if there are several."""
    first, second = sessions[0].methods
    answers = [answer for session in sessions for answer in session.answers]
    pairs = {answer.pair: answer.subset for answer in answers}
    subsets = sorted(set(pairs.values()), key=lambda name: (name not in _SUBSETS, name != "same", name))
    parts = [
        f"# User study: {first} against {second}\n",
        f"{_counted(len(sessions), 'participant')}, {_counted(len(answers), 'answer')}; study {sessions[0].study}.\n",
        f"## All {_counted(len(pairs), 'pair')}\n",
        _table(sessions, subsets),
    ]
    for subset in subsets if len(subsets) > 1 else ():
        size = _counted(sum(of == subset for of in pairs.values()), "pair")
        parts += [f"## {_SUBSETS.get(subset, subset or 'Others')}: {size}\n", _table(sessions, [subset])]
    decided = [answer for answer in answers if answer.side != NOT_SURE]
    left = sum(answer.side == LEFT for answer in decided)
    seconds = statistics.median(answer.milliseconds for answer in answers) / 1000
    parts += [
        _note(len(sessions)),
        f"The left video was chosen in {left} of {_counted(len(decided), 'decided answer')}. "
        f"The median answer took {seconds:.1f} s.\n",
    ]
    return "\n".join(parts)


def _table(sessions: Sequence[Session], subsets: Sequence[str]) -> str:
    cells = [["", *sessions[0].methods, NOT_SURE, "p"]]
    for question in QUESTIONS:
        # The kinds of answer by participant: [0, 0, 2, 1, ...], 0 and 1 for the methods, 2 for not sure.
        chosen = [
            [a.chosen for a in session.answers if a.question == question.key and a.subset in subsets]
            for session in sessions
        ]
        shares = [
            _share([kinds.count(kind) for kinds in chosen], [len(kinds) for kinds in chosen]) for kind in range(3)
        ]
        # A single participant's answers are all that there is to test; else each participant is one judge.
        judges = chosen if len(chosen) > 1 else [[kind] for kind in chosen[0]]
        p = sign_test([kinds.count(0) - kinds.count(1) for kinds in judges])
        cells.append([question.title, *shares, "< 0.001" if p < 0.001 else f"{p:.3f}"])
    return markdown([[cell.replace("|", "\\|") for cell in line] for line in cells])


def _share(hits: Sequence[int], totals: Sequence[int]) -> str:
    low, high = share_interval(hits, totals)
    return f"{100 * sum(hits) / sum(totals):.1f}% ({100 * low:.1f}-{100 * high:.1f})"


def _note(participants: int) -> str:
    if participants == 1:
        return (
            "In brackets: 95% Wilson intervals over the answers; p: two-sided sign test over those that are sure. "
            "One participant: both tell about this person alone.\n"
        )
    return (
        "In brackets: 95% Wilson intervals, the number of answers reduced by the design effect, since answers of one "
        "participant are alike (Korn and Graubard 1998). p: two-sided sign test over the participants, each for the "
        "method that he or she chose more often. Both tell about other people who see these videos, not about other "
        "videos.\n"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def main(config: TallyConfig, answers: Sequence[str]) -> None:
    """Prints the tables, and writes them where that was asked for."""
    try:
        if not answers:
            raise ValueError("give the files of answers, such as answers-*.json")
        print(tally(answers, config.output), end="")
    except (OSError, ValueError, VideoError) as error:
        sys.exit(f"study tally: {error}")
