"""Follows the open document: what every panel needs to hear of changes, and to let go of what was closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QWidget

from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.session import Selection
    from graphviz_nn.session.expansion import Keys
    from graphviz_nn_ui.viewmodels.document import Document


class Following(QObject):
    """Connects a panel to the open document, and disconnects it when another is opened or the panel is destroyed.

    `document` is called at once with what is open now, and again with each document that is opened (None: closed),
    after the panel is connected to it: it shows everything. The others are called as the session's signals of that
    name tell, while the panel can be seen. One that is hidden in its window, behind another tab for instance, is left
    alone, and gets `document` when it is shown again if it has missed something. One that works long for what it shows
    sets `seen_only`: it gets a document only when it is first seen, and None until then.

    Keep it as an attribute of the panel: `self._following = Following(workspace, self, cursor=self._show)`.
    """

    def __init__(
        self,
        workspace: Workspace,
        owner: QWidget,
        *,
        document: Callable[[Document | None], object] | None = None,
        step: Callable[[int], object] | None = None,
        cursor: Callable[[int, int], object] | None = None,
        selection: Callable[[Selection | None], object] | None = None,
        expansion: Callable[[Keys], object] | None = None,
        breakpoints: Callable[[], object] | None = None,
        grew: Callable[[int], object] | None = None,
        findings: Callable[[], object] | None = None,
        seen_only: bool = False,
    ) -> None:
        super().__init__(owner)
        self._workspace = workspace
        self._owner = owner
        self._document = document
        self._handlers = {
            "step_changed": step,
            "cursor_moved": cursor,
            "selection_changed": selection,
            "expansion_changed": expansion,
            "breakpoints_changed": breakpoints,
            "run_grew": grew,
            "findings_changed": findings,
        }
        self._seen_only = seen_only
        self._missed = False
        self._disconnect: list[Callable[[], None]] = []
        while_alive(self, workspace.document_changed, self._show)
        owner.installEventFilter(self)
        self._show(workspace.document)

    @property
    def hidden(self) -> bool:
        """Whether the panel is out of sight in a window that is not."""
        window = self._owner.window()
        return window is not None and window.isVisible() and not self._owner.isVisible()

    def miss(self) -> None:
        """Notes that the panel was left alone although something changed."""
        self._missed = True

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        if event is not None and event.type() == QEvent.Type.Show and self._missed:
            self._missed = False
            if self._document is not None:
                self._document(self._workspace.document)
        return super().eventFilter(watched, event)

    def _show(self, document: Document | None) -> None:
        _call_all(self._disconnect)
        self._missed = False
        if document is not None:
            for name, handler in self._handlers.items():
                if handler is not None:
                    signal, callback = _signal(document, name), self._callback(name, handler)
                    self._disconnect.append(while_alive(self, signal, callback))
        if self._document is not None:
            self._missed = self._seen_only and not self._owner.isVisible()
            self._document(None if self._missed else document)

    def _callback(self, name: str, handler: Callable[..., object]) -> Callable[..., object]:
        """Findings are few and counted in titles: they are always told."""
        always = self._document is None or name == "findings_changed"
        return handler if always else _WhileSeen(self, handler)


class _WhileSeen:
    """Calls a handler while its panel can be seen.

    `__self__` is that of the handler: by it a signal knows whom to leave out who asked for the change.
    """

    def __init__(self, following: Following, handler: Callable[..., object]) -> None:
        self._following = following
        self._handler = handler
        self.__self__ = getattr(handler, "__self__", None)

    def __call__(self, *arguments: Any) -> None:
        if self._following.hidden:
            self._following.miss()
        else:
            self._handler(*arguments)


def _signal(document: Document, name: str) -> Any:
    return getattr(document if name == "findings_changed" else document.session, name)


def _call_all(functions: list[Callable[[], None]]) -> None:
    while functions:
        functions.pop()()
