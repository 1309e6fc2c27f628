"""`graphviz-nn export --view`: the shell's way to a view."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.cli.main import cli


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    run = gnn.trace(model, torch.rand(2, 1, 8, 8), loss=lambda output: output.sum())
    return run.save(tmp_path_factory.mktemp("export") / "run.gvnn")


def _export(run_file: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["export", str(run_file), *arguments])
    return result.exit_code, result.output


def test_a_view_is_written(run_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "maps.png"
    code, output = _export(run_file, "-o", str(target), "--view", "feature_maps", "--node", "0", "--of", "gradient")
    assert (code, output.strip()) == (0, str(target))
    assert target.read_bytes().startswith(b"\x89PNG")


def test_help_lists_the_views_of_all_plugins() -> None:
    output = CliRunner().invoke(cli, ["export", "--help"]).output
    assert all(name in output for name in ("feature_maps", "attention", "gradient_flow", "loss"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--view", "feature_mops", "--node", "0"), "Did you mean 'feature_maps'?"),
        (("--node", "0"), "--node is for --view"),
        (("--view", "feature_maps", "--node", "0", "--scale", "eech"), "Did you mean 'each'?"),
        (("--view", "feature_maps", "--node", "0", "--count", "-3"), "-3 is not in the range x>=1"),
    ],
)
def test_a_mistake_is_one_message(run_file: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    code, output = _export(run_file, "-o", str(tmp_path / "x.png"), *arguments)
    assert code == 2
    assert message in output
    assert not (tmp_path / "x.png").exists()
