"""What holds for the package as a whole: who may import whom, and how quietly it starts."""

import ast
import graphlib
import os
import re
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import setuptools
from words import own_lines

import stmt_tf
from stmt_tf import compat, files

PACKAGE = Path(stmt_tf.__file__).parent
ROOT = PACKAGE.parent

# What each module at the top and each folder may import, and does.
IMPORTS = {
    "__init__": "compat transfer",
    "compat": "",
    "config": "",
    "files": "",
    "flags": "compat config files",
    "assets": "files flags",
    "pixels": "",
    "silence": "",
    "video": "files",
    "pose": "assets config files silence video",
    "data": "compat config dancers files pixels pose",
    "features": "assets files",
    "metrics": "assets features pixels pose video",
    "models": "compat config files pixels pose",
    "serving": "config files models pixels pose silence",
    "train": "assets compat config data features files flags models pixels pose",
    "zoo": "assets files models serving",
    "export": "config flags models serving train zoo",
    "evaluate": "assets config data features files flags metrics models pixels pose serving video zoo",
    "place": "pose serving video",
    "personalize": "assets config data export files flags metrics models pixels pose serving train video zoo",
    "transfer": "assets config files flags personalize place pose serving video zoo",
    "app": "config flags models place serving transfer video zoo",
    "study": "config evaluate files flags video",
    "__main__": "flags",
    "dancers": "",
    "tfrecords_tools": "assets compat config dancers data files flags pose video",
}
_REFERENCE = re.compile(r"(?:-m )?((?:stmt_tf|tfrecords_tools|dancers)(?:\.\w+)*)")


def sources():
    """The sources of the three packages, by the names of `IMPORTS`."""
    for package in (PACKAGE, ROOT / "dancers", ROOT / "tfrecords_tools"):
        for path in sorted(package.rglob("*.py")):
            name = path.relative_to(package).with_suffix("").parts[0] if package == PACKAGE else package.name
            yield name, path, ast.parse(path.read_text(encoding="utf-8"))


def referred(tree):
    """The dotted names of all that a source imports, within functions too, or names in a string, as commands are."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            if match := _REFERENCE.fullmatch(node.value):
                yield match[1]


def rooms(names):
    """Which of the names of `IMPORTS` these dotted names belong to."""
    for first, *others in (name.split(".") for name in names):
        if first in ("dancers", "tfrecords_tools"):
            yield first
        elif first == "stmt_tf" and others and others[0] in IMPORTS:
            yield others[0]


def test_folders_import_what_lies_below_them_alone():
    found = {name: set() for name in IMPORTS}
    for name, path, tree in sources():
        assert name in IMPORTS, f"{path}: say in IMPORTS what it may import"
        found[name].update(set(rooms(referred(tree))) - {name})
    assert found == {name: set(others.split()) for name, others in IMPORTS.items()}
    list(graphlib.TopologicalSorter(found).static_order())  # raises CycleError


def test_no_modules_import_each_other_in_a_circle():
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): tree for _, path, tree in sources()}
    graph = {}
    for module, tree in modules.items():
        near = {c for name in referred(tree) for c in (name, name.rpartition(".")[0], f"{name}.__init__")}
        # What the package itself imports is imported when somebody outside asks for it.
        graph[module] = near & set(modules) - {module, "stmt_tf.__init__"}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_absl_flags_are_read_by_their_bridge_alone():
    readers = {name for name, _, tree in sources() if any(n.startswith("absl.flags") for n in referred(tree))}
    assert readers == {"flags"}


@pytest.mark.parametrize(
    "module",
    ["stmt_tf", "stmt_tf.assets", *(f"stmt_tf.{path.parent.name}.settings" for path in PACKAGE.glob("*/settings.py"))],
)
def test_import_is_light(module):
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.fixture
def before_tensorflow(monkeypatch):
    """The state of a process that has not loaded TensorFlow, as far as compat looks at it."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)


def test_environment_is_set_before_tensorflow_loads(before_tensorflow):
    environ = {}
    compat.prepare_environment(environ)
    assert environ == {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def test_settings_of_the_user_stay(before_tensorflow):
    environ = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "0"}
    compat.prepare_environment(environ)
    assert environ == {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "0"}


def test_loaded_tensorflow_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    environ = {}
    compat.prepare_environment(environ)
    assert environ == {}


def run(code, **environ):
    unset = ("TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**inherited, **environ}, capture_output=True, text=True
    )


def installed(distribution):
    try:
        return bool(metadata.version(distribution))
    except metadata.PackageNotFoundError:
        return False


@pytest.mark.slow
def test_tensorflow_starts_quietly():
    code = "import stmt_tf; import tensorflow as tf; tf.function(lambda x: x @ x)(tf.ones([2, 2]))"
    if installed("tensorflow-addons"):
        code += "; import tensorflow_addons"
    result = run(code)
    assert (result.returncode, result.stdout, own_lines(result.stderr)) == (0, "", [])


def test_one_opencv_is_installed():
    wheels = ("", "-contrib", "-headless", "-contrib-headless")
    names = [f"opencv{kind.replace('-headless', '')}-python{'-headless' * ('headless' in kind)}" for kind in wheels]
    assert len([name for name in names if installed(name)]) == 1


def test_what_is_shipped_is_found_in_a_clone_and_in_an_installed_package(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "__file__", str(tmp_path / "stmt_tf" / "files.py"))
    assert files.shipped("saved_models/small") == tmp_path / "saved_models" / "small"
    assert files.shipped("configs/mse.flags") == tmp_path / "configs" / "mse.flags"
    (tmp_path / "stmt_tf" / "saved_models" / "small").mkdir(parents=True)
    assert files.shipped("saved_models/small") == tmp_path / "stmt_tf" / "saved_models" / "small"


@pytest.fixture
def setup_arguments(monkeypatch):
    """What setup.py gives to setuptools."""
    given = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
    runpy.run_path("setup.py")
    return given


def test_flagfiles_and_models_are_in_the_wheel(setup_arguments):
    for name in ("configs", "saved_models"):
        package = f"stmt_tf.{name}"
        assert package in setup_arguments["packages"] and setup_arguments["package_dir"][package] == name
        (pattern,) = setup_arguments["package_data"][package]
        packed = {path for path in (ROOT / name).glob(pattern) if path.is_file()}
        assert packed == {path for path in (ROOT / name).rglob("*") if path.is_file()} != set()


def test_console_script_lists_the_commands(setup_arguments, monkeypatch, capsys):
    (script,) = setup_arguments["entry_points"]["console_scripts"]
    name, _, value = script.partition(" = ")
    monkeypatch.setattr(sys, "argv", [name])
    metadata.EntryPoint(name, value, "console_scripts").load()()
    assert name == "stmt-tf" and "\n  transfer " in capsys.readouterr().out
