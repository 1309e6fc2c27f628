"""What a person can do with the picture, for menus, palette and shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from graphviz_nn.model.exporters import COLOR_BY
from graphviz_nn.scene.overlay import QUANTITIES
from graphviz_nn_ui.canvas.corner import Corner
from graphviz_nn_ui.canvas.export import Exports
from graphviz_nn_ui.canvas.view import Canvas
from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.workspace import Workspace

_STEP = 1.25
_DEPTHS = 4


def add_canvas_commands(workspace: Workspace, canvas: Canvas) -> None:
    """Adds the commands of the menus Graph, View and File/Export."""

    def there() -> bool:
        return canvas.drawing is not None

    commands = [
        *_expansion(canvas, there),
        *_ways(canvas, there),
        *_viewing(canvas, there),
        *_colouring(workspace),
        *_drawing(workspace, canvas),
        *Exports(canvas).commands(there),
    ]
    workspace.commands.add(*commands)


def _expansion(canvas: Canvas, there: Callable[[], bool]) -> list[Command]:
    expanding = canvas.expanding
    depths = [
        Command(
            f"graph.depth_{depth}",
            f"To depth {depth}",
            partial(expanding.to_depth, depth),
            "Graph/Expand to depth",
            f"Ctrl+Alt+{depth}",
            f"Show modules nested up to {depth} deep",
            enabled=there,
        )
        for depth in range(1, _DEPTHS + 1)
    ]
    return [
        Command(
            "graph.expand_all",
            "Expand all",
            expanding.open_all,
            "Graph",
            "Ctrl+Shift+E",
            "Show the inside of every module",
            enabled=there,
        ),
        Command(
            "graph.collapse_all",
            "Collapse all",
            expanding.close_all,
            "Graph",
            "Ctrl+Shift+W",
            "Show the roots' own modules as boxes",
            enabled=there,
        ),
        *depths,
    ]


def _ways(canvas: Canvas, there: Callable[[], bool]) -> list[Command]:
    return [
        Command(
            "graph.ancestors",
            "Highlight what leads here",
            lambda: canvas.set_ways(not canvas.upstream, canvas.downstream),
            "Graph",
            "A",
            "Everything that the selection was computed from",
            enabled=there,
            checkable=True,
            checked=lambda: canvas.upstream,
        ),
        Command(
            "graph.descendants",
            "Highlight what depends on it",
            lambda: canvas.set_ways(canvas.upstream, not canvas.downstream),
            "Graph",
            "D",
            "Everything that was computed from the selection",
            enabled=there,
            checkable=True,
            checked=lambda: canvas.downstream,
        ),
    ]


def _viewing(canvas: Canvas, there: Callable[[], bool]) -> list[Command]:
    def selected() -> bool:
        return bool(canvas.highlight)

    def toggle_follow() -> None:
        canvas.follow = not canvas.follow

    parts = [
        Command(
            f"view.{name}",
            title,
            partial(canvas.toggle_part, name),
            "View/On the canvas",
            checkable=True,
            checked=partial(canvas.has_part, name),
        )
        for name, title in (("minimap", "Map"), ("legend", "Legend"), ("breadcrumb", "Place in the model"))
    ]
    parts += [
        Command(
            f"view.fold_{corner.field}",
            f"Fold the {word}",
            corner.fold,
            "View/On the canvas",
            checkable=True,
            checked=partial(_is_folded, corner),
        )
        for corner, word in ((canvas.minimap, "map"), (canvas.legend, "legend"))
    ]
    return [
        Command("view.fit", "Fit the graph", canvas.fit, "View", "F", "Show the whole graph", "fit", there),
        Command("view.fit_too", "Fit the graph (Ctrl+0)", canvas.fit, "", "Ctrl+0", enabled=there),
        Command(
            "view.zoom_selection",
            "Zoom to the selection",
            canvas.zoom_to_selection,
            "View",
            "Z",
            "Show what is selected, large",
            enabled=selected,
        ),
        Command("view.zoom_in", "Zoom in", lambda: canvas.zoom(_STEP), "View", "Ctrl+Alt+=", enabled=there),
        Command("view.zoom_out", "Zoom out", lambda: canvas.zoom(1 / _STEP), "View", "Ctrl+Alt+-", enabled=there),
        Command(
            "view.follow",
            "Follow the cursor",
            toggle_follow,
            "View",
            "",
            "Move the picture when the cursor leaves the view",
            checkable=True,
            checked=lambda: canvas.follow,
        ),
        *parts,
    ]


def _colouring(workspace: Workspace) -> list[Command]:
    look = workspace.look
    return [
        Command(
            f"graph.color_{name}",
            f"Colour by {QUANTITIES[name].title}" if name in QUANTITIES else "No colours",
            partial(look.set, "color_by", name),
            "Graph/Colour",
            checkable=True,
            checked=lambda name=name: look.color_by == name,  # type: ignore[misc]  # bound early
        )
        for name in COLOR_BY
    ]


def _drawing(workspace: Workspace, canvas: Canvas) -> list[Command]:
    look = workspace.look

    def turn() -> None:
        look.set("direction", "right" if look.direction == "down" else "down")

    return [
        Command(
            "graph.direction",
            "Left to right",
            turn,
            "Graph",
            "",
            "Draw the flow to the right, or downwards",
            checkable=True,
            checked=lambda: look.direction == "right",
        ),
        Command(
            "graph.show_all",
            "Show bookkeeping too",
            lambda: look.set("show_all", not look.show_all),
            "Graph",
            "",
            "No-ops, shape arithmetic, parameters as boxes, and what ran after the forward pass",
            checkable=True,
            checked=lambda: look.show_all,
        ),
        Command(
            "graph.fold",
            "Fold equal siblings",
            lambda: canvas.source.set_folds(not canvas.source.folds),
            "Graph",
            "",
            "Three or more equal modules in a row, or the turns of a loop, are one box",
            checkable=True,
            checked=lambda: canvas.source.folds,
        ),
    ]


def _is_folded(corner: Corner) -> bool:
    return corner.folded
