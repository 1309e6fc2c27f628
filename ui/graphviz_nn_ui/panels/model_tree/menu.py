"""What can be done with a module of the tree."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QApplication, QMenu, QWidget

from graphviz_nn.session import Session
from graphviz_nn_ui.viewmodels.module_rows import ModuleRow, call_keys, first_node, keys_inside
from graphviz_nn_ui.workspace import Workspace


def module_menu(parent: QWidget, workspace: Workspace, row: ModuleRow) -> QMenu:
    """Returns the menu of a module; empty where no run is open."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if workspace.document is not None:
        for title, work in _entries(workspace, workspace.document.session, row).items():
            action = QAction(title, menu)
            action.triggered.connect(lambda checked, work=work: work())
            menu.addAction(action)
    return menu


def _entries(workspace: Workspace, session: Session, row: ModuleRow) -> dict[str, Callable[[], object]]:
    structure = session.structure
    around = [key for above in list(row.upwards())[1:] for key in call_keys(structure, above.path)]
    return {
        "Show on the canvas": lambda: _reveal(workspace, session, row),
        "Expand on the canvas": lambda: session.expand(*around, *call_keys(structure, row.path)),
        "Expand with all inside": lambda: session.expand(*around, *keys_inside(structure, row.path)),
        "Collapse on the canvas": lambda: session.collapse(*keys_inside(structure, row.path)),
        "Set breakpoint": lambda: session.breakpoints.add("module", row.path or "*"),
        "Copy path": lambda: _copy(row.path),
    }


def _reveal(workspace: Workspace, session: Session, row: ModuleRow) -> None:
    node = first_node(session.step.order, row.path)
    if node is None:
        workspace.message.emit(f"Nothing ran inside {row.path or row.type} in this step.", 5.0)
    else:
        workspace.reveal.emit(node)


def _copy(text: str) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
