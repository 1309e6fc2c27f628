"""What commands say and ask about a run of several processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from graphviz_nn.cli.text import plural
from graphviz_nn.store.rank_files import ranks_in

if TYPE_CHECKING:
    from graphviz_nn.store.folder import RankState


class Rank(click.ParamType[int | str]):
    """A number from 0, or "all"."""

    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "all":
            return "all"
        if not str(value).isdecimal():
            self.fail(f"{value!r} is no rank. Give a number from 0, or all.", param, ctx)
        return int(value)


def rank_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--rank`, which the command receives as `rank: int | str | None`."""
    return click.option(
        "--rank",
        type=Rank(),
        default=None,
        help="In the folder of a run of several processes: which rank's file, by default 0; "
        "all merges the statistics of all ranks.",
    )(command)


class Ranks(msgspec.Struct, frozen=True):
    """A run of several processes: a line about each rank, and what is not as it should be."""

    world_size: int
    ranks: tuple[RankState, ...]
    problems: tuple[str, ...]


def describe(path: Path) -> Ranks | None:
    """Returns what is to be said of the ranks in the folder of a run; None for one run file."""
    if not ranks_in(path):
        return None
    from graphviz_nn.store.folder import RunFolder

    with RunFolder(path) as folder:
        return Ranks(folder.world_size, tuple(folder.ranks), folder.problems)


def show(ranks: Ranks) -> None:
    """Prints a line about each rank on stdout, and each problem."""
    from rich.text import Text

    from graphviz_nn.cli.console import stdout_console

    console = stdout_console()
    console.print(Text(f"a run of {plural(ranks.world_size, 'process')}", style="bold"))
    for state in ranks.ranks:
        console.print(Text(f"  {_line(state)}", style="" if state.state == "complete" else "yellow"), soft_wrap=True)
    for problem in ranks.problems:
        console.print(Text(f"note: {problem}", style="yellow"), soft_wrap=True)
    console.print()


def _line(state: RankState) -> str:
    parts = [f"rank {state.rank}: {state.state}"]
    if state.state not in ("missing", "unreadable"):
        parts.append(plural(state.steps, "step"))
    if state.last is not None:
        parts.append(f"the last one step {state.last}")
    if state.loss is not None:
        parts.append(f"loss {state.loss:.4g}")
    return ", ".join(parts)
