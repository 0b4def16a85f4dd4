"""The only bridge between absl flags and the dataclasses of settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar, get_args, get_type_hints

from absl import flags

Config = TypeVar("Config")

_BETWEEN_COMMAS = {
    int: "integers between commas, such as 3,5,7",
    float: "numbers between commas, such as 0.25,1",
    str: "values between commas",
}
_ALONE = {bool: "true or false", int: "a whole number", float: "a number"}


class _PlainParser(flags.ArgumentParser):
    """A parser of absl, which says in plain words what it takes."""

    def __init__(self, parser: flags.ArgumentParser, takes: str):
        self._parser, self._takes = parser, takes

    def parse(self, argument):
        try:
            return self._parser.parse(argument)
        except (TypeError, ValueError):
            raise ValueError(f"must be {self._takes}") from None

    def flag_type(self):
        return self._parser.flag_type()


class _TupleParser(flags.ArgumentParser):
    """Values between commas; nothing at all is none."""

    def __init__(self, element: type, choices: Sequence[str]):
        self._element, self._choices = element, choices

    def parse(self, argument):
        if isinstance(argument, tuple):  # the default
            return argument
        try:
            values = _split(argument, self._element)
        except ValueError:
            raise ValueError(f"must be {self.flag_type()}; got {argument!r}") from None
        if self._choices and not set(values) <= set(self._choices):
            raise ValueError(f"must be some of {','.join(self._choices)}; got {argument!r}")
        return values

    def flag_type(self):
        return _BETWEEN_COMMAS[self._element]


class _TupleSerializer(flags.ArgumentSerializer):
    def serialize(self, value):
        return ",".join(map(str, value))


def _split(text: str, element: type) -> tuple:
    """The values between commas; ValueError if one is not of its type."""
    return tuple(element(item) for item in text.split(",") if item)


def element_of(kind: type) -> type | None:
    """Of a tuple's type, such as `tuple[int, ...]`, that of its elements; None of any other type."""
    arguments = get_args(kind)
    return arguments[0] if arguments else None


def define(*config_classes: type, values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one flag for each field, of its name, type, default and help."""
    for config_class in config_classes:
        types = get_type_hints(config_class)
        for field in dataclasses.fields(config_class):
            _define(field, types[field.name], values)


def _define(field: dataclasses.Field, kind: type, values: flags.FlagValues) -> None:
    choices = field.metadata["choices"] or ()
    what = field.name, field.default, field.metadata["help"]
    element = element_of(kind)
    if element:
        flags.DEFINE(_TupleParser(element, choices), *what, flag_values=values, serializer=_TupleSerializer())
    elif choices:
        flags.DEFINE_enum(field.name, field.default, choices, field.metadata["help"], flag_values=values)
    else:
        kinds = {
            bool: flags.DEFINE_bool, int: flags.DEFINE_integer, float: flags.DEFINE_float, str: flags.DEFINE_string,
        }  # fmt: skip
        kinds[kind](*what, flag_values=values)
        if kind in _ALONE:
            flag = values[field.name]
            flag.parser = _PlainParser(flag.parser, _ALONE[kind])


def read(config_class: type[Config], values: flags.FlagValues = flags.FLAGS) -> Config:
    """The config that the command line (and its flagfiles) asked for."""
    return config_class(**{field.name: values[field.name].value for field in dataclasses.fields(config_class)})
