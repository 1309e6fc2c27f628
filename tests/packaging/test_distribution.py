"""What the wheel and the source archive hold."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def build(kind: str, folder: Path) -> Path:
    """Builds one archive with the installed hatchling: no network, no isolated environment."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def sdist_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_wheel_installs_nothing_but_the_packages(wheel):
    top = {name.partition("/")[0] for name in wheel.namelist()}
    info = f"graphviz_nn-{PROJECT['version']}.dist-info"
    assert top == {"graphviz_nn", "graphviz_nn_ui", "graphviz_nn_sequence", "graphviz_nn_vision", info}


def test_wheel_ships_the_icons_style_and_examples_of_the_app(wheel):
    package = ROOT / "ui"
    shipped = {
        str(file.relative_to(package)) for suffix in ("svg", "qss", "py") for file in package.rglob(f"*.{suffix}")
    }
    assert {"graphviz_nn_ui/style.qss", "graphviz_nn_ui/icons/into.svg"} < shipped
    assert "graphviz_nn_ui/examples/digits.py" in shipped
    assert shipped <= set(wheel.namelist())


def test_wheel_holds_every_module_and_the_typing_marker(wheel):
    modules = {str(file.relative_to(ROOT)) for file in (ROOT / "graphviz_nn").rglob("*.py")}
    assert {"graphviz_nn/errors.py"} < modules
    assert modules | {"graphviz_nn/py.typed"} <= set(wheel.namelist())


def test_wheel_holds_what_an_exported_page_is_made_of(wheel):
    folder = ROOT / "graphviz_nn" / "export" / "assets"
    assets = {str(file.relative_to(ROOT)) for file in folder.iterdir()}
    assert {f"graphviz_nn/export/assets/{name}" for name in ("page.html", "page.css", "page.js", "layout.js")} < assets
    assert assets <= set(wheel.namelist())


def test_wheel_declares_script_plugins_and_licence(wheel):
    names = {Path(name).name: name for name in wheel.namelist() if ".dist-info/" in name}
    entry_points = configparser.ConfigParser(delimiters=("=",))
    entry_points.optionxform = str  # type: ignore[method-assign,assignment]  # names are case-sensitive
    entry_points.read_string(wheel.read(names["entry_points.txt"]).decode())
    assert entry_points["console_scripts"]["graphviz-nn"] == "graphviz_nn.cli.main:main"
    assert dict(entry_points["graphviz_nn"]) == PROJECT["entry-points"]["graphviz_nn"]
    assert "LICENSE" in names


def test_source_archive_can_be_tested_and_rebuilt(sdist_names):
    needed = {"pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "README.md", "tools/setup.sh"}
    needed |= {"graphviz_nn/errors.py", "tests/conftest.py", "examples/digits.py", "plugins/README.md", "ui/README.md"}
    assert needed <= sdist_names


def test_source_archive_holds_no_leftovers(sdist_names):
    assert not [name for name in sdist_names if name.endswith((".pyc", ".gvnn")) or "__pycache__" in name]


def test_every_dependency_is_pinned():
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in _constraints()}
    wanted = [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
    names = {requirement.split(">")[0].split("[")[0].lower() for requirement in wanted} - {"graphviz-nn"}
    assert names <= pinned


def _constraints() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
