"""The plugin package of the documentation, built and installed by pip, shows in a picture."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.plugins.environments import environment_with, run

DOCUMENT = Path(__file__).parents[2] / "docs" / "layer-types.md"
DRAW = """
import torch
import graphviz_nn as gnn
from acme_layers import Gate
from torch import nn

run = gnn.trace(nn.Sequential(nn.Linear(4, 4), Gate(3)), torch.zeros(2, 4))
run.export("gate.svg", depth=2)
"""


def files_of_the_document() -> dict[str, str]:
    """Returns the package's files: each is a code block after a line that begins with its name."""
    text = DOCUMENT.read_text()
    return dict(re.findall(r"^`([\w/.]+)`[^\n]*:\n\n```\w+\n(.*?)```", text, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment that has the package installed and sees what this one has."""
    folder = tmp_path_factory.mktemp("installed")
    for name, text in files_of_the_document().items():
        path = folder / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return environment_with(folder / "package", folder)


def test_its_layer_type_is_in_the_picture(python: Path, tmp_path: Path) -> None:
    run(python, "-c", DRAW, folder=tmp_path)
    picture = (tmp_path / "gate.svg").read_text()
    assert "Gate of 3" in picture
    assert "sigmoid" not in picture.lower(), "its inside is kept to itself"


def test_it_is_listed(python: Path, tmp_path: Path) -> None:
    listed = run(python, "-m", "graphviz_nn", "plugins", folder=tmp_path)
    assert re.search(r"acme_layers.*1\.0", listed)
    assert "acme_layers" not in run(sys.executable, "-m", "graphviz_nn", "plugins", folder=tmp_path)
