import dataclasses

import pytest
from absl import flags as absl_flags

from stmt_tf import flags
from stmt_tf.config import DataConfig, ModelConfig, setting
from stmt_tf.train.settings import LossConfig, TrainConfig

CONFIGS = (ModelConfig, DataConfig, LossConfig, TrainConfig)


@dataclasses.dataclass(frozen=True)
class TupleConfig:
    widths: tuple[float, ...] = setting((0.25, 1.0), "Numbers.")
    splits: tuple[str, ...] = setting(("train", "val"), "Words.", ("train", "val", "test"))


def parse(*arguments, configs=CONFIGS):
    """Parses a command line with the flags of these configs alone."""
    values = absl_flags.FlagValues()
    flags.define(*configs, values=values)
    values(["program", *arguments])
    return [flags.read(config, values) for config in configs]


def test_defaults_are_the_configs():
    assert parse() == [config() for config in CONFIGS]
    assert parse(configs=[TupleConfig]) == [TupleConfig()]


def test_command_line_sets_fields_of_their_types():
    model, data, loss, training = parse(
        "--size=64", "--width=0.25", "--residual_heads", "--val_records=a*b", "--gan_weight=0",
        "--temporal_ranges=3,5",
    )
    assert model == ModelConfig(size=64, width=0.25, residual_heads=True)
    assert data == DataConfig(val_records="a*b")
    assert loss == LossConfig(gan_weight=0.0, temporal_ranges=(3, 5)) and isinstance(loss.gan_weight, float)
    assert training == TrainConfig()


@pytest.mark.parametrize("argument", ["--size=big", "--fusion=sum", "--residual_heads=maybe", "--temporal_ranges=3;5"])
def test_odd_value_is_refused(argument):
    with pytest.raises(absl_flags.IllegalFlagValueError, match=argument[2:].split("=")[0]):
        parse(argument)


def test_range_that_is_no_number_is_refused_with_an_example():
    with pytest.raises(absl_flags.IllegalFlagValueError, match="between commas, such as 3,5,7; got '3,a'"):
        parse("--temporal_ranges=3,a")


def test_values_between_commas_have_their_type_and_their_choices():
    (config,) = parse("--widths=0.5,1", "--splits=test,train", configs=[TupleConfig])
    assert config == TupleConfig((0.5, 1.0), ("test", "train"))
    (config,) = parse("--splits=", configs=[TupleConfig])
    assert config.splits == ()
    with pytest.raises(absl_flags.IllegalFlagValueError, match="must be some of train,val,test; got 'train,tests'"):
        parse("--splits=train,tests", configs=[TupleConfig])


def test_every_setting_has_a_help_text_and_a_name_of_its_own():
    fields = [field for config in CONFIGS for field in dataclasses.fields(config)]
    assert all(field.metadata["help"].endswith(".") for field in fields)
    assert len({field.name for field in fields}) == len(fields)
