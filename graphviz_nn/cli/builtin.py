"""The built-in commands, as a plugin like any other."""

from __future__ import annotations

import click

from graphviz_nn.cli.check import check
from graphviz_nn.cli.export import export
from graphviz_nn.cli.info import info
from graphviz_nn.cli.plugins import list_plugins
from graphviz_nn.cli.run import run
from graphviz_nn.cli.trace import trace
from graphviz_nn.plugin import hookimpl


@hookimpl
def add_commands() -> list[click.Command]:
    return [trace, run, export, info, check, list_plugins]
