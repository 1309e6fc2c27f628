"""Writes docs/rules from the built-in checks: a page a rule out of its docstring, and a table of them all.

python scripts/make_rule_pages.py
"""

from __future__ import annotations

import inspect
from pathlib import Path

from graphviz_nn.analysis.builtin import register_checks
from graphviz_nn.model.findings import Check

FOLDER = Path(__file__).parents[1] / "docs" / "rules"


def page(check: Check) -> str:
    """Returns the page of one rule, as Markdown."""
    thresholds = "".join(f"| `{check.name}.{name}` | {value:g} |\n" for name, value in check.thresholds.items())
    table = f"\n| threshold | default |\n|---|---|\n{thresholds}" if thresholds else ""
    return f"# {check.name}\n\n{inspect.getdoc(check.run)}\n{table}\n[All rules](README.md)\n"


def index(checks: list[Check]) -> str:
    """Returns the table of all rules, as Markdown."""
    rows = "".join(f"| [{c.name}]({c.name}.md) | {c.family} | {_first_sentence(c)} |\n" for c in checks)
    return (
        "# Rules\n\n"
        "What `graphviz-nn check RUN` and `run.findings()` look for in the last recorded steps. A finding is an\n"
        "*error* where the step's numbers are lost or wrong, a *warning* where training suffers, and *information*\n"
        "where it may well be meant. Thresholds are set with `--set rule.threshold=value`, or in `pyproject.toml`:\n\n"
        '```toml\n[tool.graphviz_nn.checks]\n"vanishing_depth.ratio" = 1e-5\n```\n\n'
        f"| rule | family | what is wrong |\n|---|---|---|\n{rows}"
    )


def pages() -> dict[str, str]:
    """Returns the text of every file in docs/rules, by name."""
    checks = register_checks()
    return {"README.md": index(checks)} | {f"{check.name}.md": page(check) for check in checks}


def _first_sentence(check: Check) -> str:
    return (inspect.getdoc(check.run) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
