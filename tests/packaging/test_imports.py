"""What may be imported without PyTorch, and never imports Qt."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import graphviz_nn

WITHOUT_TORCH = ("model", "graph", "store", "layout", "scene", "export", "session", "plugin", "cli", "run")
"""Parts that serve a recorded run on a machine without PyTorch: none of their modules loads it when imported."""

EXISTING = {module.name for module in pkgutil.iter_modules(graphviz_nn.__path__)}

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module({name!r})
for module in pkgutil.walk_packages(getattr(package, "__path__", []), package.__name__ + "."):
    importlib.import_module(module.name)
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def modules_loaded_by(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has after running the code."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("part", sorted(EXISTING.intersection(WITHOUT_TORCH)))
def test_part_loads_without_torch_and_qt(part):
    loaded = modules_loaded_by(IMPORT_ALL.format(name=f"graphviz_nn.{part}"))
    assert not loaded & {"torch", "PyQt6", "PySide6"}


def test_the_check_sees_an_import_of_torch():
    loaded = modules_loaded_by(IMPORT_ALL.format(name="torch.backends.mps"))
    assert "torch" in loaded


def test_the_package_itself_loads_without_torch():
    loaded = modules_loaded_by("import graphviz_nn, sys; print(*{n.partition('.')[0] for n in sys.modules})")
    assert "graphviz_nn" in loaded
    assert "torch" not in loaded


@pytest.mark.parametrize("command", [["--help"], ["info", "--help"], ["run", "--help"], ["plugins"]])
def test_command_starts_without_torch(command):
    code = f"""
import sys
from graphviz_nn.cli.main import main
try:
    main({command!r})
except SystemExit as stop:
    assert stop.code in (0, None), stop.code
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
    assert "torch" not in modules_loaded_by(code)
