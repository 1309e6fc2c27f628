"""Keeps the breakpoints of each run from one session to the next."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QSettings

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn_ui.viewmodels.document import Document


class KeptBreakpoints(QObject):
    """Puts the breakpoints of a run back when it is opened, and writes them down whenever they change."""

    def __init__(self, workspace: Workspace, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        while_alive(self, workspace.document_changed, self._open)

    def _open(self, document: Document | None) -> None:
        if document is None or document.data.path is None:
            return
        key, breakpoints = _key(document.data.path), document.session.breakpoints
        kept = self._settings.value(key)
        if isinstance(kept, str):
            try:
                breakpoints.from_json(kept)
            except GraphvizNNError:  # written by a version that knew others
                self._settings.remove(key)

        def keep() -> None:
            if len(breakpoints):
                self._settings.setValue(key, breakpoints.to_json().decode())
            else:
                self._settings.remove(key)

        while_alive(self, document.session.breakpoints_changed, keep)


def _key(path: str) -> str:
    """A path as the name of a setting, in which a slash would part groups."""
    return f"breakpoints/{hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:20]}"
