"""Models by name, archive, URL and handle: what is found, and that a hostile or damaged archive leaves nothing."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import io
import json
import os
import re
import sys
import tarfile
import threading

import pytest
from pages import ROOT, read
from tiny_model import SIZE, model_directory

from stmt_tf import zoo
from stmt_tf.serving.manifest import ModelError
from stmt_tf.zoo import PRESETS, Preset, find_model
from stmt_tf.zoo.archive import MANIFEST, contents_sha256, write_archive
from stmt_tf.zoo.remote import _download

CONFIG = b'{"format": "stmt_tf model 1", "num_source_frames": null, "model": {"size": 32}}'


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def model(tmp_path):
    """A directory that passes for a model's, as long as nobody runs it."""
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / "model" / "model.json").write_bytes(CONFIG)
    (tmp_path / "model" / "variables" / "weights").write_bytes(bytes(range(256)) * 9)
    return tmp_path / "model"


@pytest.fixture
def archive(model, tmp_path):
    (tmp_path / "published").mkdir()
    path = tmp_path / "published" / "model.tar.gz"
    write_archive(str(model), path, "CC-BY-4.0")
    return path


def sha256_of(content):
    return hashlib.sha256(content).hexdigest()


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """Yields a local server of a folder's files, which notes what it was asked for, and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def written(path, files, licence="MIT", claimed=None, kinds=()):
    """Writes an archive as a stranger may: files by name, what its manifest claims of them, and members of any kind."""
    claimed = {name: sha256_of(content) for name, content in files.items()} if claimed is None else claimed
    manifest = {"format": "stmt_tf archive 1", "licence": licence, "files": claimed}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {MANIFEST: json.dumps(manifest).encode(), **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind, target in kinds:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return str(path)


def assert_refused(model, complaint, cache):
    with pytest.raises(ModelError, match=complaint) as error:
        find_model(model)
    assert "\n" not in str(error.value)
    assert not cache.exists() or os.listdir(cache) == []


def test_the_shipped_models_are_those_of_the_table():
    assert {path.name for path in (ROOT / "saved_models").iterdir() if path.is_dir()} == set(PRESETS)
    for name, preset in PRESETS.items():
        assert contents_sha256(find_model(name)) == preset.sha256, f"{name}: its files are other ones"
        assert f"Licence: {preset.licence}" in read(ROOT / "saved_models" / name / "README.md")
    assert find_model() == find_model(zoo.DEFAULT) == str(ROOT / "saved_models" / "dancers_64px")


def test_the_checksum_of_a_directory_is_of_all_files_but_its_card(model):
    lines = f"{sha256_of(CONFIG)}  model.json\n{sha256_of(bytes(range(256)) * 9)}  variables/weights\n"
    assert contents_sha256(str(model)) == sha256_of(lines.encode())
    (model / "README.md").write_text("a card")
    assert contents_sha256(str(model)) == sha256_of(lines.encode())


def test_the_page_tells_of_each_preset():
    for name, preset in PRESETS.items():
        assert f"| `{name}` | {preset.trained_on} | {preset.licence} |" in read("docs/use.md")


def test_a_directory_comes_before_a_name(model, monkeypatch):
    model.rename(model.parent / "dancers_64px")
    monkeypatch.chdir(model.parent)
    assert find_model("dancers_64px") == "dancers_64px"
    assert find_model(model.parent / "dancers_64px") == str(model.parent / "dancers_64px")
    assert find_model() == str(ROOT / "saved_models" / "dancers_64px")


def test_what_is_nothing_is_one_line_with_the_names_there_are(cache):
    assert_refused("dancers_32px", "^dancers_32px: not a model directory, .*dancers_64px, dancers_128px", cache)


@pytest.mark.parametrize("as_url", [False, True])
def test_an_archive_holds_the_same_files_and_is_unpacked_once(model, archive, cache, as_url):
    name = archive.as_uri() if as_url else str(archive)
    directory = find_model(name)
    made = contents(cache / os.path.basename(directory))
    told = json.loads(made.pop(MANIFEST))
    assert made == contents(model)
    assert told["licence"] == "CC-BY-4.0" and told["files"]["model.json"] == sha256_of(CONFIG)
    (cache / os.path.basename(directory) / "mark").touch()
    assert find_model(name) == directory and (cache / os.path.basename(directory) / "mark").exists()
    assert os.listdir(cache) == [sha256_of(archive.read_bytes())]


def test_the_same_files_make_the_same_archive(model, archive, tmp_path):
    os.utime(model / "model.json", (0, 0))
    write_archive(str(model), tmp_path / "again.tar.gz", "CC-BY-4.0")
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()


def test_what_is_no_model_makes_no_archive(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="not a model directory"):
        write_archive(str(tmp_path / "empty"), tmp_path / "a.tar.gz", "MIT")
    assert os.listdir(tmp_path) == ["empty"]


def test_an_archive_of_a_url_is_downloaded_once_and_checked(model, archive, cache):
    with served(archive.parent) as (server, address):
        url = f"{address}/model.tar.gz#sha256={sha256_of(archive.read_bytes())}"
        directory = find_model(url)
        assert contents(model).items() <= contents(cache / os.path.basename(directory)).items()
        assert find_model(url) == directory and server.asked == ["/model.tar.gz"]
    assert find_model(url) == directory  # no server any more
    assert find_model(archive) == directory  # the same file


def test_an_archive_with_another_checksum_is_refused(archive, cache):
    with served(archive.parent) as (_, address):
        wrong = "0" * 64
        assert_refused(f"{address}/model.tar.gz#sha256={wrong}", f"^{address}/model.tar.gz: has the SHA-256", cache)
    assert_refused(f"{archive.as_uri()}#sha256={wrong}", f"instead of {wrong}", cache)


def test_a_preset_may_be_an_archive_of_a_url(archive, cache, monkeypatch):
    preset = Preset(archive.as_uri(), sha256_of(archive.read_bytes()), "CC-BY-4.0", "nothing")
    monkeypatch.setitem(PRESETS, "far", preset)
    assert find_model("far") == str(cache / preset.sha256)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://127.0.0.1/model.tar.gz", "http:// needs #sha256=HEX"),
        ("ftp://127.0.0.1/model.tar.gz", "give an https:// or file:// URL"),
        ("https://127.0.0.1/model.tar.gz#sha256=12", "64 hexadecimal digits, got 'sha256=12'"),
        ("https://127.0.0.1/model.tar.gz#md5=12", "64 hexadecimal digits, got 'md5=12'"),
        ("file:///none/model.tar.gz", "/none/model.tar.gz: No such file or directory"),
    ],
)
def test_urls_that_cannot_be_are_one_line(url, complaint, cache):
    assert_refused(url, complaint, cache)


def test_what_the_server_lacks_is_one_line(tmp_path, cache):
    (tmp_path / "empty").mkdir()
    with served(tmp_path / "empty") as (_, address):
        url = f"{address}/a.tar.gz#sha256={'0' * 64}"
        assert_refused(url, r"a.tar.gz: cannot be downloaded \(File not found", cache)
    assert_refused(url, r"cannot be downloaded \(.*refused", cache)


def test_a_download_that_ends_early_is_found_out(tmp_path, monkeypatch):
    class Answer(io.BytesIO):
        headers = {"Content-Length": "9"}

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Answer(b"cut"))
    with pytest.raises(ValueError, match="ended after 3 of 9 bytes"):
        _download("https://host/a.tar.gz", tmp_path / "a.tar.gz")


OUTSIDE = ("../evil", "a/../../evil", "/evil", "..\\evil", "C:evil", "a//b", "./a")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leads_outside_is_refused(tmp_path, cache, name):
    hostile = written(tmp_path / "hostile.tar.gz", {"model.json": CONFIG, name: b"evil"})
    assert_refused(hostile, f"^{re.escape(hostile)}: holds .*outside its folder", cache)
    assert sorted(os.listdir(tmp_path)) == ["cache", "hostile.tar.gz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, cache, kind):
    files, claimed = {"model.json": CONFIG}, {"model.json": sha256_of(CONFIG), "link": sha256_of(b"")}
    hostile = written(tmp_path / "hostile.tar.gz", files, claimed=claimed, kinds=[("link", kind, "/etc/passwd")])
    assert_refused(hostile, "holds 'link', which is a link or a device", cache)


def test_a_folder_that_is_a_link_is_refused_before_anything_is_written_through_it(tmp_path, cache):
    files, claimed = {"model.json": CONFIG}, {"model.json": sha256_of(CONFIG), "a/b": sha256_of(b"")}
    kinds = [("a", tarfile.SYMTYPE, str(tmp_path)), ("a/b", tarfile.REGTYPE, "")]
    assert_refused(written(tmp_path / "hostile.tar.gz", files, claimed=claimed, kinds=kinds), "'a', which is a", cache)
    assert not (tmp_path / "b").exists()


def test_files_that_nobody_named_or_that_come_twice_are_refused(tmp_path, cache):
    claimed = {"model.json": sha256_of(CONFIG)}
    more = written(tmp_path / "more.tar.gz", {"model.json": CONFIG, "more": b""}, claimed=claimed)
    assert_refused(more, "'more', which its archive.json does not name", cache)
    twice = written(tmp_path / "twice.tar.gz", {"model.json": CONFIG}, kinds=[("model.json", tarfile.REGTYPE, "")])
    assert_refused(twice, "'model.json', .* or holds it twice", cache)


def test_a_changed_and_a_missing_file_are_found_out(tmp_path, cache):
    files, claimed = {"model.json": CONFIG, "weights": b"1"}, {"model.json": sha256_of(CONFIG), "weights": "0" * 64}
    assert_refused(written(tmp_path / "changed.tar.gz", files, claimed=claimed), "damaged archive .weights has", cache)
    lacking = written(tmp_path / "lacking.tar.gz", {"model.json": CONFIG}, claimed=claimed)
    assert_refused(lacking, "damaged archive .weights is missing", cache)


def test_what_unpacks_to_more_than_a_model_is_refused(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("stmt_tf.zoo.archive._LARGEST_MODEL", 1 << 30)
    bomb = tmp_path / "bomb.tar.gz"
    written(bomb, {"model.json": CONFIG, "zeros": bytes(4 << 20)})
    find_model(bomb)
    monkeypatch.setattr("stmt_tf.zoo.archive._LARGEST_MODEL", 1 << 20)
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "other"))
    assert_refused(bomb, "holds more than", tmp_path / "other" / "models")


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_archive_is_one_line(archive, cache, damage):
    archive.write_bytes(archive.read_bytes()[:-99] if damage is None else damage)
    assert_refused(archive, "model.tar.gz: a damaged archive", cache)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "archive.json is not its first file"),
        ({"a": b"{}"}, "archive.json is not its first file"),
        ({MANIFEST: b"[]"}, "archive.json cannot be read"),
        ({MANIFEST: b"{"}, "archive.json cannot be read"),
        ({MANIFEST: b'{"licence": "", "files": {}}'}, "lacks format"),
        ({MANIFEST: b'{"licence": "", "files": {}, "format": "stmt_tf archive 1"}'}, "gz: not a model directory"),
    ],
)
def test_an_archive_of_something_else_is_one_line(tmp_path, cache, files, complaint):
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert_refused(tmp_path / "other.tar.gz", complaint, cache)


def test_a_cache_that_cannot_be_written_is_one_line(archive, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set STMT_TF_CACHE to a folder") as error:
        find_model(archive)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_handle_of_tensorflow_hub_is_resolved_by_it(archive, model, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_hub")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub"))
    archive.rename(archive.parent / "handle")  # what a hub answers a handle with
    with served(archive.parent) as (server, address):
        directory = find_model(f"{address}/handle")
        assert server.asked == ["/handle?tf-hub-format=compressed"]
        with pytest.raises(ModelError, match=f"^{address}/none: TensorFlow Hub cannot resolve") as error:
            find_model(f"{address}/none")
    assert contents(model).items() <= contents(tmp_path / "hub" / os.path.basename(directory)).items()
    assert "\n" not in str(error.value)


def test_without_tensorflow_hub_a_handle_is_one_line(monkeypatch, cache):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    assert_refused("https://host/handle", "^https://host/handle: needs the package tensorflow-hub", cache)


@pytest.mark.slow
def test_the_archive_of_an_export_is_a_model(tmp_path, monkeypatch):
    from stmt_tf import MotionTransfer
    from stmt_tf.export import command
    from stmt_tf.export.settings import ExportConfig

    exported = []
    monkeypatch.setattr(command, "export", lambda config: exported.append(config.output) or model_directory())
    path = str(tmp_path / "tiny.tar.gz")
    assert command.publish(ExportConfig("work", archive=path, licence="MIT")) == path
    assert os.path.basename(exported[0]) == "tiny" and not os.path.exists(os.path.dirname(exported[0]))
    command.publish(ExportConfig("work", output="kept", archive=path, licence="MIT"))
    assert exported[1] == "kept" and os.listdir(tmp_path) == ["tiny.tar.gz"]
    loaded = MotionTransfer.from_pretrained(path)
    assert loaded._model.size == SIZE and loaded._directory == find_model(path)


def test_an_archive_in_no_directory_is_refused_before_the_export(tmp_path):
    from stmt_tf.export import command
    from stmt_tf.export.settings import ExportConfig

    with pytest.raises(NotADirectoryError, match="none is no directory"):
        command.publish(ExportConfig("work", archive=str(tmp_path / "none" / "a.tar.gz"), licence="MIT"))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "--output or --archive is required"),
        ({"archive": "a.zip", "licence": "MIT"}, "--archive=a.zip: .* ends in .tar.gz"),
        ({"archive": "a.tar.gz"}, "--archive and --licence go together"),
        ({"output": "a", "licence": "MIT"}, "--archive and --licence go together"),
    ],
)
def test_what_an_export_lacks_is_said(settings, complaint):
    from stmt_tf.export.settings import ExportConfig

    with pytest.raises(ValueError, match=complaint):
        ExportConfig(workdir="work", **settings)
