"""Runs a command: parses its flags, imports what it needs, calls it, and ends the process with its status."""

from __future__ import annotations

import difflib
import importlib
import runpy
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from absl import app, flags

from stmt_tf import compat
from stmt_tf.flags import bridge, flagfiles, usage
from stmt_tf.flags.device import DeviceConfig, choose_device

GOES_ON = "run the same command again to go on"  # what an interrupted run may leave
_HELP = ("--help", "-help", "-h", "--helpshort")

_interrupted = threading.Event()


def _interrupt(*_) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def raise_if_interrupted() -> None:
    """To be called before what cannot be undone: an interrupt that came within a destructor, Python tells of and drops.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came before.
    """
    if _interrupted.is_set():
        raise KeyboardInterrupt


def run(
    description: str,
    module: str,
    *config_classes: type,
    takes_words: bool = False,
    known_only: bool = False,
    computes: bool = False,
    interrupted: str = "nothing was written",
) -> None:
    """Calls the `main` of a module with the settings that the flags give, and ends the process with its status.

    The module is imported once the flags are sound, since TensorFlow and its like take seconds to load: --help and a
    mistyped flag need not wait for them. Ctrl-C and SIGTERM raise KeyboardInterrupt, so that everything is cleaned up,
    and end the process with one line.

    Args:
        description: what the command does, as --help tells it: the docstring of what `python -m` runs.
        module: has `main`, which takes an object of each class of settings.
        config_classes: the settings.
        takes_words: whether there may be words beside flags; `main` takes a list of them, too.
        known_only: whether other flags are left to `main`, among the words, and not refused.
        computes: whether TensorFlow is used, so that there is --device.
        interrupted: what an interrupted run left, and whether it can go on.
    """
    command = _name(module)
    defined = (*config_classes, *([DeviceConfig] if computes else []))
    bridge.define(*defined)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    told = f"{command}: interrupted; {interrupted}"

    def main(argv: Sequence[str]) -> None:
        try:
            configs = [bridge.read(config_class) for config_class in config_classes]
            if computes:
                choose_device(bridge.read(DeviceConfig).device)
        except ValueError as error:
            sys.exit(f"{command}: {error}")
        words = [argv[1:]] if takes_words or known_only else []
        importlib.import_module(module).main(*configs, *words)

    def parse(argv: Sequence[str]) -> list[str]:
        if set(_HELP) & set(argv[1:]):
            print(usage.of_command(description, *defined), end="")
            sys.exit()
        return parser(command, takes_words, known_only)(argv)

    try:
        app.run(main, flags_parser=parse)
    except SystemExit as end:
        # Native code that an interrupt reaches may make an error of its own out of it, of which `main` tells.
        compat.end_process(SystemExit(told) if _interrupted.is_set() else end)
    except BaseException:
        if not _interrupted.is_set():
            raise
        compat.end_process(SystemExit(told))


def _name(module: str) -> str:
    """How people call the command of a module: export for stmt_tf.export.command."""
    return " ".join(part for part in module.split(".")[1:] if part != "command")


def parser(
    command: str, takes_words: bool = False, known_only: bool = False, values: flags.FlagValues = flags.FLAGS
) -> Callable[[Sequence[str]], list[str]]:
    """What `app.run` is to parse a command line with: what is wrong with it is one line then, and status 1.

    Args:
        command: what the line begins with.
        takes_words: whether words are let through.
        known_only: whether other flags, and words, are let through.
        values: gets the flags' values.
    """

    def parse(argv: Sequence[str]) -> list[str]:
        try:
            rest = values([argv[0], *flagfiles.expanded(argv[1:])], known_only)
        except flags.Error as error:
            sys.exit(f"{command}: {' '.join(str(error).split())} (--help lists the flags)")
        if rest[1:] and not (takes_words or known_only):
            sys.exit(f"{command}: takes --flags only, got {' '.join(rest[1:])} (--help lists them)")
        return rest

    return parse


def choose(name: str, description: str, commands: Mapping[str, str], version: str = "") -> None:
    """Runs the command that the command line names first, or lists all of them.

    Args:
        name: of what chooses, as its errors begin.
        description: what --help prints above the list.
        commands: the module of each command, which runs as by `python -m`.
        version: what --version prints behind the name; empty: there is no --version.
    """
    asked = sys.argv[1] if sys.argv[1:] else "--help"
    if asked in _HELP:
        print(usage.of_choice(description, commands), end="")
    elif asked == "--version" and version:
        print(name, version)
    elif asked in commands:
        del sys.argv[1]
        runpy.run_module(commands[asked], run_name="__main__", alter_sys=True)
    else:
        near = difflib.get_close_matches(asked, commands, 1)
        meant = f" Did you mean: {near[0]} ?" if near else ""
        sys.exit(f"{name}: no command is called {asked!r}.{meant} (--help lists the commands)")
