"""`graphviz-nn view`: opens the app. Qt is imported when it is called, not before."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import click

from graphviz_nn.cli.parameters import OneOf
from graphviz_nn.errors import UsageError
from graphviz_nn.model.exporters import COLOR_BY, THEMES
from graphviz_nn_ui.signals import Interruptions

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.shot import Shot

SIZE: Final = "1600x960"
LONGEST_SIDE: Final = 8192


class Size(click.ParamType[tuple[int, int]]):
    """Width and height of a window: "1600x960"."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{3,5})[x×](\d{3,5})", str(value))
        size = (int(match[1]), int(match[2])) if match else (0, 0)
        if max(size) > LONGEST_SIDE or match is None:
            limits = f"100 to {LONGEST_SIDE}"
            self.fail(f"{value!r} is no size. Give width and height in pixels, {limits} each: {SIZE}", param, ctx)
        return size


@click.command(short_help="Open the desktop app.")
@click.argument("run", required=False)
@click.option("--step", type=int, help="Which recorded step, from 0; -1 is the last one.")
@click.option("--select", metavar="NODE", help="Name of a node, or path of a module, to select.")
@click.option(
    "--finding", metavar="RULE", help="Go to what a rule, or a family of rules, has found, and show it in full."
)
@click.option("--cursor", type=int, help="Number of the last event that has happened; -1 is before the first.")
@click.option("--expand", multiple=True, metavar="PATTERN", help="Expand modules by path, with * and ?. Repeatable.")
@click.option("--color-by", type=OneOf(COLOR_BY), help="What colours the graph.")
@click.option("--theme", type=OneOf(THEMES), help="Colours of the window.")
@click.option("--screenshot", type=click.Path(path_type=Path), help="Draw once, save it as PNG or JPEG, and leave.")
@click.option("--size", type=Size(), default=SIZE, show_default=True, help="Size of the screenshot.")
def view(
    *,
    run: str | None,
    step: int | None,
    select: str | None,
    finding: str | None,
    cursor: int | None,
    expand: tuple[str, ...],
    color_by: str | None,
    theme: str | None,
    screenshot: Path | None,
    size: tuple[int, int],
) -> None:
    """Open the app: with a run file, with a model to trace (package.module:callable), or with its start page.

    \b
    Example:
      graphviz-nn view train.gvnn
      graphviz-nn view models.py:resnet
      graphviz-nn view train.gvnn --screenshot app.png --step 0 --select layer1.0.conv1
      graphviz-nn view train.gvnn --finding vanishing_depth
    """
    shot = _shot(step, select, finding, cursor, expand, color_by, theme)
    with Interruptions() as signals:
        raise SystemExit(_app().run(run, shot, screenshot, size, signals))


def _app() -> ModuleType:
    """The app, with Qt.

    Raises `UsageError` where Qt is not installed or cannot be loaded.
    """
    try:
        from graphviz_nn_ui import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "PyQt6":
            raise
        raise UsageError("The app needs PyQt6, which is not installed: pip install 'graphviz-nn[ui]'") from error
    except ImportError as error:
        raise UsageError(
            f"PyQt6 is installed, but cannot be loaded: {error}. On Debian and Ubuntu: sudo apt-get install -y "
            "libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 fonts-dejavu-core libxcb-cursor0 "
            "libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1 libxcb-image0 "
            "libxcb-render-util0"
        ) from error
    return app


def _shot(
    step: int | None,
    select: str | None,
    finding: str | None,
    cursor: int | None,
    expand: tuple[str, ...],
    color_by: str | None,
    theme: str | None,
) -> Shot:
    from graphviz_nn_ui.viewmodels.shot import Shot

    return Shot(step, select, finding, cursor, expand, color_by, theme)
