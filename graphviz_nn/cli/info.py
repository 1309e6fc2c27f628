"""`graphviz-nn info`: what a run file holds."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from graphviz_nn.cli import ranks
from graphviz_nn.cli.json_output import show_json
from graphviz_nn.cli.parameters import Depth
from graphviz_nn.cli.ranks import rank_option


@click.command(short_help="Show what a run file holds.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--step", type=int, default=-1, show_default=True, help="Which recorded step, from 0; -1 is the last one."
)
@click.option("--depth", type=Depth(), default=None, help="Show modules down to this level. Default: as fits a screen.")
@rank_option
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON, for a program.")
def info(*, run: Path, step: int, depth: int | None, rank: int | str | None, as_json: bool) -> None:
    """Show what the run file RUN holds: its steps, and a table of the modules of one of them.

    Of a folder with a file for each rank also a line about each of them.

    \b
    Example:
      graphviz-nn info train.gvnn
      graphviz-nn info train.gvnn --step 0 --json
    """
    from graphviz_nn.cli import summary_table
    from graphviz_nn.cli.summary import summarise
    from graphviz_nn.store.folder import open_data

    of_ranks = ranks.describe(run)
    if of_ranks is not None and not as_json:
        ranks.show(of_ranks)  # also where the file of the rank asked for cannot be read
    data = open_data(run, rank)
    try:
        summary = summarise(data, step)
    finally:
        data.close()
    if as_json:
        both = msgspec.to_builtins(summary) | ({} if of_ranks is None else msgspec.to_builtins(of_ranks))
        show_json(both)
    else:
        summary_table.show(summary, depth)
