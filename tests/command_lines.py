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
import io
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import absl.app
import absl.flags

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import stmt_tf.evaluate.command  # noqa: E402
import stmt_tf.personalize.command  # noqa: E402
import stmt_tf.train.command  # noqa: E402
import stmt_tf.transfer.command  # noqa: E402, F401
from stmt_tf import flags  # noqa: E402


class Parsed(BaseException):
    """The command line is right. Carries the command's flags."""


def stop_after_flags(whole: bool) -> None:
    """Replaces what commands begin with by what reads their flags and raises `Parsed`."""
    configs: list[type] = []
    define = flags.define

    def defined(*config_classes: type) -> None:
        configs.extend(config_classes)
        define(*config_classes)

    def run(main, argv=None, flags_parser=absl.flags.FLAGS) -> NoReturn:
        if whole:
            rest = flags_parser(argv or sys.argv)
            if "runner_options" in main.__globals__:  # of beam_clips, which leaves the rest to Beam
                main.__globals__["runner_options"](rest[1:])
            for config in configs:
                flags.read(config)
        known = absl.flags.FLAGS
        raise Parsed({name: getattr(known[name].parser, "enum_values", None) for name in known})

    parse = argparse.ArgumentParser.parse_args

    def parsed(parser: argparse.ArgumentParser, args=None, namespace=None) -> NoReturn:
        if whole:
            parse(parser, args, namespace)
        raise Parsed(dict(_options(parser)))

    flags.define, absl.app.run, argparse.ArgumentParser.parse_args = defined, run, parsed


def _options(parser: argparse.ArgumentParser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options(command)
        for option in action.option_strings:
            yield option.lstrip("-"), action.choices and list(action.choices)


def attempt(arguments: list[str], whole: bool) -> dict[str, Any]:
    """Runs a command until its flags are read; leaves this process as no other command should find it."""
    stop_after_flags(whole)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
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
    return {"error": "read no flags", "flags": {}}


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
