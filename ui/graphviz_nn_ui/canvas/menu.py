"""What can be done with the box, container or wire under the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt6.QtGui import QAction, QGuiApplication
from PyQt6.QtWidgets import QMenu

from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.canvas.drawing import Drawing
from graphviz_nn_ui.canvas.hits import BOX, CONTAINER, Hit
from graphviz_nn_ui.canvas.selecting import related

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas


def context_menu(canvas: Canvas, hit: Hit | None) -> QMenu:
    """Returns the menu for what stands under the mouse; for the picture as a whole where nothing does."""
    menu = QMenu(canvas)
    drawing = canvas.drawing
    if drawing is None:
        return menu
    if hit is not None and hit.kind in (BOX, CONTAINER):
        _add_expansion(menu, canvas, hit)
        menu.addSeparator()
    if hit is not None and hit.kind == BOX:
        _add_node(menu, canvas, drawing, hit.place)
        menu.addSeparator()
    names = ["graph.expand_all", "graph.collapse_all", "view.fit"] if hit is None else []
    for name in (*names, "export.copy", "export.svg", "export.png", "export.pdf"):
        _add_command(menu, canvas, name)
    return menu


def _add_expansion(menu: QMenu, canvas: Canvas, hit: Hit) -> None:
    expanding, key = canvas.expanding, canvas.expanding.key_of(hit)
    if key is None:
        return

    def held(change: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            canvas.keep_in_place(key)
            change()

        return run

    if expanding.is_open(key):
        _add(menu, "Collapse", held(lambda: expanding.close([key])))
        _add(menu, "Collapse inside", held(lambda: expanding.close_inside(key)))
    else:
        _add(menu, "Expand", held(lambda: expanding.open([key])))
    _add(menu, "Expand inside", held(lambda: expanding.open_inside(key)))
    if hit.kind == BOX and (siblings := expanding.siblings(hit.place)) and len(siblings) > 1:
        _add(menu, f"Expand all {len(siblings)}", held(lambda: expanding.open(siblings)))


def _add_node(menu: QMenu, canvas: Canvas, drawing: Drawing, box: int) -> None:
    session = canvas.source.session
    if session is None:
        return
    nodes = drawing.tables.boxes.nodes(box)
    node = session.structure.nodes[nodes[0]]
    path = drawing.tables.boxes.paths[box]
    _add(menu, "Run to here", lambda: session.to_node(node.id) or session.to_node(node.id, back=True))
    stop = ("module", path) if len(nodes) > 1 and drawing.tables.boxes.roles[box] == 1 else ("node", node.name)
    present = next((each for each in session.breakpoints if (each.on, each.pattern) == stop), None)
    if present is None:
        _add(menu, "Set a breakpoint", lambda: session.breakpoints.add(*stop))
    else:
        _add(menu, "Remove the breakpoint", lambda: session.breakpoints.remove(present.id))
    _add(menu, "Copy the name", lambda: _copy(path))
    _add(menu, "Find its users", lambda: _show_users(canvas, drawing, box))
    if node.source is not None:
        place = f"{node.source.file.rpartition('/')[2]}:{node.source.line}"
        _add(menu, f"Show the source: {place}", lambda: canvas.select(NodeSelection(node.id)))
    if drawing.hidden[box]:
        _add(menu, "Show again", lambda: canvas.set_hidden(box, False))
    else:
        _add(menu, "Fade out", lambda: canvas.set_hidden(box, True))


def _show_users(canvas: Canvas, drawing: Drawing, box: int) -> None:
    """Has all that reads what a box makes stand out, and says how many there are."""
    canvas.click(Hit(BOX, box))
    canvas.set_ways(False, True)
    direct = len({int(drawing.tables.wires.targets[wire]) for wire in drawing.leaving(box)})
    total = len(related(drawing, {box}, upstream=False).boxes) - 1
    canvas.workspace.message.emit(f"{direct} read it directly, {total} depend on it", 6.0)


def _add(menu: QMenu, title: str, run: Callable[[], object]) -> QAction:
    action = menu.addAction(title)
    assert action is not None
    action.triggered.connect(lambda _: run())
    return action


def _add_command(menu: QMenu, canvas: Canvas, name: str) -> None:
    known = {command.name: command for command in canvas.workspace.commands}
    if name in known:
        _add(menu, known[name].title, known[name].run).setEnabled(known[name].enabled())


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
