"""`graphviz-nn trace`, `info` and `export` on a model in a file, and every bad request to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

import graphviz_nn as gnn
from graphviz_nn.cli.main import cli

MODELS = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))

def with_loss():
    return net(), torch.ones(2, 1, 4, 4), lambda output: output.square().mean()

def words():
    return nn.Embedding(10, 4)

def failing():
    raise RuntimeError("no weights here")

class Unfinished(nn.Module):
    def forward(self, x):
        return forgotten(x)

def leaving():
    raise SystemExit(4)

class Fussy(nn.Module):
    def forward(self, x):
        raise ValueError("never satisfied")

def fussy():
    return Fussy(), torch.ones(1)

def dictionary():
    class Named(nn.Module):
        def forward(self, x):
            return {"scores": x * 2, "index": x.argmax()}
    return Named(), torch.ones(3, requires_grad=True)
"""


@pytest.fixture
def folder(tmp_path: Path, clean_imports: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(MODELS, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def summary(*arguments: str) -> dict:
    result = invoke("trace", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: str) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_traces_a_model_with_made_up_input(folder):
    found = summary("nets.py:net", "--input", "2x1x4x4")
    assert found["step"]["forward_only"]
    assert [module["type"] for module in found["step"]["modules"]] == [
        "Sequential",
        "Conv2d",
        "ReLU",
        "Flatten",
        "Linear",
    ]
    assert found["step"]["modules"][-1]["output"] == [2, 3]


def test_takes_the_targets_own_input_and_loss(folder):
    found = summary("nets.py:with_loss")
    assert found["step"]["passes"] == 1
    assert found["loss_last"] > 0
    assert summary("nets.py:with_loss", "--no-backward")["step"]["passes"] == 0


def test_the_same_command_gives_the_same_numbers(folder):
    first, second = (summary("nets.py:net", "--input", "2x1x4x4", "--loss", "sum") for _ in range(2))
    assert first["step"]["modules"] == second["step"]["modules"]
    assert first["step"]["passes"] == 1


def test_sum_and_mean_are_over_every_floating_output(folder):
    assert summary("nets.py:dictionary", "--loss", "sum")["loss_last"] == 6
    assert summary("nets.py:dictionary", "--loss", "mean")["loss_last"] == 2


def test_a_loss_can_be_any_function(folder):
    (folder / "losses.py").write_text("def third(output):\n    return output['scores'].sum() / 3", encoding="utf-8")
    assert summary("nets.py:dictionary", "--loss", "losses.py:third")["loss_last"] == 2


def test_writes_run_and_pictures(folder):
    result = invoke("trace", "nets.py:with_loss", "-o", "net.gvnn", "-o", "net.svg", "--keep", "all", "--depth", "all")
    assert result.exit_code == 0, result.output
    assert "Conv2d" in result.stdout
    assert "wrote net.gvnn" in result.stderr
    assert (folder / "net.svg").read_text(encoding="utf-8").startswith(("<?xml", "<svg"))
    with gnn.load("net.gvnn") as run:
        assert run.value("0").shape == (2, 2, 2, 2)
        assert isinstance(run.gradient("0"), torch.Tensor)


def test_info_and_export_read_what_trace_wrote(folder):
    traced = summary("nets.py:with_loss", "-o", "net.gvnn")
    shown = json.loads(invoke("info", "net.gvnn", "--json").stdout)
    assert shown["step"]["modules"] == traced["step"]["modules"]
    table = invoke("info", "net.gvnn").stdout
    for part in ("net.gvnn", "1 step recorded", "Conv2d", "2×2×2×2", "parameters"):
        assert part in table
    result = invoke("export", "net.gvnn", "-o", "net.svg", "-o", "net.dot", "--color-by", "gradient", "--theme", "dark")
    assert result.exit_code == 0, result.output
    assert [Path(line).name for line in result.stdout.splitlines()] == ["net.svg", "net.dot"]


@pytest.mark.qt_no_exception_capture  # The error goes to sys.excepthook, where it belongs.
def test_an_error_of_the_targets_own_code_is_its_own(folder, capsys):
    result = invoke("trace", "nets.py:failing")
    assert result.exit_code == 1
    assert "no weights here" in result.stderr
    assert 'nets.py", line' in result.stderr
    assert "graphviz_nn/" not in result.stderr


@pytest.mark.qt_no_exception_capture
def test_an_error_that_no_input_mends_is_the_authors(folder):
    result = invoke("trace", "nets.py:Unfinished", "--input", "2x3")
    assert result.exit_code == 1
    assert "NameError: name 'forgotten' is not defined" in result.stderr


@pytest.mark.qt_no_exception_capture  # The error goes to sys.excepthook, where it belongs.
def test_a_model_that_fails_leaves_its_partial_run(folder):
    result = invoke("trace", "nets.py:fussy", "-o", "fussy.gvnn")
    assert result.exit_code == 1
    assert "never satisfied" in result.stderr
    with gnn.load("fussy.gvnn") as run:
        assert run.steps[0].info.error.type == "ValueError"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["nets.py:net"], ["cannot be called with no inputs", "--input 1x3x224x224"]),
        (["nets.py:net", "--input", "1x1x4x4", "--input", "3"], ["cannot be called with 2 inputs"]),
        (["nets.py:net", "--input", "1x3x4x4"], ["net fails on --input 1×3×4×4 float32", "expected input"]),
        (["nets.py:words", "--input", "2x3:int64"], ["words fails on --input 2×3 int64", "1x16:int64:1000"]),
        (["nets.py:words", "--input", "2x3:int46"], ["Did you mean 'int64'?"]),
        (["nets.py:net", "--input", "99999999999x1x4x4"], ["does not fit into memory"]),
        (["nets.py:net", "--input", "99999999999999999999x1x4x4"], ["does not fit into memory"]),
        (["nets.py:leaving"], ["ended the program (exit code 4)"]),
        (
            ["nets.py:with_loss", "--keep", "layer9.*", "-o", "net.svg"],
            ["'layer9.*' fits no call", "others: 0, 1, 2, 3"],
        ),
        (["nets.py:with_loss", "--keep", "op:conv", "-o", "net.svg"], ["Did you mean 'op:conv2d'?"]),
        (["nets.py:with_loss", "-o", "folder"], ["folder is a folder"]),
        (["nets.py:net", "--input", "1,1,4,4"], ["joined by x"]),
        (["nets.py:nat", "--input", "1"], ["Did you mean 'net'?"]),
        (["nets.py:with_loss", "--loss", "sum", "--no-backward"], ["contradict each other"]),
        (["nets.py:with_loss", "--loss", "summ"], ["Did you mean 'sum'?"]),
        (["nets.py:net", "--input", "1x1x4x4", "--loss", "nets.py:net"], ["The loss 'nets.py:net' fails", "net()"]),
        (
            ["nets.py:net", "--input", "1x1x4x4", "--loss", "torch:relu"],
            ["loss=relu returned a tensor of shape (1, 3)"],
        ),
        (["nets.py:with_loss", "-o", "nowhere/net.svg"], ["mkdir -p"]),
        (["nets.py:with_loss", "-o", "net.svgg"], ["svg"]),
        (["nets.py:with_loss", "-o", "net.svg", "--color-by", "gradeint"], ["Did you mean 'gradient'?"]),
        (["nets.py:with_loss", "-o", "net.svg", "--depth", "deep"], ["Give a number from 0, or all"]),
        (["nets.py:with_loss", "-o", "net.svg", "--expand", "layer9.*"], ["layer9.*"]),
    ],
)
def test_bad_requests_get_one_message(folder, arguments, parts):
    message = refused("trace", *arguments)
    for part in parts:
        assert part in message
    assert not (folder / "net.svg").exists()


