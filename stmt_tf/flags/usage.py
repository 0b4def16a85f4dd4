"""What --help prints: what a command does, and its flags in groups."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import textwrap
from collections.abc import Mapping
from typing import get_type_hints

from stmt_tf.flags.bridge import element_of

_WIDTH = 100
_VALUES = {int: "INTEGER", float: "NUMBER", str: "TEXT"}
_COMMON = """\
Every command
  --flagfile=FILE
      File of flags, one a line, that are read in place of this one; it may include other files.
  --verbosity=INTEGER (default: 0)
      Messages on the way: 0 all, -1 warnings and errors, -2 errors.
  --help
      This text.
"""


def of_command(description: str, *config_classes: type) -> str:
    """The help of a command.

    Args:
        description: the docstring of its module.
        config_classes: its settings. A setting without a group is of that of the one before.
    """
    groups: dict[str, list[str]] = {}
    for config_class in config_classes:
        group, types = "Flags", get_type_hints(config_class)
        for field in dataclasses.fields(config_class):
            group = field.metadata["group"] or group
            groups.setdefault(group, []).append(_flag(field, types[field.name]))
    parts = [f"{group}\n{''.join(told)}" for group, told in groups.items()]
    return "\n".join([description.strip() + "\n", *parts, _COMMON])


def _flag(field: dataclasses.Field, kind: type) -> str:
    """Two lines or more: how the flag is written, and its help."""
    default, choices, element = field.default, field.metadata["choices"], element_of(kind)
    values = "|".join(choices) if choices else _VALUES.get(element or kind)
    written = f"--[no]{field.name}" if kind is bool else f"--{field.name}={values}{',...' if element else ''}"
    if field.metadata["required"]:
        written += " (required)"
    elif kind is bool:
        written += f" (default: {'yes' if default else 'no'})"
    elif default not in ("", ()):
        written += f" (default: {','.join(map(str, default)) if element else default})"
    help_lines = textwrap.fill(
        field.metadata["help"], _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
    )
    return f"  {written}\n{help_lines}\n"


def of_choice(description: str, commands: Mapping[str, str]) -> str:
    """The help of a command that runs others: each by its name and the first line of its docstring."""
    width = max(map(len, commands)) + 2
    lines = [f"  {name:{width}s}{_docstring(module).splitlines()[0]}" for name, module in commands.items()]
    return "\n".join([description.strip() + "\n", "Commands (each has --help)", *lines]) + "\n"


def _docstring(module: str) -> str:
    """Of what `python -m` runs, which is not imported: that may take seconds."""
    spec = importlib.util.find_spec(module)
    if spec.submodule_search_locations:
        spec = importlib.util.find_spec(f"{module}.__main__")
    return ast.get_docstring(ast.parse(spec.loader.get_source(spec.name)))
