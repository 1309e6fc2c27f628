"""The table of findings in terminals of different widths."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from graphviz_nn.cli import check

LOSS = "binary_cross_entropy_with_logits"
FOUND = {
    "rule": "targets_out_of_range",
    "severity": "error",
    "step": 19,
    "node": 3,
    "name": LOSS,
    "module": None,
    "evidence": {"lowest_target": -1.0, "highest_target": 1.0},
    "cause": f"Targets of {LOSS} go from -1 to 1; it is made for 0 to 1.",
    "remedy": "Map the labels to 0 and 1, or use a loss for what they are.",
}


def shown(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    monkeypatch.setattr("graphviz_nn.cli.console.stdout_console", lambda: console)
    check._show([FOUND])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [100, 120, 200])
def test_nothing_is_cut(monkeypatch, width) -> None:
    text = shown(monkeypatch, width)
    assert "…" not in text
    assert "targets_out_of_range" in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 99])
def test_a_long_name_is_broken_and_not_cut(monkeypatch, width) -> None:
    text = shown(monkeypatch, width)
    letters = "".join(character for character in text if character.isalnum() or character == "_")
    assert letters.count(LOSS) == 2
    assert max(map(len, text.splitlines())) <= width


def test_a_narrow_terminal_has_rule_and_place_above_the_words(monkeypatch) -> None:
    lines = [line.strip("│ ").split("│")[-1].strip() for line in shown(monkeypatch, 80).splitlines()]
    assert f"targets_out_of_range at {LOSS}, step 19" in lines


def test_a_wide_one_has_columns_of_their_own(monkeypatch) -> None:
    row = next(line for line in shown(monkeypatch, 140).splitlines() if "targets_out_of_range" in line)
    assert [cell.strip() for cell in row.split("│")[1:5]] == ["error", "targets_out_of_range", LOSS, "19"]
