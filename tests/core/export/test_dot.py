"""DOT says what the picture says; Graphviz draws it where it is installed."""

import re
import shutil
import subprocess

import pytest

from graphviz_nn.errors import UsageError
from graphviz_nn.export.dot import write_dot, write_pdf, write_png
from graphviz_nn.model.exporters import ExportRequest, PictureOptions
from graphviz_nn.model.structure import Structure
from tests.support.labels import HOSTILE
from tests.support.runs import with_gradients
from tests.support.structures import StructureBuilder, lstm, resnet

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def request(structure: Structure, **options: object) -> ExportRequest:
    return ExportRequest(with_gradients(structure), 0, PictureOptions(**options))  # type: ignore[arg-type]


def dot(structure: Structure, **options: object) -> str:
    return write_dot(request(structure, **options)).decode()


def test_clusters_boxes_and_edges() -> None:
    text = dot(resnet(), depth=2)
    assert len(re.findall(r"subgraph cluster_", text)) == 5
    assert 'label="conv1\\nConv 7×7, 64, stride 2\\n8×64×112×112"' in text
    assert "loss\\ncross_entropy" in text


def test_direction_theme_and_heat() -> None:
    text = dot(resnet(), direction="right", theme="dark", color_by="gradient")
    assert "rankdir=LR" in text
    assert 'bgcolor="#0f141a"' in text
    assert "gradient, L2 norm: " in text


def test_folded_run() -> None:
    text = dot(lstm(50))
    assert 'label="× 50 ↻\\ncell' in text


@needs_dot
@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_are_read_by_graphviz(label: str) -> None:
    b = StructureBuilder()
    x = b.input(label, (2, 2))
    with b.module("", label), b.module(f"m{label}", label):
        b.op("add", b.op(label or "op", x))
    content = write_dot(request(b.build(), depth=None))
    drawn = subprocess.run(["dot", "-Tplain"], input=content, capture_output=True, check=True)
    assert drawn.stdout.count(b"\nnode ") == 3
    assert b"syntax error" not in drawn.stderr


@needs_dot
def test_pdf_and_png() -> None:
    assert write_pdf(request(resnet())).startswith(b"%PDF-")
    assert write_png(request(resnet())).startswith(b"\x89PNG")


def test_without_graphviz_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match=r"PDF is drawn by.*apt install graphviz.*\.svg"):
        write_pdf(request(resnet()))
