"""`graphviz-nn plugins`: which plugins there are, and what is wrong with the broken ones."""

from __future__ import annotations

import click

from graphviz_nn.cli.json_output import show_json


@click.command("plugins", short_help="List the plugins, broken ones with their error.")
@click.option("--json", "as_json", is_flag=True, help="Write the list as JSON, for a program.")
def list_plugins(*, as_json: bool) -> None:
    """List the plugins: layer types, export formats and commands. A broken one is listed with its error.

    GRAPHVIZ_NN_PLUGINS=off leaves third-party plugins out.

    \b
    Example:
      graphviz-nn plugins
      GRAPHVIZ_NN_PLUGINS=off graphviz-nn plugins
    """
    from rich.table import Table

    from graphviz_nn.cli.console import stdout_console
    from graphviz_nn.plugin.manager import plugins

    listing = plugins().listing
    if as_json:
        show_json(listing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("plugin", "distribution", "version", "hooks", "error"):
        table.add_column(name)
    for plugin in listing:
        table.add_row(plugin.name, plugin.distribution, plugin.version, ", ".join(plugin.hooks), plugin.error or "")
    stdout_console().print(table, markup=False)