def test_a_bad_suffix_is_refused_before_the_model_runs(folder):
    (folder / "noisy.py").write_text("print('imported')", encoding="utf-8")
    assert "svg" in refused("trace", "noisy.py:f", "-o", "net.svgg")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["info", "missing.gvnn"], ["There is no run file", "Did you mean 'net.gvnn'?"]),
        (["info", "nets.py"], ["nets.py"]),
        (["info", "."], ["is a folder. Name one of the runs in it: ", "net.gvnn"]),
        (["info", "folder"], ["is a folder. It holds no run file."]),
        (["info", "folder/net.gvnn"], ["There is no run file", "Record one: graphviz-nn run"]),
        (["check", "net.gvnn", "--rules", "foo"], ["Families are activations, "]),
        (["check", "net.gvnn", "--rules", ","], ["--rules names no rule"]),
        (["check", "net.gvnn", "--fail-on", "eror"], ["Did you mean 'error'?"]),
        (["export", "net.gvnn", "-o", "copy.gvnn"], ["To copy a run, copy its file."]),
        (["info", "damaged.gvnn"], ["damaged"]),
        (["info", "net.gvnn", "--step", "7"], ["There is no step 7"]),
        (["info", "net.gvnn", "--depth", "-1"], ["Give a number from 0, or all"]),
        (["export", "net.gvnn"], ["Missing option '-o'"]),
        (["export", "net.gvnn", "-o", "net.jpeg"], ["jpeg"]),
        (["export", "net.gvnn", "-o", "nowhere/net.svg"], ["nowhere"]),
        (["export", "net.gvnn", "-o", "net.svg", "--step", "7"], ["step 7"]),
        (["export", "net.gvnn", "-o", "net.svg", "--theme", "drak"], ["Did you mean 'dark'?"]),
        (["export", "net.gvnn", "-o", "net.svg", "--direction", "up"], ["down, right"]),
        (["export", "net.gvnn", "-o", "net.svg", "--expand", "block*"], ["block*"]),
    ],
)
def test_bad_requests_to_a_run_file_get_one_message(folder, arguments, parts):
    gnn.trace(torch.nn.Linear(2, 2), torch.ones(1, 2), keep="stats").save("net.gvnn")
    content = Path("net.gvnn").read_bytes()
    Path("damaged.gvnn").write_bytes(content[:100] + bytes(len(content) - 100))
    message = refused(*arguments)
    for part in parts:
        assert part in message
    assert sorted(file.suffix for file in folder.iterdir() if file.is_file()) == [".gvnn", ".gvnn", ".py"]
