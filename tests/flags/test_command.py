import os
import signal
import subprocess
import sys
import threading

import pytest
from absl import flags as absl_flags

from stmt_tf import flags
from stmt_tf.config import ModelConfig
from stmt_tf.flags import command
from stmt_tf.flags.command import parser


def run(tmp_path, main, *arguments, options=""):
    """Runs a command whose module has this `main`."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "make.py").write_text(f"import os, sys\n{main}")
    program = (
        "from stmt_tf import flags; from stmt_tf.config import ModelConfig; "
        f"flags.run('Makes it.', 'tools.make', ModelConfig{options})"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True, text=True, timeout=3600,
    )  # fmt: skip


def test_main_gets_the_settings(tmp_path):
    done = run(tmp_path, "def main(config): print(config.size, config.width)", "--size=64")
    assert (done.returncode, done.stdout, done.stderr) == (0, "64 1.0\n", "")


def test_main_gets_words_where_the_command_takes_them(tmp_path):
    done = run(tmp_path, "def main(config, words): print(words)", "a", "--size=64", "b", options=", takes_words=True")
    assert (done.returncode, done.stdout) == (0, "['a', 'b']\n")


def test_settings_that_do_not_go_together_end_with_one_line_before_anything_is_imported(tmp_path):
    done = run(tmp_path, "raise AssertionError", "--size=65")
    assert (done.returncode, done.stderr) == (1, "make: --size must be a multiple of 32, got 65\n")


def test_help_imports_nothing_and_ends_with_status_0(tmp_path):
    done = run(tmp_path, "raise AssertionError", "--size=65", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Makes it.\n\nModel\n  --size=INTEGER (default: 256)\n      Side of the square")


def test_an_interrupt_that_a_destructor_drops_is_not_lost(monkeypatch, capsys):
    class Dropping:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    monkeypatch.setattr(command, "_interrupted", threading.Event())
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    before = signal.signal(signal.SIGTERM, command._interrupt)
    try:
        flags.raise_if_interrupted()
        dropping = Dropping()
        del dropping
        with pytest.raises(KeyboardInterrupt):
            flags.raise_if_interrupted()
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("error", ["", "KeyboardInterrupt", "AttributeError('keys')", "SystemExit('a wrong reason')"])
def test_an_interrupt_is_told_as_one_whatever_native_code_makes_of_it(tmp_path, number, error):
    """TensorFlow's flattening of structures, for one, turned it into an AttributeError."""
    main = f"""
def main(config):
    try:
        os.kill(os.getpid(), {int(number)})
        for _ in range(1000):
            pass
    except KeyboardInterrupt:
        raise {error}
"""
    done = run(tmp_path, main, options=", interrupted='nothing is lost'")
    assert (done.returncode, done.stderr) == (1, "make: interrupted; nothing is lost\n")


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--size=big", "flag --size=big: must be a whole number (--help lists the flags)"),
        ("--width=wide", "flag --width=wide: must be a number (--help lists the flags)"),
        ("--residual_heads=yes", "flag --residual_heads=yes: must be true or false (--help lists the flags)"),
        ("--siz=64", "Unknown command line flag 'siz'. Did you mean: size ? (--help lists the flags)"),
        ("stray", "takes --flags only, got stray (--help lists them)"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_one_line(argument, complaint):
    values = absl_flags.FlagValues()
    flags.define(ModelConfig, values=values)
    assert parser("make", values=values)(["program", "--size=64"]) == ["program"] and values.size == 64
    with pytest.raises(SystemExit) as ended:
        parser("make", values=values)(["program", argument])
    assert ended.value.code == f"make: {complaint}"


def test_a_missing_flagfile_is_one_line():
    with pytest.raises(SystemExit) as ended:
        parser("make", values=absl_flags.FlagValues())(["program", "--flagfile=none.flags"])
    assert ended.value.code.startswith("make: --flagfile=none.flags: there is no file none.flags and no ")


@pytest.fixture
def choose(tmp_path, monkeypatch):
    """Chooses between two commands, which tell how they were called."""
    (tmp_path / "first_command.py").write_text('"""Does this."""\nimport sys; print(__name__, sys.argv[1:])')
    (tmp_path / "second_command").mkdir()
    (tmp_path / "second_command" / "__init__.py").touch()
    (tmp_path / "second_command" / "__main__.py").write_text('"""Does that.\n\nIn many ways.\n"""\nprint("second")')
    monkeypatch.syspath_prepend(tmp_path)

    def choose(*words):
        monkeypatch.setattr(sys, "argv", ["program", *words])
        commands = {"one": "first_command", "two": "second_command"}
        flags.choose("program", "Does things.\n\n    as an example\n", commands, "1.2.3")

    return choose


def test_the_command_that_is_named_runs_with_what_comes_after(choose, capsys):
    choose("one", "--size=1", "word")
    choose("two")
    assert capsys.readouterr().out == "__main__ ['--size=1', 'word']\nsecond\n"


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_commands_are_listed_a_line_each(choose, capsys, words):
    choose(*words)
    assert capsys.readouterr().out == (
        "Does things.\n\n    as an example\n\nCommands (each has --help)\n  one  Does this.\n  two  Does that.\n"
    )


def test_the_version_is_told(choose, capsys):
    choose("--version")
    assert capsys.readouterr().out == "program 1.2.3\n"


@pytest.mark.parametrize(("word", "meant"), [("tow", " Did you mean: two ?"), ("--size=1", "")])
def test_an_unknown_command_is_refused_with_the_nearest(choose, word, meant):
    with pytest.raises(SystemExit) as ended:
        choose(word)
    assert ended.value.code == f"program: no command is called '{word}'.{meant} (--help lists the commands)"
