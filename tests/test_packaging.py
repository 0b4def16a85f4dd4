"""What holds for the package as a whole: who may import whom, and how quietly it starts."""

import ast
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import stmt_tf
from stmt_tf import assets, compat

PACKAGE = Path(stmt_tf.__file__).parent
ROOT = PACKAGE.parent

# From the ground up: a module may import those of its own floor and below. Modules on no floor are on top.
FLOORS = (
    ("__init__", "compat", "config", "files", "package_index", "pose_bundle", "streams"),
    ("assets", "flags"),
    ("data", "features", "mattes", "pose", "video"),
    ("losses", "metrics", "models"),
    ("trainer",),
)


def modules():
    """The sources of the package by module name, without the leading `stmt_tf.`."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imported(tree):
    """The dotted names of everything that a source imports, within functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports():
    """Which modules of the package each of its modules imports."""
    sources = modules()
    graph = {}
    for module, tree in sources.items():
        names = [name[len("stmt_tf.") :] for name in imported(tree) if name.startswith("stmt_tf.")]
        candidates = {c for name in names for c in (name, name.rpartition(".")[0], f"{name}.__init__")}
        graph[module] = sorted(candidates & set(sources))
    return graph


def floor(module):
    name = module.split(".")[0]
    return next((i for i, names in enumerate(FLOORS) if name in names), len(FLOORS))


def test_imports_point_down_only():
    upward = [
        f"{module} imports {other}"
        for module, others in own_imports().items()
        for other in others
        if floor(other) > floor(module)
    ]
    assert upward == []


def test_no_imports_go_in_circles():
    graph = own_imports()
    finished = set()

    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module not in finished:
            for other in graph[module]:
                visit(other, [*path, module])
            finished.add(module)

    for module in graph:
        visit(module, [])


def test_the_library_uses_none_of_the_tools():
    assert [m for m, tree in modules().items() if any(n.startswith("tfrecords_tools") for n in imported(tree))] == []


def test_absl_flags_are_read_by_the_mains_and_their_bridge_alone():
    readers = {m for m, tree in modules().items() if any(n.startswith("absl.flags") for n in imported(tree))}
    assert {m for m in readers if floor(m) < len(FLOORS)} <= {"flags"}


@pytest.mark.parametrize("module", ["stmt_tf", "stmt_tf.assets", "stmt_tf.config"])
def test_import_is_light(module):
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.fixture
def before_tensorflow(monkeypatch):
    """The state of a process that has not loaded TensorFlow, as far as compat looks at it."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))


def test_environment_is_set_before_tensorflow_loads(before_tensorflow):
    environ = {}
    compat.prepare_environment(environ)
    assert environ == {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def test_settings_of_the_user_stay(before_tensorflow):
    environ = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "0"}
    finders = list(sys.meta_path)
    compat.prepare_environment(environ)
    assert environ == {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "0"}
    assert sys.meta_path == finders


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
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_what_a_failing_tensorflow_says_is_shown(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os; os.write(2, b'native words'); raise ImportError('no AVX')")
    result = run("import stmt_tf, tensorflow", PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "native words" in result.stderr and "no AVX" in result.stderr


def test_one_opencv_is_installed():
    wheels = ("", "-contrib", "-headless", "-contrib-headless")
    names = [f"opencv{kind.replace('-headless', '')}-python{'-headless' * ('headless' in kind)}" for kind in wheels]
    assert len([name for name in names if installed(name)]) == 1


def test_shipped_model_is_found_in_a_clone_and_in_an_installed_package(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "__file__", str(tmp_path / "stmt_tf" / "assets.py"))
    assert assets.shipped_model("small") == tmp_path / "saved_models" / "small"
    (tmp_path / "stmt_tf" / "saved_models" / "small").mkdir(parents=True)
    assert assets.shipped_model("small") == tmp_path / "stmt_tf" / "saved_models" / "small"
