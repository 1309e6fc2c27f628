"""What the tests of the app's panels share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from graphviz_nn.session import Session
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.workspace import Workspace

Opened = Callable[[Path], Session]
Show = Callable[[Path], Document]


def numbers_of(session: Session) -> StepNumbers:
    return StepNumbers(session.data, session.step)


def node_id(opened: Session | Document, name: str) -> int:
    """Returns the id of a node of the open step, by name."""
    session = opened.session if isinstance(opened, Document) else opened
    return session.structure.by_name[name].id


def settle(workspace: Workspace, qtbot: QtBot) -> None:
    """Waits until no work is under way and its results have arrived."""
    qtbot.waitUntil(lambda: not workspace.jobs.tags, timeout=10_000)


def sentence(panel: QWidget) -> str:
    """Returns what a panel says in place of content."""
    return " ".join(each.sentence for each in panel.findChildren(Emptiable) if each.isVisibleTo(panel))
