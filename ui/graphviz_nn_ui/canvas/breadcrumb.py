"""Where the selection is: the modules around it, from the root inwards."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QEvent, QRectF, Qt
from PyQt6.QtWidgets import QLabel

from graphviz_nn.scene.words import shapes_text
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Selection, ValueSelection
from graphviz_nn_ui.canvas.selecting import selection_of_key
from graphviz_nn_ui.widgets.theme import theme_of

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas

_SEPARATOR: Final = " › "


class Breadcrumb(QLabel):
    """One link for each module around what is selected, or else around the cursor; a link goes there."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.wanted = True
        self.place_text = ""
        self._said: tuple[object, ...] = ()
        self._room = QRectF(10, 10, 600, 28)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.setStyleSheet(
            "background: palette(button); border: 1px solid palette(mid); border-radius: 6px; padding: 2px 8px;"
        )
        self.setAccessibleName("Place in the model")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.linkActivated.connect(self.go_to)
        self.hide()

    def refresh(self) -> None:
        """Shows where the selection is now."""
        keys, last, rest = self._parts()
        groups = self._canvas.expanding.groups
        titles = [groups.title(key) for key in keys] if groups is not None else []
        self.place_text = _SEPARATOR.join(filter(None, (*titles, last))) + (f"  {rest}" if rest else "")
        theme = theme_of(self)
        links = [
            f'<a href="{key}" style="text-decoration:none; color:{theme.accent.name()}">{escape(title)}</a>'
            for key, title in zip(keys, titles, strict=bool(titles))
        ]
        said = (keys, last, rest, theme.name, self.font().pointSizeF())
        if said == self._said and self.isVisible() == (self.wanted and bool(self.place_text)):
            return
        self._said = said
        shown = _SEPARATOR.join([*links, f"<b>{escape(last)}</b>"] if last else links)
        self.setText(shown + (f" &nbsp;{escape(rest)}" if rest else ""))
        self.setToolTip(self.place_text)
        self._resize()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        """Takes the colour of the links from the theme that came."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self.refresh()

    def go_to(self, key: str) -> None:
        """Selects a group and brings it into view."""
        session = self._canvas.source.session
        if session is not None:
            self._canvas.select(selection_of_key(session.structure, key))
            rect = self._canvas.selected_rect()
            if rect is not None:
                self._canvas.camera.fit(rect.adjusted(-20, -20, 20, 20), largest=max(self._canvas.camera.scale, 0.6))
                self._canvas.moved()

    def place(self, room: QRectF) -> None:
        """Stands in the upper left corner of the canvas."""
        if room != self._room:
            self._room = room
            self._resize()

    def _resize(self) -> None:
        room = self._room
        width = min(self.sizeHint().width() + 4, int(room.width()))
        self.setGeometry(int(room.x()), int(room.y()), width, int(room.height()))
        self.setVisible(self.wanted and bool(self.place_text))

    def _parts(self) -> tuple[tuple[str, ...], str, str]:
        """Keys of the groups around, the thing itself, and more about it."""
        session, groups = self._canvas.source.session, self._canvas.expanding.groups
        if session is None or groups is None or groups.structure is not session.structure:
            return (), "", ""
        selection = self._canvas.selection or self._at_cursor()
        match selection:
            case NodeSelection(node) | ValueSelection(node, _):
                found = session.structure.nodes[node]
                return groups.around(node), found.name.rpartition(".")[2], f"{found.op}  {shapes_text(found.outputs)}"
            case EdgeSelection(source, _, target, _):
                ends = session.structure.nodes[source], session.structure.nodes[target]
                return groups.around(target), f"{ends[0].name} → {ends[1].name}", ""
            case ModuleSelection():
                key = self._canvas.expanding.selected_key(selection)
                if key is not None:
                    return groups.outer(key), groups.title(key), ""
        return (), "", ""

    def _at_cursor(self) -> Selection | None:
        session = self._canvas.source.session
        nodes = session.place.nodes if session is not None else ()
        return NodeSelection(nodes[0]) if nodes else None
