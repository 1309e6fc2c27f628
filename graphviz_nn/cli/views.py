"""Options of `graphviz-nn export` that choose a view in place of the graph's picture."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from graphviz_nn.cli.parameters import OneOf
from graphviz_nn.errors import UsageError
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.views import COLOURS, OF, SCALES, ViewOptions


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """What was asked for: the view's name, and of which value."""

    name: str
    node: str | None
    of: str
    output: int
    options: ViewOptions


_OPTIONS = (
    click.option(
        "--view", "view_name", metavar="VIEW", help="Write this view in place of the graph: see the list below."
    ),
    click.option("--node", metavar="NAME", help="The node that the view is of."),
    click.option("--of", "of", type=OneOf(OF), default="value", show_default=True, help="Of the node."),
    click.option(
        "--output-index", type=click.IntRange(min=0), default=0, show_default=True, help="Which output of the node."
    ),
    click.option(
        "--sample", type=click.IntRange(min=0), default=0, show_default=True, help="Which sample of the batch."
    ),
    click.option("--plane", type=click.IntRange(min=0), default=0, show_default=True, help="Which slice of a volume."),
    click.option(
        "--first", type=click.IntRange(min=0), default=0, show_default=True, help="First channel or image to show."
    ),
    click.option("--count", type=click.IntRange(min=1), help="How many channels or images to show; by default all."),
    click.option("--scale", type=OneOf(("auto", *SCALES)), default="auto", show_default=True, help="Of colours."),
    click.option("--colours", type=OneOf(("auto", *COLOURS)), default="auto", show_default=True, help="Colour map."),
)


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, which receives them as `view: ViewRequest | None`."""

    @functools.wraps(command)
    def wrapper(
        *args: Any,
        view_name: str | None,
        node: str | None,
        of: str,
        output_index: int,
        sample: int,
        plane: int,
        first: int,
        count: int | None,
        scale: str,
        colours: str,
        **kwargs: Any,
    ) -> Any:
        if view_name is None and node is not None:
            raise UsageError("--node is for --view NAME; without a view the whole graph is written.")
        options = ViewOptions(sample, plane, first, count, scale, colours)
        view = None if view_name is None else ViewRequest(view_name, node, of, output_index, options)
        return command(*args, view=view, **kwargs)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


def write_view(data: RunData, file: Path, request: ViewRequest, step: int, theme: str) -> Path:
    """Writes the view to the file; raises as `graphviz_nn.export.views.export_view` does."""
    from graphviz_nn.export.views import export_view

    return export_view(
        data,
        file,
        request.name,
        node=request.node,
        of=request.of,
        index=request.output,
        step=step,
        options=request.options,
        theme="dark" if theme == "dark" else "light",
    )
