"""Options of a picture, the same in every command that draws one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from graphviz_nn.cli.parameters import Depth, OneOf
from graphviz_nn.model.exporters import COLOR_BY, DIRECTIONS, THEMES, PictureOptions

_DEFAULT = PictureOptions()

_OPTIONS = (
    click.option(
        "--depth",
        type=Depth(),
        default=_DEFAULT.depth,
        show_default=True,
        help="Open modules down to this level; 0 shows the model as one box, all opens everything.",
    ),
    click.option("--expand", multiple=True, metavar="PATTERN", help="Also open these modules: 'layer3.*'. Repeatable."),
    click.option(
        "--color-by",
        type=OneOf(COLOR_BY),
        default=_DEFAULT.color_by,
        show_default=True,
        metavar="QUANTITY",
        help=f"Colour the boxes by one of: {', '.join(COLOR_BY)}.",
    ),
    click.option(
        "--step", type=int, default=-1, show_default=True, help="Which recorded step, from 0; -1 is the last one."
    ),
    click.option("--direction", type=OneOf(DIRECTIONS), default=_DEFAULT.direction, show_default=True, help="Of flow."),
    click.option(
        "--theme",
        type=OneOf(THEMES),
        default=_DEFAULT.theme,
        show_default=True,
        help="auto follows the viewer's light or dark mode.",
    ),
    click.option("--all", "show_all", is_flag=True, help="Also no-ops, shape arithmetic, parameters and backward."),
)


def picture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, which receives them as `picture: PictureOptions` and `step: int`."""

    @functools.wraps(command)
    def wrapper(
        *args: Any,
        depth: int,
        expand: tuple[str, ...],
        color_by: str,
        direction: str,
        theme: str,
        show_all: bool,
        **kwargs: Any,
    ) -> Any:
        levels = None if depth == sys.maxsize else depth
        picture = PictureOptions(levels, expand, color_by, direction, theme, show_all)
        return command(*args, picture=picture, **kwargs)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper
