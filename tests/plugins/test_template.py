"""The plugin to copy from: built, installed into a fresh environment, tested there, and described line by line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.plugins.environments import environment_with, run

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "examples" / "plugin_template"
CODE = sorted((TEMPLATE / "siren_layers").glob("*.py"))
DOCUMENT = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the template."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(TEMPLATE, folder / "package", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return environment_with(folder / "package", folder)


def test_its_own_tests_pass_where_it_is_installed(python: Path, tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:pytest-qt", "tests", folder=tmp_path)
    assert re.search(r"^\d+ passed", done, re.MULTILINE)


def test_it_is_listed_with_its_hooks(python: Path, tmp_path: Path) -> None:
    listed = run(python, "-m", "graphviz_nn", "plugins", "--json", folder=tmp_path)
    assert "siren_layers" in listed
    assert all(hook in listed for hook in ("register_layer_types", "register_checks", "register_views"))


def test_it_is_short() -> None:
    lines = [line for file in CODE for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) < 80


def test_the_walk_shows_every_line_of_it() -> None:
    shown = "\n".join(re.findall(r"^```(?:python|toml)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL))
    shown_lines = set(shown.splitlines())
    for file in (*CODE, TEMPLATE / "pyproject.toml"):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert [line for line in lines if line not in shown_lines] == [], file.name
