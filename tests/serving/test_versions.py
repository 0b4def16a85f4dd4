from __future__ import annotations

import os
from pathlib import Path

import pytest

from stmt_tf.models.versions import newest
from stmt_tf.serving.versions import SERVER_CONFIG, new_version


def write(directory, content="whole"):
    """Writes a version of one file, as an export does."""
    with new_version(str(directory)) as version:
        os.mkdir(version.path)
        with open(os.path.join(version.path, "saved_model.pb"), "w") as file:
            file.write(content)
    return version.path


def numbers(directory):
    return sorted(name for name in os.listdir(directory) if name.isdecimal())


def test_server_config_of_the_user_is_kept(tmp_path):
    for number in range(2):
        with new_version(str(tmp_path / "model")) as version:
            os.mkdir(version.path)
            (Path(version.path) / "something").write_text("a version")
        if number == 0:
            (tmp_path / "model" / SERVER_CONFIG).write_text("my own")
    assert sorted(os.listdir(tmp_path / "model")) == ["1", "2", SERVER_CONFIG]
    assert (tmp_path / "model" / SERVER_CONFIG).read_text() == "my own"


def test_each_version_has_the_next_number(tmp_path):
    for content in ("first", "second"):
        write(tmp_path / "model", content)
    assert sorted(os.listdir(tmp_path / "model")) == ["1", "2", SERVER_CONFIG]
    assert (tmp_path / "model" / "2" / "saved_model.pb").read_text() == "second"
    assert newest(str(tmp_path / "model")) == str(tmp_path / "model" / "2")


def test_numbers_are_compared_as_numbers(tmp_path):
    for name in ("9", "10", "old-11", ".12"):
        (tmp_path / name).mkdir()
    assert newest(str(tmp_path)) == str(tmp_path / "10")
    write(tmp_path)
    assert numbers(tmp_path) == ["10", "11", "9"]


def test_what_holds_no_versions_stands_for_itself(tmp_path):
    assert newest(str(tmp_path)) == str(tmp_path)
    assert newest(str(tmp_path / "none")) == str(tmp_path / "none")


def test_a_version_has_no_number_before_it_is_whole(tmp_path):
    with new_version(str(tmp_path / "model")) as version:
        os.mkdir(version.path)
        assert os.path.dirname(version.path) == str(tmp_path / "model")
        assert numbers(tmp_path / "model") == [] and os.path.basename(version.path).startswith(".")
    assert numbers(tmp_path / "model") == ["1"]


def test_a_number_that_was_taken_meanwhile_stays_and_each_tells_its_own(tmp_path):
    write(tmp_path, "first")
    with new_version(str(tmp_path)) as version:
        os.mkdir(version.path)
        another = write(tmp_path, "another")
    assert numbers(tmp_path) == ["1", "2", "3"]
    assert (another, version.path) == (str(tmp_path / "2"), str(tmp_path / "3"))
    assert (tmp_path / "2" / "saved_model.pb").read_text() == "another"


def test_a_version_keeps_its_name_and_a_file_is_none(tmp_path):
    (tmp_path / "0003").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "7").write_text("no version")
    assert newest(str(tmp_path)) == str(tmp_path / "0003")
    assert write(tmp_path) == str(tmp_path / "4")
    (tmp_path / "5").write_text("in the way")
    assert write(tmp_path) == str(tmp_path / "6")


def test_a_version_that_cannot_be_renamed_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "model")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    def fail(directory):
        with new_version(str(directory)) as version:
            os.mkdir(version.path)
            raise error

    write(tmp_path / "model")
    for directory in ("model", "other"):
        with pytest.raises(type(error)):
            fail(tmp_path / directory)
    assert os.listdir(tmp_path) == ["model"]
    assert sorted(os.listdir(tmp_path / "model")) == ["1", SERVER_CONFIG]


def test_versions_lie_neither_in_a_model_nor_in_a_file(tmp_path):
    write(tmp_path / "model")
    (tmp_path / "file").write_text("")
    for path, complaint in ((tmp_path / "model" / "1", "is itself a model"), (tmp_path / "file", "is a file")):
        with pytest.raises(FileExistsError, match=complaint):
            write(path)
    assert os.listdir(tmp_path / "model" / "1") == ["saved_model.pb"]


def test_model_server_can_read_its_config(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api (pip install .[addons,serving])")
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    (tmp_path / "my_model").mkdir()
    monkeypatch.chdir(tmp_path / "my_model")
    write(".")
    text = (tmp_path / "my_model" / SERVER_CONFIG).read_text()
    (config,) = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert (config.name, config.base_path, config.model_platform) == ("my_model", "/models/my_model", "tensorflow")
