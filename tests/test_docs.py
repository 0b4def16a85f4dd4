"""The pages of the documentation: commands that parse, flags, files and links that exist, Python that runs."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import itertools
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from callers import call
from pages import PAGES, ROOT, anchors, blocks, commands, links, prose, read, spans
from studies import write_results, write_session
from test_packaging import IMPORTS
from transfers import Painter

import stmt_tf
from stmt_tf import MotionTransfer
from stmt_tf.app.settings import AppConfig
from stmt_tf.video.reader import read_frames
from stmt_tf.video.sheet import write_png
from stmt_tf.video.writer import VideoWriter

README = Path("README.md")
LANGUAGES = {"bash", "python", "text", "bibtex"}
# Programs of others, whose flags are theirs.
OTHERS = {"docker", "ruff", "source", "tensorboard", ".ci/run"}
FOLDERS = (
    ".ci", "benchmarks", "configs", "dancers", "docs", "examples", "samples", "saved_models", "stmt_tf", "tests",
    "tfrecords_tools",
)  # fmt: skip
OF_PYTEST = {"assets": None, "browser": None}
COMMANDS = "stmt_tf", "tfrecords_tools", "benchmarks"
# `make` leaves the extra out.
NOT_INSTALLED = "No module named 'onnx"


def shell_commands(page):
    """The commands of a page's blocks, as words."""
    return [words for block in blocks(page, "bash") for words in commands(block.text)]


def python_arguments(words):
    """What Python is given by a command of the project; None of another one's."""
    if words[0] == "stmt-tf" and words[1:]:
        return ["-m", f"stmt_tf.{words[1]}", *words[2:]]
    if words[0] == "python" and words[1:3] != ["-m", "pytest"]:
        return words[1:]
    return None


def name_of(arguments):
    """The command that Python is given, without its flags."""
    return tuple(itertools.takewhile(lambda word: not word.startswith("--"), arguments))


def command_of_span(span):
    """The command that code within a sentence is of, as Python is given it, and its flags; None of other code."""
    words = [word for word in span.split() if word != "..."]
    if words[0] in ("python", "stmt-tf"):
        arguments = python_arguments(words)
        if arguments and "NAME" not in " ".join(arguments):
            return name_of(arguments), arguments[len(name_of(arguments)) :]
    if len(words) > 1 and words[1].startswith("--"):
        for package in COMMANDS:
            module = words[0] if "." in words[0] else f"{package}.{words[0]}"
            if (ROOT / module.replace(".", "/")).is_dir() or (ROOT / f"{module.replace('.', '/')}.py").is_file():
                return ("-m", module), words[1:]
    return None


@pytest.fixture(scope="module")
def tried():
    """What the commands of all pages say to their command lines, see `command_lines`, by these.

    By the command alone, without flags, are the flags that it has.
    """
    lines = [arguments for page in PAGES for words in shell_commands(page) if (arguments := python_arguments(words))]
    whole = {tuple(arguments): True for arguments in lines}
    named = {found[0] for page in PAGES for span in spans(page) if (found := command_of_span(span))}
    missing = named - {name_of(arguments) for arguments in lines}
    trials = [{"arguments": a, "whole": whole} for a, whole in {**dict.fromkeys(missing, False), **whole}.items()]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "command_lines.py")], cwd=ROOT, capture_output=True, text=True,
        input=json.dumps(trials), timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = dict(zip((trial["arguments"] for trial in trials), json.loads(done.stdout)))
    return {**{name_of(arguments): result for arguments, result in results.items()}, **results}


def by_page(test):
    return pytest.mark.parametrize("page", PAGES, ids=str)(test)


@pytest.mark.slow
@by_page
def test_every_command_is_one_that_its_program_takes(page, tried):
    for words in shell_commands(page):
        arguments = python_arguments(words)
        if arguments:
            error = tried[tuple(arguments)]["error"]
            assert error is None or NOT_INSTALLED in error, f"{shlex.join(words)}\n{error}"
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
        elif words[:2] == ["pip", "install"]:
            extras = re.findall(r"^        \"(\w+)\": ", (ROOT / "setup.py").read_text(), re.MULTILINE)
            asked = re.fullmatch(r"\.\[([\w,]+)\]", words[2])[1].split(",")
            assert set(asked) <= set(extras), words
        else:
            assert words[0] in OTHERS or words[:3] == ["python", "-m", "pytest"], words


@pytest.mark.slow
@by_page
def test_flags_in_sentences_are_flags_of_their_commands(page, tried):
    of_any = {name: values for result in tried.values() for name, values in result["flags"].items()}
    of_any |= OF_PYTEST | {"help": None}
    for span in spans(page):
        found = command_of_span(span)
        flags, words = of_any, span.split()
        if found:
            result, words = tried[found[0]], found[1]
            assert result["error"] is None or NOT_INSTALLED in result["error"], f"{span}: {result['error']}"
            flags = (result["flags"] or of_any) | {"help": None}
        for word in (word for word in words if re.match(r"--\w", word)):
            name, _, value = word[2:].rstrip(",;").partition("=")
            name = name if name in flags else name[2:] if name.startswith("no") else name
            assert name in flags, f"`{span}`: no flag {word}"
            assert not (value and flags[name]) or value in flags[name], f"`{span}`: {word} of {flags[name]}"


@by_page
def test_files_and_modules_that_are_named_exist(page):
    words = [word for line in [*shell_commands(page), *map(str.split, spans(page))] for word in line]
    for path in (path for word in words for path in re.split(r"[=,]", word)):
        if path.split("/")[0] in FOLDERS and "/" in path:
            assert list(ROOT.glob(path.rstrip("/"))), path
        elif re.fullmatch(rf"({'|'.join(COMMANDS)}|dancers)(\.[a-z]\w+)+", path):
            assert exists(path), path


