"""`graphviz-nn check`: what is wrong with a run, where, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphviz_nn.cli.json_output import show_json
from graphviz_nn.cli.parameters import OneOf
from graphviz_nn.cli.ranks import rank_option
from graphviz_nn.cli.text import plural
from graphviz_nn.errors import OptionError
from graphviz_nn.model.findings import SEVERITIES, Finding

if TYPE_CHECKING:
    from graphviz_nn.run import Run

_LINES = 5
"""Findings shown at the end of `graphviz-nn run`."""

_WIDE = 100
"""Characters from which a terminal has room for rule and place in columns of their own."""


@click.command(short_help="Say what is wrong with a run, and where.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--rules", metavar="NAME,…", help="Only these rules or families, such as 'gradients,near_edge'.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="RULE.THRESHOLD=VALUE",
    help="Another threshold for a rule, before what pyproject.toml says.",
)
@click.option("--fail-on", type=OneOf(("warning", "error")), help="Exit with 1 where a finding is at least so severe.")
@rank_option
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON, for a program.")
def check(
    *,
    run: Path,
    rules: str | None,
    settings: tuple[str, ...],
    fail_on: str | None,
    rank: int | str | None,
    as_json: bool,
) -> None:
    """Check the last recorded steps of the run file RUN.

    Thresholds are read from [tool.graphviz_nn.checks] in the pyproject.toml of this folder or the nearest one above:
    "vanishing_depth.ratio" = 1e-5.

    \b
    Example:
      graphviz-nn check train.gvnn
      graphviz-nn check train.gvnn --fail-on warning --rules gradients
      graphviz-nn check train.gvnn --set vanishing_depth.ratio=1e-5
    """
    from graphviz_nn.run import load

    thresholds = {**configured(Path.cwd()), **parse_settings(settings)}
    wanted = None if rules is None else [name.strip() for name in rules.split(",") if name.strip()]
    if wanted == []:
        raise OptionError("--rules names no rule. Leave it out for all of them, or write --rules gradients,near_edge.")
    with load(run, rank) as opened:
        found = opened.findings(wanted, thresholds)
        described = [describe(opened, finding) for finding in found]
    if as_json:
        show_json(described)
    else:
        _show(described)
    if fail_on is not None and any(_at_least(finding, fail_on) for finding in found):
        sys.exit(1)


def parse_settings(settings: Iterable[str]) -> dict[str, float]:
    """Returns thresholds by "rule.threshold" from texts such as "near_edge.exponent=0.8".

    Raises:
        OptionError: a text of another form.
    """
    found = {}
    for text in settings:
        key, equals, value = text.partition("=")
        try:
            found[key.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise OptionError(f"--set {text!r} is not of the form RULE.THRESHOLD=NUMBER.")
    return found


def configured(folder: Path) -> dict[str, float]:
    """Returns the thresholds in [tool.graphviz_nn.checks] of the nearest pyproject.toml in the folder or above.

    Both `"rule.threshold" = 1` and a table `[tool.graphviz_nn.checks.rule]` will do.

    Raises:
        OptionError: the file is not TOML, or the section is no table.
    """
    import tomllib

    file = next((f for f in (place / "pyproject.toml" for place in (folder, *folder.parents)) if f.is_file()), None)
    if file is None:
        return {}
    try:
        content: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{file} is not valid TOML: {error}") from error
    for name in ("tool", "graphviz_nn", "checks"):
        content = content.get(name, {})
        if not isinstance(content, dict):
            raise OptionError(f"{file}: [tool.graphviz_nn.checks] must be a table of thresholds.")
    found: dict[str, float] = {}
    for key, value in content.items():
        found |= {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
    return found


def known_thresholds(folder: Path) -> dict[str, float]:
    """Returns the thresholds that are `configured` for the folder, each of which is one of a rule's.

    Raises:
        OptionError: as `configured`, and for an unknown threshold or a value that is no number.
    """
    from graphviz_nn.analysis.check import set_thresholds
    from graphviz_nn.plugin.manager import plugins

    found = configured(folder)
    set_thresholds(plugins().checks, found)
    return found


def describe(run: Run, finding: Finding) -> dict[str, Any]:
    """Returns the finding as JSON values, with the name of its node."""
    name = None if finding.node is None else run.node(finding.node, finding.step).name
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "step": finding.step,
        "node": finding.node,
        "name": name,
        "module": finding.module,
        "evidence": dict(finding.evidence),
        "cause": finding.cause,
        "remedy": finding.remedy,
    }


def brief(run: Run, thresholds: Mapping[str, float], name: str) -> list[str]:
    """Returns one line for each of the most severe errors and warnings of the run, and how to see them all.

    `name` is that of the run's file, as a shell takes it.
    """
    found = [finding for finding in run.findings(thresholds=thresholds) if _at_least(finding, "warning")]
    shown = [describe(run, finding) for finding in found[:_LINES]]
    lines = [f"{one['severity']}: {one['rule']} at {_place(one)}: {one['cause']}" for one in shown]
    return [*lines, f"{plural(len(found), 'finding')}. See what to do: graphviz-nn check {name}"] if found else []


def _at_least(finding: Finding, severity: str) -> bool:
    return SEVERITIES.index(finding.severity) >= SEVERITIES.index(severity)


def _place(described: Mapping[str, Any]) -> str:
    name, module = described["name"], described["module"]
    return str(name or module or "the whole model")


def _show(described: list[dict[str, Any]]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    from graphviz_nn.cli.console import stdout_console

    console = stdout_console()
    if not described:
        console.print("No findings.")
        return
    # Names are long words: cut with an ellipsis, as is usual, they would not tell what to look for.
    narrow, what = console.width < _WIDE, Column("what and why", overflow="fold")
    apart = () if narrow else (Column("rule", no_wrap=True), Column("where", overflow="fold"), Column("step"))
    table = Table("severity", *apart, what)
    for one in described:
        place, step = _place(one), str(one["step"])
        text = f"{one['cause']} {one['remedy']}\n{_numbers(one['evidence'])}".rstrip()
        if narrow:
            head = (f"{one['rule']} at {place}, step {step}\n", "bold")
            table.add_row(one["severity"], Text.assemble(head, text))
        else:
            table.add_row(one["severity"], one["rule"], Text(place), step, Text(text))
    console.print(table)


def _numbers(evidence: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={_value(value)}" for name, value in evidence.items())


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        shown = [_value(item) for item in value[:6]]
        return ", ".join([*shown, f"… ({len(value)})"] if len(value) > 6 else shown)
    return str(value)
