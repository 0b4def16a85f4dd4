import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from studies import METHODS, answers_of, write_session

from stmt_tf.study.settings import TallyConfig
from stmt_tf.study.tally import main, read_all, tally

ROOT = Path(__file__).resolve().parents[2]
PAIRS = ("same/a.mp4", "cross/b.mp4")
GOOD = [(PAIRS[0], (0, 1)), (PAIRS[1], (2, 1))]


def cells(text, heading):
    """The cells of the lines of the table under a heading."""
    lines = text.partition(f"## {heading}")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


def test_the_papers_answers_give_the_papers_table(tmp_path):
    """20 participants, 10 pairs: 17%, 77.5%, 5.5% and 18.5%, 65%, 16.5% of 200 answers."""
    fidelity = itertools.cycle([0] * 34 + [1] * 155 + [2] * 11)
    consistency = itertools.cycle([0] * 37 + [1] * 130 + [2] * 33)
    names = [f"{subset}/{i}.mp4" for subset in ("same", "cross") for i in range(5)]
    paths = [
        write_session(tmp_path / f"{i}.json", [(name, (next(fidelity), next(consistency))) for name in names])
        for i in range(20)
    ]
    text = tally(paths, tmp_path / "table.md")
    assert (tmp_path / "table.md").read_text() == text
    assert "20 participants, 400 answers" in text
    table = cells(text, "All 10 pairs")
    assert table[""] == [*METHODS, "not sure", "p"]
    assert [cell.split()[0] for cell in table["Overall Fidelity"][:3]] == ["17.0%", "77.5%", "5.5%"]
    assert [cell.split()[0] for cell in table["Temporal Consistency"][:3]] == ["18.5%", "65.0%", "16.5%"]
    assert "Same-Video: 5 pairs" in text and "Cross-Video: 5 pairs" in text


def test_subsets_are_told_apart(tmp_path):
    path = write_session(tmp_path / "a.json", [(PAIRS[0], (0, 1)), (PAIRS[1], (2, 1))])
    text = tally([path])
    half, none = "50.0% (9.5-90.5)", "0.0% (0.0-65.8)"
    assert cells(text, "All 2 pairs")["Overall Fidelity"][:3] == [half, none, half]
    assert cells(text, "Same-Video: 1 pair")["Overall Fidelity"][0].startswith("100.0%")
    assert cells(text, "Cross-Video: 1 pair")["Overall Fidelity"][2].startswith("100.0%")
    assert cells(text, "Cross-Video: 1 pair")["Temporal Consistency"][1].startswith("100.0%")
    assert "1 participant, 4 answers" in text and "One participant" in text


def test_names_of_methods_do_not_break_the_table(tmp_path):
    names = ["a | b", "<b>"]
    path = write_session(tmp_path / "a.json", GOOD, answers=answers_of(GOOD, methods=names), methods=names)
    assert cells(tally([path]), "All")[""][:2] == ["a \\| b", "<b>"]


def test_pairs_without_subsets_make_one_table(tmp_path):
    text = tally([write_session(tmp_path / "a.json", [("a.mp4", (0, 1))])])
    assert text.count("| Overall Fidelity") == 1


def test_participants_are_the_judges_of_the_sign_test(tmp_path):
    choices = [(f"{i}.mp4", (0, 0)) for i in range(4)]
    paths = [write_session(tmp_path / f"{i}.json", choices) for i in range(6)]
    assert cells(tally(paths[:1]), "All")["Overall Fidelity"][3] == f"{2 / 2**4:.3f}"  # four answers
    assert cells(tally(paths), "All")["Overall Fidelity"][3] == f"{2 / 2**6:.3f}"  # six people
    paths = [write_session(tmp_path / f"{i}.json", choices) for i in range(12)]
    assert cells(tally(paths), "All")["Overall Fidelity"][3] == "< 0.001"


def test_sides_do_not_matter_but_are_reported(tmp_path):
    choices = [(PAIRS[0], (0, 0)), (PAIRS[1], (1, 2))]
    one, other = (
        tally([write_session(tmp_path / f"{swapped}.json", choices, swapped)]) for swapped in (False, True)
    )
    assert cells(one, "All") == cells(other, "All")
    assert "left video was chosen in 2 of 3 decided answers" in one
    assert "left video was chosen in 1 of 3 decided answers" in other
    assert "median answer took 4.0 s" in one


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    chosen=st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=5),
    data=st.data(),
)
def test_the_order_of_files_and_answers_does_not_matter(tmp_path, chosen, data):
    paths = []
    for number, (a, b, c, d) in enumerate(chosen):
        choices = data.draw(st.permutations([(PAIRS[0], (a, b)), (PAIRS[1], (c, d))]))
        paths.append(write_session(tmp_path / f"{number}.json", choices, data.draw(st.booleans()) if number else False))
    text = tally(paths)
    assert cells(tally(data.draw(st.permutations(paths))), "All") == cells(text, "All")
    shares = [float(cell.split("%")[0]) for cell in cells(text, "All")["Overall Fidelity"][:3]]
    assert sum(shares) == pytest.approx(100, abs=0.2)


