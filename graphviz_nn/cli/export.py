"""`graphviz-nn export`: draws a recorded step, writes its graph, or what a view shows of it."""

from __future__ import annotations

from pathlib import Path

import click

from graphviz_nn.cli.outputs import RUN_SUFFIX
from graphviz_nn.cli.picture import picture_options
from graphviz_nn.cli.progress import working
from graphviz_nn.cli.ranks import rank_option
from graphviz_nn.cli.views import ViewRequest, view_options, write_view
from graphviz_nn.errors import OptionError
from graphviz_nn.model.exporters import PictureOptions


class ExportCommand(click.Command):
    """Lists the views of all plugins below the options: which there are is known only when somebody asks."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from graphviz_nn.plugin.manager import plugins

        with formatter.section("Views"):
            formatter.write_dl([(view.name, view.description or view.title) for view in plugins().views])
        super().format_epilog(ctx, formatter)


@click.command(cls=ExportCommand, short_help="Draw a recorded step, or write its graph or a view of it.")
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
@view_options
def export(
    *,
    run: Path,
    files: tuple[Path, ...],
    format_name: str | None,
    rank: int | str | None,
    step: int,
    picture: PictureOptions,
    view: ViewRequest | None,
) -> None:
    """Draw a step of the run file RUN, write its graph, or what a view shows: feature maps, gradient flow, …

    \b
    Example:
      graphviz-nn export train.gvnn -o model.svg --depth 2 --color-by gradient
      graphviz-nn export train.gvnn -o model.dot -o model.graphml --step 0
      graphviz-nn export train.gvnn -o maps.png --view feature_maps --node conv1 --of gradient
      graphviz-nn export train.gvnn -o flow.pdf --view gradient_flow
    """
    from graphviz_nn.export import export as write
    from graphviz_nn.store.folder import open_data

    _ensure_no_run(files)
    data = open_data(run, rank)
    try:
        for file in files:
            with working(f"Writing {file}"):
                if view is not None:
                    written = write_view(data, file, view, step, picture.theme)
                else:
                    written = write(data, file, step=step, format=format_name, options=picture)
            click.echo(written)
    finally:
        data.close()


def _ensure_no_run(files: tuple[Path, ...]) -> None:
    for file in files:
        if file.suffix == RUN_SUFFIX:
            raise OptionError(f"{file} would be a run file, and export draws one. To copy a run, copy its file.")
