"""Flagfiles: one flag a line. `stmt_tf.flags` tells what users need to know of them."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence

from absl import flags

from stmt_tf.files import shipped
from stmt_tf.flags.bridge import Config, define, read

_FLAGFILE = re.compile(r"--?flagfile(?:=(.*))?", re.DOTALL)


def expanded(arguments: Sequence[str], including: tuple[str, ...] = ()) -> Iterator[str]:
    """The arguments, with the lines of each flagfile in place of the flag that names it.

    Args:
        arguments: of a command line, without the program, or a flagfile's lines.
        including: paths of the flagfiles that these are lines of, the innermost last.

    Raises:
        flags.Error: a flagfile cannot be read, or includes itself.
    """
    rest = iter(arguments)
    for argument in rest:
        match = _FLAGFILE.fullmatch(argument)
        if not match:
            yield argument
            if argument == "--":  # no flags come after it
                yield from rest
            continue
        name = next(rest, "") if match[1] is None else match[1]
        path = _find(name, os.path.dirname(including[-1]) if including else "")
        if path in including:
            raise flags.Error(f"--flagfile={name} in {including[-1]}: includes itself. Leave it out")
        yield from expanded(_lines(path), (*including, path))


def _find(name: str, folder: str) -> str:
    path = os.path.normpath(os.path.join(folder, os.path.expanduser(name)))
    places = [path, str(shipped(name))]
    for place in places:
        if os.path.isfile(place):
            return place
    raise flags.Error(f"--flagfile={name}: there is no file {' and no '.join(places)}. Check the path")


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        raise flags.Error(f"--flagfile={path}: cannot be read ({error})") from error
    return [line for line in lines if line and not line.startswith(("#", "//"))]


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
        ValueError: the file has no line of the config at all, or one without a value of its type or choices.
    """
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.startswith("--")]
    values = flags.FlagValues()
    define(config_class, values=values)
    try:
        values([path, *lines], known_only=True)
    except flags.Error as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    names = [field.name for field in dataclasses.fields(config_class)]
    if not any(values[name].present for name in names):
        raise ValueError(f"{path} has no line of {config_class.__name__}, such as --{names[0]}=...")
    return read(config_class, values)