def changed(**changes):
    answers = answers_of(GOOD)
    answers[0].update(changes)
    return answers


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"schema": 2}, "layout 2, this program reads 1"),
        ({"methods": ["a", "a"]}, "methods should be two names"),
        ({"session": 7}, "session should be text, got 7"),
        ({"answers": []}, "answers should be a list"),
        ({"answers": answers_of(GOOD)[1:]}, "3 answers are not one for each of 2 questions on 2 pairs"),
        ({"answers": answers_of(GOOD) * 2}, "8 answers are not one for each"),
        ({"pairs": 3}, "4 answers are not one for each of 2 questions on 3 pairs"),
        ({"answers": changed(answer="both")}, "unknown answer 'both'"),
        ({"answers": changed(question="beauty")}, "unknown question 'beauty'"),
        ({"answers": changed(left="theirs")}, "'theirs' and 'single frame' were shown"),
        ({"answers": changed(milliseconds="long")}, "milliseconds should be a number"),
        ({"answers": changed(milliseconds=True)}, "milliseconds should be a number"),
    ],
)
def test_damaged_answers_are_refused(tmp_path, changes, message):
    good = write_session(tmp_path / "good.json", GOOD)
    path = write_session(tmp_path / "bad.json", GOOD, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        read_all([good, path])
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "<html>", "[" * 100000, '{"schema": 1}', "\x00\xff"])
def test_what_is_no_file_of_answers_is_refused(tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"bad\.json: damaged or not from the page"):
        read_all([tmp_path / "bad.json"])


def test_files_of_different_studies_are_refused(tmp_path):
    one = write_session(tmp_path / "a.json", GOOD)
    other = write_session(tmp_path / "b.json", GOOD, study="0ther")
    with pytest.raises(ValueError, match=r"b\.json: is of the study 0ther, .*a\.json of 5eed"):
        read_all([one, other])


def test_a_session_counts_once(tmp_path):
    one = write_session(tmp_path / "a.json", GOOD)
    copy = write_session(tmp_path / "a (1).json", GOOD, session="a")
    with pytest.raises(ValueError, match=r"a \(1\)\.json: is of the same session as .*a\.json"):
        read_all([one, copy])


def test_one_name_in_two_sessions_is_worth_a_warning(tmp_path, capsys):
    paths = [write_session(tmp_path / f"{i}.json", GOOD, participant=name) for i, name in enumerate(["Ann", "ann", ""])]
    assert len(read_all(paths)) == 3
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1 and "1.json" in warning and "0.json" in warning and "two people" in warning


def test_main_prints_and_writes_the_table(tmp_path):
    paths = [write_session(tmp_path / f"{i}.json", GOOD) for i in range(2)]
    done = subprocess.run(
        [sys.executable, "-m", "stmt_tf.study", "tally", *paths, f"--output={tmp_path}/table.md"],
        cwd=ROOT, capture_output=True, text=True, timeout=3600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (tmp_path / "table.md").read_text() and "| Overall Fidelity " in done.stdout


@pytest.mark.parametrize("output", ["table.md", "none/table.md"])
def test_main_says_in_one_line_what_is_wrong(tmp_path, output):
    bad = write_session(tmp_path / "bad.json", GOOD, answers=changed(answer="both"))
    with pytest.raises(SystemExit) as caught:
        main(TallyConfig(output=str(tmp_path / output)), [bad])
    assert caught.value.code.startswith("study tally: ") and "\n" not in caught.value.code
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


def test_no_file_at_all_is_told():
    with pytest.raises(SystemExit, match=r"study tally: give the files of answers, such as answers-\*\.json"):
        main(TallyConfig(), [])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"none\.json: cannot be read \(No such file"):
        main(TallyConfig(), [str(tmp_path / "none.json")])


def test_a_failed_tally_leaves_the_older_table(tmp_path):
    (tmp_path / "table.md").write_text("older")
    with pytest.raises(SystemExit):
        main(TallyConfig(output=f"{tmp_path}/table.md"), [str(tmp_path / "none.json")])
    assert (tmp_path / "table.md").read_text() == "older"