def exists(name):
    """Whether there is a module of a dotted name, or something of that name in one."""
    module, _, attribute = name.rpartition(".")
    return importlib.util.find_spec(name) is not None or hasattr(importlib.import_module(module), attribute)


@by_page
def test_links_lead_somewhere(page):
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = Path(os.path.normpath(page.parent / path)) if path else page
        assert (ROOT / target).exists(), link
        assert not anchor or anchor in anchors(target), link


@by_page
def test_code_tells_its_language(page):
    assert {block.language for block in blocks(page)} <= LANGUAGES
    assert not re.search(r"^```", prose(page), re.MULTILINE), "a block without an end"
    assert not re.search(r"\n\n    \S", prose(page)), "an indented block, whose commands nothing checks"


@by_page
def test_names_that_python_imports_exist(page):
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


def test_readme_is_short_and_leads_to_every_page():
    assert len(read(README).splitlines()) <= 150
    assert {str(page) for page in PAGES} - {str(README)} <= set(links(README))


def test_the_table_of_imports_is_that_of_the_code():
    rows = {name: " ".join(f"`{other}`" for other in others.split()) or "nothing" for name, others in IMPORTS.items()}
    table = "\n".join(f"| `{name}` | {others} |" for name, others in rows.items())
    assert f"| folder | imports |\n|---|---|\n{table}\n\n" in read(Path("docs/design.md")), f"the table is\n{table}"


def test_tests_that_the_pages_name_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)`: `(\w+)`", read(Path("docs/paper.md")))
    assert len(named) > 20
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {stmt_tf.__version__}\n" in text


SMALLER = {
    "tfrecords_tools.synthetic_dancers": ["--num_videos=20", "--size=32", "--frames_per_video=4", "--processes=1"],
}


def run(words, folder):
    """Runs a command as it is written, but with less to do; returns what it prints."""
    arguments = python_arguments(words)
    command = [sys.executable, *arguments, *SMALLER.get(arguments[1], [])]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"
    return done.stdout


def commands_of(page, *modules):
    return [words for words in shell_commands(Path(page)) if words[:2] == ["python", "-m"] and words[2] in modules]


@pytest.mark.slow
def test_records_are_rendered_looked_at_and_found_sound(tmp_path):
    names = "synthetic_dancers", "inspect_clips", "validate"
    rendering, looking, checking = (f"tfrecords_tools.{name}" for name in names)
    for words in commands_of("docs/data.md", rendering, looking):
        run(words, tmp_path)
    assert (tmp_path / "look.png").exists()
    (words,) = commands_of("docs/data.md", checking)
    assert run(words, tmp_path).startswith("0 faults in 20 records")


@pytest.fixture
def videos(tmp_path):
    """A folder with the videos and the picture that the pages' Python names."""
    for name, sample in (("A", "source"), ("B", "target"), ("D", "target")):
        frames = itertools.islice(read_frames(ROOT / "samples" / f"{sample}.mp4"), 12)
        with VideoWriter(tmp_path / f"{name}.mp4", (384, 384), 25) as writer:
            for frame in frames:
                writer.write(frame.image)
    write_png(str(tmp_path / "place.jpg"), np.zeros((9, 9, 3), np.uint8))
    return tmp_path


@pytest.fixture
def served_page(monkeypatch):
    """A page that gives back its source for whatever it should make, in the place of the one that the pages name."""
    gradio_client = pytest.importorskip("gradio_client")
    from stmt_tf.app.serve import served

    copy = """if True:
        import os, shutil, sys
        flags = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
        for name in flags.keys() & {"output", "preview", "sheet", "matte", "save_poses", "save_source_poses"}:
            os.makedirs(os.path.dirname(flags[name]), exist_ok=True)
            shutil.copyfile(flags["source"], flags[name])
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with served(AppConfig(port=port), [sys.executable, "-c", copy]) as address:
        client = call(address)
        monkeypatch.setattr(gradio_client, "Client", lambda named: client)
        yield
        client.close()


@pytest.mark.slow
@pytest.mark.asset("pose_landmarker")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=str)
def test_python_runs(page, videos, monkeypatch, request):
    monkeypatch.chdir(videos)
    monkeypatch.setattr(MotionTransfer, "from_pretrained", lambda: MotionTransfer(Painter()))
    if "gradio_client" in read(page):
        request.getfixturevalue("served_page")
    names = {}
    for block in blocks(page, "python"):
        exec(compile(block.text, str(page), "exec"), names)
    assert names["result"].poses.shape == (12, 14, 3)
    for variable, attribute in re.findall(r"`(transfer|result)\.(\w+)", prose(page)):
        assert hasattr(names[variable], attribute), f"{variable}.{attribute}"
    for output in re.findall(r'output=f?"([^"]+)"', read(page)):
        assert list(videos.glob(re.sub(r"{\w+}", "?", output))), output


def test_a_study_is_built_and_counted(tmp_path):
    write_results(tmp_path)
    (tmp_path / "results").mkdir()
    for made, named in (("first", "model K=4"), ("second", "single frame")):
        (tmp_path / made).rename(tmp_path / "results" / named)
    build, tally = commands_of("docs/evaluation.md", "stmt_tf.study")
    run(build, tmp_path)
    assert (tmp_path / "study.html").exists()
    write_session(tmp_path / "answers-1.json", [("same/a.mp4", (0, 0))])
    run([*tally[:4], "answers-1.json", *tally[5:]], tmp_path)  # what a shell makes of the glob
    assert "ours" in (tmp_path / "table.md").read_text()
