import dataclasses
import functools
import importlib
import os
import signal
import subprocess
import sys
import threading

import pytest
from absl import flags as absl_flags
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf import flags
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.train.settings import LossConfig, TrainConfig

CONFIGS = (ModelConfig, DataConfig, LossConfig, TrainConfig)


@pytest.fixture
def parse(monkeypatch):
    """Parses a command line with the flags of these configs alone."""

    def parse(*arguments: str):
        values = absl_flags.FlagValues()
        monkeypatch.setattr(absl_flags, "FLAGS", values)
        for define in ("DEFINE", *(f"DEFINE_{kind}" for kind in ("bool", "integer", "float", "string", "enum"))):
            original = functools.partial(getattr(absl_flags, define), flag_values=values)
            monkeypatch.setattr(absl_flags, define, original)
        kinds = (("bool", bool), ("integer", int), ("float", float), ("string", str))
        for name, kind in kinds:
            monkeypatch.setitem(flags._DEFINE, kind, getattr(absl_flags, f"DEFINE_{name}"))
        absl_flags.DEFINE_string("flagfile", "", "", )
        flags.define(*CONFIGS)
        values(["program", *arguments])
        return [flags.read(config) for config in CONFIGS]

    return parse


def test_defaults_are_the_configs(parse):
    assert parse() == [config() for config in CONFIGS]


def test_command_line_sets_fields_of_their_types(parse):
    model, data, loss, training = parse(
        "--size=64", "--width=0.25", "--residual_heads", "--val_records=a*b", "--gan_weight=0",
        "--temporal_ranges=3,5",
    )
    assert model == ModelConfig(size=64, width=0.25, residual_heads=True)
    assert data == DataConfig(val_records="a*b")
    assert loss == LossConfig(gan_weight=0.0, temporal_ranges=(3, 5)) and isinstance(loss.gan_weight, float)
    assert training == TrainConfig()


@pytest.mark.parametrize("argument", ["--size=big", "--fusion=sum", "--residual_heads=maybe", "--temporal_ranges=3;5"])
def test_odd_value_is_refused(parse, argument):
    with pytest.raises(absl_flags.IllegalFlagValueError, match=argument[2:].split("=")[0]):
        parse(argument)


def test_range_that_is_no_number_is_refused_with_an_example(parse):
    with pytest.raises(absl_flags.IllegalFlagValueError, match="between commas, such as 3,5,7; got '3,a'"):
        parse("--temporal_ranges=3,a")


def test_every_setting_has_a_help_text_and_a_name_of_its_own():
    fields = [field for config in CONFIGS for field in dataclasses.fields(config)]
    assert all(field.metadata["help"].endswith(".") for field in fields)
    assert len({field.name for field in fields}) == len(fields)


@settings(max_examples=25, deadline=None)
@given(
    width=st.floats(1e-6, 10),
    heads=st.booleans(),
    pattern=st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"])),
)
def test_flagfile_gives_the_same_configs_again(tmp_path_factory, width, heads, pattern):
    path = tmp_path_factory.mktemp("flags") / "config.flags"
    model, data = ModelConfig(width=width, residual_heads=heads), DataConfig(train_records=pattern)
    path.write_text(flags.as_flagfile(model, data))
    assert flags.from_flagfile(str(path), ModelConfig) == model
    assert flags.from_flagfile(str(path), DataConfig) == data


@pytest.mark.parametrize("ranges", [(), (3,), (3, 5, 7)])
def test_flagfile_gives_the_same_numbers_again(tmp_path, ranges):
    path = tmp_path / "config.flags"
    path.write_text(flags.as_flagfile(LossConfig(temporal_ranges=ranges)))
    assert flags.from_flagfile(str(path), LossConfig).temporal_ranges == ranges


def test_written_flagfile_is_a_flagfile(parse, tmp_path):
    model, loss = ModelConfig(size=64, residual_heads=True), LossConfig(temporal_ranges=(3, 7))
    configs = [model, DataConfig(seed=3), loss, TrainConfig()]
    path = tmp_path / "config.flags"
    path.write_text(flags.as_flagfile(*configs))
    assert parse(f"--flagfile={path}") == configs


def test_settings_that_came_after_a_flagfile_have_their_defaults(tmp_path):
    path = tmp_path / "config.flags"
    path.write_text("--size=64\n")
    assert flags.from_flagfile(str(path), ModelConfig) == ModelConfig(size=64)


def test_file_without_any_line_of_a_config_is_refused(tmp_path):
    path = tmp_path / "config.flags"
    path.write_text("--size=64\n")
    with pytest.raises(ValueError, match="has no line of DataConfig, such as --"):
        flags.from_flagfile(str(path), DataConfig)


def test_an_interrupt_that_a_destructor_drops_is_not_lost(monkeypatch, capsys):
    class Dropping:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    monkeypatch.setattr(flags, "_interrupted", threading.Event())
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    before = signal.signal(signal.SIGTERM, flags._interrupt)
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
def test_an_interrupt_is_told_as_one_whatever_native_code_makes_of_it(number, error):
    """TensorFlow's flattening of structures, for one, turned it into an AttributeError."""
    program = f"""
import os, sys
from stmt_tf import flags

def main(_):
    try:
        os.kill(os.getpid(), {int(number)})
        for _ in range(1000):
            pass
    except KeyboardInterrupt:
        raise {error}

flags.run(main, "command", interrupted="nothing is lost")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (1, "command: interrupted; nothing is lost\n")


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--size=big", "flag --size=big: invalid literal for int() with base 10: 'big' (--help lists the flags)"),
        ("--siz=64", "Unknown command line flag 'siz'. Did you mean: size ? (--help lists the flags)"),
        ("stray", "takes --flags only, got stray (--help lists them)"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_one_line(monkeypatch, argument, complaint):
    values = absl_flags.FlagValues()
    absl_flags.DEFINE_integer("size", 1, "", flag_values=values)
    monkeypatch.setattr(absl_flags, "FLAGS", values)
    assert flags.parser("make")(["program", "--size=64"]) == ["program"] and values.size == 64
    with pytest.raises(SystemExit) as ended:
        flags.parser("make")(["program", argument])
    assert ended.value.code == f"make: {complaint}"


@pytest.mark.parametrize("name", ["app", "evaluate", "export", "personalize", "train", "transfer"])
def test_every_command_tells_of_its_flags_in_one_line(monkeypatch, name):
    command = importlib.import_module(f"stmt_tf.{name}.{'__main__' if name == 'app' else 'command'}")
    given = []
    monkeypatch.setattr(absl_flags, "FLAGS", absl_flags.FlagValues())
    monkeypatch.setattr(command.flags, "define", lambda *_: None)
    monkeypatch.setattr(flags.app, "run", lambda main, flags_parser: given.append(flags_parser))
    if name == "train":
        monkeypatch.setattr(absl_flags, "DEFINE_string", lambda *_: None)
        monkeypatch.setattr(absl_flags, "DEFINE_bool", lambda *_: None)
    command.run()
    with pytest.raises(SystemExit) as ended:
        given[0](["program", "--none"])
    assert str(ended.value.code).startswith(f"{name}: Unknown command line flag 'none'")
