"""`graphviz-nn info`: what a run file holds."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from graphviz_nn.cli.parameters import Depth


@click.command(short_help="Show what a run file holds.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--step", type=int, default=-1, show_default=True, help="Which recorded step, from 0; -1 is the last one."
)
@click.option("--depth", type=Depth(), default=None, help="Show modules down to this level. Default: as fits a screen.")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON, for a program.")
def info(*, run: Path, step: int, depth: int | None, as_json: bool) -> None:
    """Show what the run file RUN holds: its steps, and a table of the modules of one of them.

    \b
    Example:
      graphviz-nn info train.gvnn
      graphviz-nn info train.gvnn --step 0 --json
    """
    from graphviz_nn.cli import summary_table
    from graphviz_nn.cli.summary import summarise
    from graphviz_nn.store.reader import open_run

    data = open_run(run)
    try:
        summary = summarise(data, step)
    finally:
        data.close()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(summary)))
    else:
        summary_table.show(summary, depth)
