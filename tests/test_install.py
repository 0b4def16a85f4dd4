"""Ways to install and try: the extras for a GPU, the Dockerfile, the notebook, the demo's target of `make`."""

from __future__ import annotations

import fnmatch
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from pages import ROOT, read
from test_packaging import setup_arguments  # noqa: F401  a fixture

from stmt_tf.__main__ import COMMANDS
from stmt_tf.assets import ASSETS
from stmt_tf.video.reader import probe, read_frames
from stmt_tf.video.writer import VideoWriter

NOTEBOOK = ROOT / "examples" / "colab.ipynb"
LINE = "addons" if metadata.version("tensorflow").startswith("2.15.") else "current"
SKIPPED = {"install", "upload"}  # cells of the notebook that ask the network or the user


def instructions(text):
    """The Dockerfile's instructions: each its name and what follows."""
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


DOCKERFILE = instructions(read("Dockerfile"))


def test_what_the_image_copies_exists_and_is_not_ignored():
    ignored = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert ignored[0] == "*"
    kept = {line[1:] for line in ignored if line.startswith("!")}
    copied = {path for name, words in DOCKERFILE if name == "COPY" for path in words.split()[:-1]}
    assert all((ROOT / path).exists() for path in copied) and copied == kept
    assert not any(fnmatch.fnmatch(path, line) for line in ignored[1:] if line[0] != "!" for path in copied)


def test_the_image_holds_all_that_setup_packs(setup_arguments):  # noqa: F811
    copied = {words.split()[0] for name, words in DOCKERFILE if name == "COPY"}
    moved = setup_arguments["package_dir"]
    packages = {moved.get(package, package.split(".")[0]) for package in setup_arguments["packages"]}
    assert packages <= copied
    files = {"setup.py", "pyproject.toml", "README.md", *setup_arguments["license_files"]}
    assert files <= {word for name, words in DOCKERFILE if name == "COPY" for word in words.split()}


def test_the_images_extras_and_commands_exist(setup_arguments):  # noqa: F811
    asked = re.findall(r"EXTRAS=([\w,]+)", read("Dockerfile"))
    assert len(asked) == 2 and "gpu" in asked[0].split(",") + asked[1].split(",")
    assert {extra for extras in asked for extra in extras.split(",")} <= set(setup_arguments["extras_require"])
    (entry,) = (json.loads(words) for name, words in DOCKERFILE if name == "ENTRYPOINT")
    assert f"{entry[0]} = " in setup_arguments["entry_points"]["console_scripts"][0]
    (run,) = (words for name, words in DOCKERFILE if name == "RUN" and "stmt_tf" in words)
    assert shlex.split(run.partition("&&")[0]) == ["python", "-m", "stmt_tf.assets", "fetch", "pose_landmarker"]
    assert "assets" in COMMANDS and "pose_landmarker" in ASSETS


@pytest.mark.index
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="CUDA's libraries are Linux's")
def test_pip_finds_cudas_libraries_for_the_line_of_this_environment(tmp_path):
    report = tmp_path / "report.json"
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", f"--report={report}"]
    done = subprocess.run([*pip, f"{ROOT}[{LINE},gpu]"], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    installed = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    found = {about["name"]: about["version"] for about in installed}
    assert (found["tensorflow"] == "2.15.1") == (LINE == "addons")
    assert any(name.startswith("nvidia-cudnn-cu") for name in found)


@pytest.fixture
def short_samples(tmp_path):
    """A folder with the samples, so short that they take seconds."""
    (tmp_path / "samples").mkdir()
    for name in ("source", "target"):
        frames = list(itertools.islice(read_frames(ROOT / "samples" / f"{name}.mp4"), 12))
        with VideoWriter(tmp_path / "samples" / f"{name}.mp4", frames[0].image.shape[1::-1], 25) as writer:
            for frame in frames:
                writer.write(frame.image)
    return tmp_path


def test_the_notebooks_cells_that_are_skipped_say_what_the_project_has(setup_arguments):  # noqa: F811
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    skipped = {tag: "".join(cell["source"]) for cell in cells for tag in cell["metadata"].get("tags", ())}
    assert set(skipped) == SKIPPED
    (extra,) = re.findall(r"pip install --quiet \.\[(\w+)\]", skipped["install"])
    assert extra == "current" and extra in setup_arguments["extras_require"]
    assert "stmt_tf.assets fetch pose_landmarker" in skipped["install"]
    assert not any(cell.get("outputs") for cell in cells)  # what people made with it stays theirs


@pytest.mark.slow
@pytest.mark.asset("pose_landmarker")
@pytest.mark.skipif(LINE == "addons", reason="the notebook installs the current line")
def test_the_notebook_makes_and_shows_a_video(short_samples, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    notebook.cells = [cell for cell in notebook.cells if not SKIPPED & set(cell.metadata.get("tags", ()))]
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(short_samples)}}, timeout=3600).execute()
    made = probe(short_samples / "result.mp4")
    source = probe(short_samples / "samples" / "source.mp4")
    assert made.width > 2 * source.width  # side by side
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output.data["text/html"] for output in outputs if "data" in output]
    assert len(shown) == 1 and shown[0].startswith("<video") and "base64" in shown[0]


def dry_make(*words, folder):
    done = subprocess.run(["make", "-n", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_demo_installs_no_more_than_it_needs(tmp_path):
    for name in ("Makefile", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    extras = re.findall(r'--editable "\.\[([\w,]+)\]"', dry_make("demo", folder=tmp_path))
    assert extras in (["addons"], ["current"])
    assert re.findall(r'"\.\[([\w,]+)\]"', dry_make("env", folder=tmp_path)) == [f"{extras[0]},serving,test"]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_demo_takes_a_whole_environment_as_it_is(tmp_path):
    for name in ("Makefile", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for line in ("addons", "current"):
        stamp = Path(tmp_path / ".venv" / f"installed-{line}")
        stamp.parent.mkdir(exist_ok=True)
        stamp.touch()
    assert "pip install" not in dry_make("demo", folder=tmp_path)
