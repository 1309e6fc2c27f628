"""The rules' pages, choosing rules, thresholds, plugins' rules, and the command line."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from graphviz_nn.analysis.builtin import register_checks
from graphviz_nn.analysis.check import run_checks
from graphviz_nn.cli.check import configured
from graphviz_nn.cli.main import cli
from graphviz_nn.errors import OptionError
from graphviz_nn.model.findings import Check, Finding
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import Run
from tests.checks.training import data, fit, recorded, stack
from tools import make_rule_pages
from tools.rule_examples import AMONG_RANKS, EXAMPLES

ROOT = Path(__file__).parents[2]
PARTS = ("Symptom", "Mathematics", "Criterion", "Healthy look-alikes", "Remedy", "Source")


@pytest.fixture(scope="module")
def vanishing() -> Run:
    torch.manual_seed(0)
    inputs, targets = data(16)
    return recorded(lambda: fit(stack(16, 10, nn.Sigmoid), inputs, targets))


@pytest.fixture
def file(vanishing: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(vanishing.save(tmp_path / "run.gvnn"))


def test_pages_are_those_of_the_docstrings():
    """As far as their examples: `python tools/make_rule_pages.py` writes them."""
    folder = ROOT / "docs" / "rules"
    written = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.md")}
    assert {name: text.partition(make_rule_pages.EXAMPLE)[0] for name, text in written.items()} == (
        make_rule_pages.pages()
    )


@pytest.mark.parametrize("rule", [check.name for check in register_checks()])
def test_page_shows_the_example_and_its_pictures(rule):
    folder = ROOT / "docs" / "rules"
    text = (folder / f"{rule}.md").read_text(encoding="utf-8")
    example = EXAMPLES.get(rule) or AMONG_RANKS[rule]
    assert f"```python\n{make_rule_pages.code(example)}```" in text
    pictures = re.findall(r"!\[[\w ]+\]\(([^)]+)\)", text)
    assert pictures
    assert all(0 < (folder / picture).stat().st_size < 40_000 for picture in pictures)


def test_every_picture_is_shown():
    folder = ROOT / "docs" / "rules"
    shown = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.md"))
    assert [file.name for file in (folder / "pictures").iterdir() if f"(pictures/{file.name})" not in shown] == []


@pytest.mark.parametrize("check", register_checks(), ids=lambda check: check.name)
def test_docstring_has_every_part_and_names_its_thresholds(check):
    text = check.run.__doc__
    assert re.findall(r"\*\*([\w -]+)\.\*\*", text) == list(PARTS)
    assert [name for name in check.thresholds if f"`{name}`" not in text] == []


def test_rules_and_families_are_chosen_by_name(vanishing):
    assert {f.rule for f in vanishing.findings()} == {"vanishing_depth"}
    assert {f.rule for f in vanishing.findings(["gradients"])} == {"vanishing_depth"}
    assert vanishing.findings(["numbers", "exploding"]) == []
    with pytest.raises(OptionError, match="Did you mean 'vanishing_depth'"):
        vanishing.findings(["vanishing_deph"])


def test_thresholds_change_what_is_found(vanishing):
    assert vanishing.findings(thresholds={"vanishing_depth.ratio": 1e-30}) == []
    with pytest.raises(OptionError, match=r"Did you mean 'vanishing_depth.ratio'"):
        vanishing.findings(thresholds={"vanishing_depth.ration": 1})


def test_findings_are_the_same_from_a_file(vanishing, file):
    from graphviz_nn.run import load

    with load(file) as run:
        assert run.findings() == vanishing.findings()


def test_a_check_that_raises_is_left_out_and_logged(vanishing, caplog):
    def broken(context, thresholds):
        raise ZeroDivisionError("oh")

    def works(context, thresholds):
        yield Finding("works", "info", 0, None, None, {"limit": thresholds["limit"]}, "cause", "remedy")

    checks = [Check("broken", "own", broken), Check("works", "own", works, {"limit": 2.0})]
    with caplog.at_level(logging.WARNING):
        found = run_checks(vanishing.data, plugins().layer_types, checks, {"broken": {}, "works": {"limit": 2.0}})
    assert [(f.rule, f.evidence) for f in found] == [("works", {"limit": 2.0})]
    assert "ZeroDivisionError: oh" in caplog.text


def test_nothing_is_said_of_a_run_without_numbers_or_gradients():
    import graphviz_nn as gnn

    model = stack(8, 10, nn.Sigmoid)
    for keep in ("none", "stats"):
        assert gnn.trace(model, torch.randn(2, 8), keep=keep).findings() == []
    assert gnn.trace(model, torch.randn(2, 8), loss=lambda y: y.sum(), keep="none").findings() == []


def run(*arguments: str):
    return CliRunner().invoke(cli, ["check", *arguments])


def test_check_shows_a_table(file):
    done = run(file)
    assert done.exit_code == 0
    assert "vanishing_depth" in done.output
    assert "He or Glorot" in done.output


def test_check_writes_json(file, vanishing):
    (found,) = json.loads(run(file, "--json").output)
    (expected,) = vanishing.findings()
    assert (found["rule"], found["node"], found["module"]) == (expected.rule, expected.node, expected.module)
    assert found["name"] == vanishing.node(expected.node).name
    assert found["evidence"]["ratio"] == expected.evidence["ratio"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--fail-on", "warning"], 1),
        (["--fail-on", "error"], 0),
        (["--fail-on", "warning", "--rules", "numbers"], 0),
        (["--fail-on", "warning", "--set", "vanishing_depth.ratio=1e-30"], 0),
        (["--rules", "nothing"], 2),
        (["--set", "vanishing_depth.ratio"], 2),
        (["--set", "vanishing_depth.ratio=small"], 2),
        (["--set", "vanishing_depth.ratio=nan"], 2),
        (["--fail-on", "info"], 2),
    ],
)
def test_exit_codes(file, arguments, code):
    assert run(file, *arguments).exit_code == code


@pytest.mark.parametrize("text", ['"vanishing_depth.ratio" = 1e-30', "vanishing_depth.ratio = 1e-30"])
def test_thresholds_come_from_the_nearest_pyproject(file, text, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(f"[tool.graphviz_nn.checks]\n{text}\n", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert configured(inner) == {"vanishing_depth.ratio": 1e-30}
    assert "No findings" in run(file).output
    assert "vanishing_depth" in run(file, "--set", "vanishing_depth.ratio=1e-4").output


@pytest.mark.parametrize("text", ["[tool", "tool.graphviz_nn.checks = 3", 'tool.graphviz_nn.checks."a.b" = 3'])
def test_a_wrong_pyproject_is_one_message(file, text, tmp_path):
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    done = run(file)
    assert done.exit_code == 2
    assert done.output.count("Error") == 1


SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.{activation}()) for _ in range({depth})], nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(4):
    optimizer.zero_grad()
    model(torch.randn(8, 8)).square().mean().backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("activation", "depth", "said"), [("Sigmoid", 10, True), ("ReLU", 2, False)])
def test_run_ends_with_its_findings(tmp_path, monkeypatch, capfd, activation, depth, said):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT.format(activation=activation, depth=depth), encoding="utf-8")
    done = CliRunner().invoke(cli, ["run", "--every", "1", "train.py"])
    assert done.exit_code == 0
    assert ("vanishing_depth at 0.0" in done.output) == said
    assert ("graphviz-nn check train.gvnn" in done.output) == said
