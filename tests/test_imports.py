"""What scripts import exists: nothing else imports the benchmarks and examples, so nothing else would tell."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = [*sorted((ROOT / "benchmarks").glob("*.py")), *sorted((ROOT / "examples").glob("*.py"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_names_that_a_script_imports_from_the_package_exist(script):
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("stmt_tf", "tfrecords_tools"):
            module = importlib.import_module(node.module)
            for name in (alias.name for alias in node.names):
                submodule = f"{node.module}.{name}"
                assert hasattr(module, name) or importlib.util.find_spec(submodule), f"{script.name}: no {submodule}"
