"""The only bridge between absl flags and the dataclasses of settings."""

from __future__ import annotations

import dataclasses
import functools
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar, get_type_hints

from absl import app, flags

from stmt_tf import compat

Config = TypeVar("Config")


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number)


def _strings(text: str) -> tuple[str, ...]:
    return tuple(item for item in text.split(",") if item)


class _TupleParser(flags.ArgumentParser):
    """Values between commas; nothing at all is none."""

    def __init__(self, split, kind: str):
        self._split, self._kind = split, kind

    def parse(self, argument):
        try:
            return argument if isinstance(argument, tuple) else self._split(argument)
        except ValueError:
            raise ValueError(f"must be {self._kind}; got {argument!r}") from None

    def flag_type(self):
        return self._kind


class _TupleSerializer(flags.ArgumentSerializer):
    def serialize(self, value):
        return ",".join(map(str, value))


def _define_tuple(split, kind: str, name: str, default: tuple, help_text: str) -> None:
    flags.DEFINE(_TupleParser(split, kind), name, default, help_text, serializer=_TupleSerializer())


_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    tuple[int, ...]: functools.partial(_define_tuple, _integers, "integers between commas, such as 3,5,7"),
    tuple[str, ...]: functools.partial(_define_tuple, _strings, "values between commas"),
}
# How `as_flagfile` writes what its type does not read by itself.
_PARSE = {bool: lambda text: text == "True", tuple[int, ...]: _integers, tuple[str, ...]: _strings}

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


def define(*config_classes: type) -> None:
    """Defines one flag for each field, of its name, type, default and help."""
    for config_class in config_classes:
        types = get_type_hints(config_class)
        for field in dataclasses.fields(config_class):
            help_text, choices = field.metadata["help"], field.metadata["choices"]
            if choices:
                flags.DEFINE_enum(field.name, field.default, choices, help_text)
            else:
                _DEFINE[types[field.name]](field.name, field.default, help_text)
            # So that the command's --help lists it, though it is not defined in the command's own file.
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[field.name])


def run(
    main: Callable[[Sequence[str]], None],
    command: str,
    known_only: bool = False,
    interrupted: str = "nothing was written",
) -> None:
    """Calls a command's `main` with its flags parsed, and ends the process with its status.

    Ctrl-C and SIGTERM raise KeyboardInterrupt, so that everything is cleaned up, and end the process with one line.

    Args:
        main: as `absl.app.run` takes it.
        command: its name, as its errors begin.
        known_only: whether other flags are left to `main`, and not refused.
        interrupted: what an interrupted run left, and whether it can go on.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    told = f"{command}: interrupted; {interrupted}"
    try:
        app.run(main, flags_parser=parser(command, known_only))
    except SystemExit as end:
        # Native code that an interrupt reaches may make an error of its own out of it, of which `main` tells.
        compat.end_process(SystemExit(told) if _interrupted.is_set() else end)
    except BaseException:
        if not _interrupted.is_set():
            raise
        compat.end_process(SystemExit(told))


def parser(command: str, known_only: bool = False) -> Callable[[Sequence[str]], list[str]]:
    """What `app.run` is to parse a command line with: what is wrong with it is one line then, and status 1.

    Args:
        command: what the line begins with.
        known_only: whether other flags, and words, are let through.
    """

    def parse(argv: Sequence[str]) -> list[str]:
        try:
            rest = flags.FLAGS(argv, known_only)
        except flags.Error as error:
            sys.exit(f"{command}: {' '.join(str(error).split())} (--help lists the flags)")
        if rest[1:] and not known_only:
            sys.exit(f"{command}: takes --flags only, got {' '.join(rest[1:])} (--help lists them)")
        return rest

    return parse


def read(config_class: type[Config]) -> Config:
    """The config that the command line (and its flagfiles) asked for."""
    values = {field.name: flags.FLAGS[field.name].value for field in dataclasses.fields(config_class)}
    return config_class(**values)


def as_flagfile(*configs) -> str:
    """The text of a flagfile that gives these configs again."""
    lines = []
    for config in configs:
        lines.append(f"# {type(config).__name__}")
        for field in dataclasses.fields(config):
            value = getattr(config, field.name)
            text = ",".join(map(str, value)) if isinstance(value, tuple) else value
            lines.append(f"--{field.name}={text}")
    return "\n".join(lines) + "\n"


def from_flagfile(path: str, config_class: type[Config]) -> Config:
    """Reads a config back from what `as_flagfile` wrote.

    What the file has no line for has its default: settings that came later are, by default, as things were before.

    Raises:
        ValueError: the file has no line of the config at all, or one without a value of its type.
    """
    with open(path) as file:
        lines = [line.strip()[2:].partition("=") for line in file if line.startswith("--")]
    values = {name: value for name, _, value in lines}
    types = get_type_hints(config_class)
    parsed = {}
    for field in dataclasses.fields(config_class):
        if field.name not in values:
            continue
        parse = _PARSE.get(types[field.name], types[field.name])
        parsed[field.name] = parse(values[field.name])
    if not parsed:
        raise ValueError(f"{path} has no line of {config_class.__name__}, such as --{field.name}=...")
    return config_class(**parsed)
