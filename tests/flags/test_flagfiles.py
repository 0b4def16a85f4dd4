import pytest
from absl import flags as absl_flags
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf import files, flags
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.flags.flagfiles import expanded
from stmt_tf.train.settings import LossConfig, TrainConfig


def write(path, *lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


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


def test_written_flagfile_is_a_flagfile(tmp_path):
    configs = [
        ModelConfig(size=64, residual_heads=True), DataConfig(seed=3), LossConfig(temporal_ranges=(3, 7)), TrainConfig()
    ]
    path = tmp_path / "config.flags"
    path.write_text(flags.as_flagfile(*configs))
    values = absl_flags.FlagValues()
    flags.define(*map(type, configs), values=values)
    values(["program", *expanded([f"--flagfile={path}"])])
    assert [flags.read(type(config), values) for config in configs] == configs


def test_settings_that_came_after_a_flagfile_have_their_defaults(tmp_path):
    path = write(tmp_path / "config.flags", "--size=64")
    assert flags.from_flagfile(str(path), ModelConfig) == ModelConfig(size=64)


def test_what_was_changed_by_hand_is_read_as_on_a_command_line(tmp_path):
    path = write(tmp_path / "config.flags", "--size=64", "--residual_heads", "--no_such=1", "# --width=3")
    assert flags.from_flagfile(str(path), ModelConfig) == ModelConfig(size=64, residual_heads=True)
    path = write(tmp_path / "config.flags", "--residual_heads=true", "--noaugment")
    assert flags.from_flagfile(str(path), ModelConfig).residual_heads
    assert not flags.from_flagfile(str(path), DataConfig).augment


@pytest.mark.parametrize("line", ["--residual_heads=yes", "--size=big", "--fusion=sum"])
def test_a_line_without_a_value_of_its_type_or_choices_is_refused(tmp_path, line):
    path = write(tmp_path / "config.flags", line)
    with pytest.raises(ValueError, match=f"config.flags: flag {line}: "):
        flags.from_flagfile(str(path), ModelConfig)


def test_file_without_any_line_of_a_config_is_refused(tmp_path):
    path = write(tmp_path / "config.flags", "--size=64")
    with pytest.raises(ValueError, match="has no line of DataConfig, such as --train_records=..."):
        flags.from_flagfile(str(path), DataConfig)


def test_lines_stand_in_place_of_the_flag_that_names_the_file(tmp_path):
    path = write(tmp_path / "a.flags", "# how large", "", "  --size=64  ", "// how wide", "--width=0.5")
    lines = ["--size=64", "--width=0.5"]
    assert list(expanded(["--seed=1", f"--flagfile={path}", "--size=32"])) == ["--seed=1", *lines, "--size=32"]
    assert list(expanded(["-flagfile", str(path), "word"])) == [*lines, "word"]
    assert list(expanded(["--", f"--flagfile={path}"])) == ["--", f"--flagfile={path}"]


def test_included_files_are_found_from_any_folder(tmp_path, monkeypatch):
    write(tmp_path / "base.flags", "--size=64")
    write(tmp_path / "small" / "width.flags", "--width=0.5")
    write(tmp_path / "small" / "all.flags", "--flagfile=../base.flags", "--flagfile=width.flags", "--seed=2")
    whole = ["--size=64", "--width=0.5", "--seed=2"]
    for folder, name in ((tmp_path, "small/all.flags"), (tmp_path / "small", "all.flags")):
        monkeypatch.chdir(folder)
        assert list(expanded([f"--flagfile={name}"])) == whole
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert list(expanded([f"--flagfile={tmp_path}/small/all.flags"])) == whole


def test_shipped_flagfiles_are_found_from_any_folder_and_own_ones_come_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "--fusion=rb6" in expanded(["--flagfile=configs/small/rb6.flags"])
    write(tmp_path / "configs" / "rb6.flags", "--fusion=max")
    assert list(expanded(["--flagfile=configs/rb6.flags"])) == ["--fusion=max"]


def test_flagfiles_inside_an_installed_package_are_found(tmp_path, monkeypatch):
    write(tmp_path / "place" / "configs.flags", "--seed=1")
    monkeypatch.setattr(files, "__file__", str(tmp_path / "place" / "files.py"))
    assert list(expanded(["--flagfile=configs.flags"])) == ["--seed=1"]


def test_a_file_that_includes_itself_is_refused(tmp_path):
    write(tmp_path / "a.flags", "--flagfile=b.flags")
    write(tmp_path / "b.flags", "--flagfile=a.flags")
    with pytest.raises(absl_flags.Error, match=r"--flagfile=a\.flags in .*b\.flags: includes itself"):
        list(expanded([f"--flagfile={tmp_path}/a.flags"]))


def test_a_missing_file_is_refused_with_the_places_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(absl_flags.Error, match=r"--flagfile=rb.flags: there is no file rb.flags and no /.*/rb.flags"):
        list(expanded(["--flagfile=rb.flags"]))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.flags").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(absl_flags.Error, match="a.flags: cannot be read"):
        list(expanded([f"--flagfile={tmp_path}/a.flags"]))
