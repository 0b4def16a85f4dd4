"""Tries command lines by the commands' own parsers: they run until their flags are read, and no further.

    python tests/command_lines.py < TRIALS.json > RESULTS.json

A trial is {"arguments": [...], "whole": bool}: the words after `python`, and whether they are a whole command, which is
to be tried; else only the flags of the command are asked for. Its result is {"error": what the command said, or null,
"flags": all its flags, each with its choices or null}.

Each trial runs in a fork of a process that has loaded TensorFlow, since that takes longer than all of them together.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import io
import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import absl.app
import absl.flags

ROOT = Path(__file__).parent.parent
PACKAGES = "__main__", "benchmarks", "stmt_tf", "tfrecords_tools"
sys.path.insert(0, str(ROOT))

import stmt_tf.evaluate.command  # noqa: E402
import stmt_tf.personalize.command  # noqa: E402
import stmt_tf.train.command  # noqa: E402
import stmt_tf.transfer.command  # noqa: E402, F401


class Parsed(BaseException):
    """The command line is right. Carries the command's flags."""


def stop_after_flags(arguments: list[str], whole: bool) -> None:
    """Replaces what commands begin with by what reads their flags and raises `Parsed`."""

    def run(main, argv=None, flags_parser=absl.flags.FLAGS) -> NoReturn:
        known = absl.flags.FLAGS
        if whole:
            rest = flags_parser(argv or sys.argv)
            for config_class in settings_among(known):
                config_class(**{field.name: known[field.name].value for field in dataclasses.fields(config_class)})
            if "tfrecords_tools.beam_clips" in arguments:  # it leaves the rest to Beam
                importlib.import_module("tfrecords_tools.beam_clips").runner_options(rest[1:])
            if "stmt_tf.transfer" in arguments:  # what it needs depends on the rest, so that its own checks tell
                refuse_missing_flags(main, rest)
        raise Parsed({name: getattr(known[name].parser, "enum_values", None) for name in known})

    parse = argparse.ArgumentParser.parse_args

    def parsed(parser: argparse.ArgumentParser, args=None, namespace=None) -> NoReturn:
        if whole:
            parse(parser, args, namespace)
        raise Parsed(dict(_options(parser)))

    absl.app.run, argparse.ArgumentParser.parse_args = run, parsed


def settings_among(known: absl.flags.FlagValues) -> Iterator[type]:
    """The classes of settings of which each field is a flag."""
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in PACKAGES]
    for value in {value for module in modules for value in vars(module).values() if isinstance(value, type)}:
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        if fields and all("help" in field.metadata and field.name in known for field in fields):
            yield value


def refuse_missing_flags(main: Callable, argv: list[str]) -> None:
    """Runs the command where none of its videos are; raises SystemExit if that is not what it misses."""
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        try:
            main(argv)
        except SystemExit as end:
            if not str(end.code).endswith("no such file. Check the path."):
                raise


def _options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str] | None]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options(command)
        for option in action.option_strings:
            yield option.lstrip("-"), action.choices and list(action.choices)


def attempt(arguments: list[str], whole: bool) -> dict[str, Any]:
    """Runs a command until its flags are read; leaves this process as no other command should find it."""
    stop_after_flags(arguments, whole)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            if arguments[0] == "-m":
                sys.argv = arguments[1:]
                runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
            else:
                sys.argv = arguments
                runpy.run_path(arguments[0], run_name="__main__")
    except Parsed as end:
        return {"error": None, "flags": end.args[0]}
    except SystemExit as end:
        return {"error": f"{end.code} {said.getvalue()}", "flags": {}}
    except BaseException:
        return {"error": traceback.format_exc(limit=-3), "flags": {}}
    return {"error": "read no flags" if whole else None, "flags": {}}  # it listed its commands


def in_fork(trial: dict[str, Any]) -> dict[str, Any]:
    """The result of a trial in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with open(writing, "w") as file:
            json.dump(attempt(**trial), file)
        os._exit(0)
    os.close(writing)
    with open(reading) as file:
        result = file.read()
    os.waitpid(child, 0)
    return json.loads(result)


if __name__ == "__main__":
    results = [in_fork(trial) for trial in json.load(sys.stdin)]
    json.dump(results, sys.stdout)
