"""`graphviz-nn export`: draws a recorded step, or writes its graph."""

from __future__ import annotations

from pathlib import Path

import click

from graphviz_nn.cli.picture import picture_options
from graphviz_nn.cli.progress import working
from graphviz_nn.cli.ranks import rank_option
from graphviz_nn.model.exporters import PictureOptions


@click.command(short_help="Draw a recorded step, or write its graph.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="File to write; its suffix says the format. Repeatable.",
)
@click.option("--format", "format_name", help="Format, where the suffix does not say it.")
@rank_option
@picture_options
def export(
    *,
    run: Path,
    files: tuple[Path, ...],
    format_name: str | None,
    rank: int | str | None,
    step: int,
    picture: PictureOptions,
) -> None:
    """Draw a step of the run file RUN, or write its graph.

    \b
    Example:
      graphviz-nn export train.gvnn -o model.svg --depth 2 --color-by gradient
      graphviz-nn export train.gvnn -o model.dot -o model.graphml --step 0
    """
    from graphviz_nn.export import export as write
    from graphviz_nn.store.folder import open_data

    data = open_data(run, rank)
    try:
        for file in files:
            with working(f"Writing {file}"):
                written = write(data, file, step=step, format=format_name, options=picture)
            click.echo(written)
    finally:
        data.close()
