"""A run's summary as people read it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from graphviz_nn.cli.console import stdout_console
from graphviz_nn.cli.summary import ModuleSummary, Summary
from graphviz_nn.cli.text import plural, quantity, shell_word
from graphviz_nn.model.wording import sizes_text

ROWS = 60
"""A table that would be longer shows only the upper levels, unless a depth is asked for."""


def show(summary: Summary, depth: int | None = None) -> None:
    """Prints the summary on stdout; `depth` is the deepest level of modules shown, None as deep as is readable."""
    console = stdout_console()
    for line in _headline(summary):
        console.print(line, soft_wrap=True)
    if summary.step is not None and summary.step.modules:
        console.print()
        console.print(module_table(summary.step.modules, depth))
    for error in summary.errors:
        where = f" at {error.node}" if error.node else ""
        text = f"step {error.step} failed in {error.phase}{where}: {error.type}: {error.message}"
        console.print(Text(text, style="red"), soft_wrap=True)
    for note in summary.notes:
        console.print(Text(f"note: {note}", style="yellow"), soft_wrap=True)


def module_table(modules: tuple[ModuleSummary, ...], depth: int | None = None) -> Table:
    """Returns the table of modules, nested ones indented."""
    deepest = readable_depth(modules) if depth is None else depth
    shown = [row for row in modules if level(row) <= deepest]
    hidden = len(modules) - len(shown)
    caption = f"{hidden} deeper modules are not shown: --depth all" if hidden else None
    table = Table(box=None, pad_edge=False, caption=caption, caption_justify="left", header_style="bold")
    rows = [_cells(row) for row in shown]
    for index, name in enumerate(("module", "type", "output", "parameters", "FLOPs", "‖output‖", "‖gradient‖")):
        if index < 2:
            table.add_column(name, no_wrap=True)
        else:  # in a narrow window names are cut, numbers never
            width = max(len(name), *(len(cells[index]) for cells in rows))
            table.add_column(name, justify="right", no_wrap=True, min_width=width)
    for cells in rows:
        table.add_row(*map(escape, cells))
    return table


def _cells(row: ModuleSummary) -> tuple[str, ...]:
    name = row.path.rpartition(".")[2] if row.path else "(model)"
    return (
        "  " * level(row) + name + (f" × {row.calls}" if row.calls > 1 else ""),
        row.type,
        sizes_text(row.output) if row.output is not None else "",
        f"{row.parameters:,}" if row.parameters else "",
        quantity(row.flops) if row.flops else "",
        number(row.activation),
        number(row.gradient),
    )


def level(row: ModuleSummary) -> int:
    """How deep a module is nested: the root 0, "layer1" 1, "layer1.0" 2."""
    return row.path.count(".") + 1 if row.path else 0


def readable_depth(modules: tuple[ModuleSummary, ...]) -> int:
    """The deepest level down to which at most `ROWS` modules are shown, but at least the first."""
    levels = sorted(level(row) for row in modules)
    if len(levels) <= ROWS:
        return levels[-1]
    return max(levels[ROWS] - 1, levels[0] + 1)


def number(value: float | None) -> str:
    """Three figures, or nothing where it was not recorded."""
    return "" if value is None else f"{value:.3g}"


def _headline(summary: Summary) -> Iterator[str]:
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.created))
    command = f": {' '.join(map(shell_word, summary.command))}" if summary.command else ""
    unfinished = "" if summary.complete else " [yellow](still being recorded, or its program was killed)[/yellow]"
    yield f"[bold]{escape(summary.path or 'run')}[/bold]  recorded {created}{escape(command)}{unfinished}"
    step = summary.step
    if step is None or summary.last_step is None:
        yield "no steps"
        return
    last = f", the last one step {summary.last_step}," if summary.last_step + 1 > summary.steps else ""
    loss = ""
    if summary.loss_first is not None and summary.loss_last is not None:
        change = f"{summary.loss_first:.4g} → " if summary.steps > 1 else ""
        loss = f" · loss {change}{summary.loss_last:.4g}"
    steps = plural(summary.steps, "step")
    yield f"{steps} recorded{last} in {summary.seconds:.3g} s{loss} · keeps {escape(summary.keep)}"
    backward = "forward only" if step.forward_only else plural(step.passes, "backward pass")
    yield (
        f"step {step.index}: {plural(step.nodes, 'node')}, {plural(step.values, 'value')}, {backward} · "
        f"{step.parameters:,} parameters · {quantity(step.flops)} FLOPs forward"
    )
    versions = ", ".join(f"{name} {version}" for name, version in summary.versions.items())
    yield f"[dim]{escape(' · '.join(part for part in (summary.device, versions) if part))}[/dim]"
