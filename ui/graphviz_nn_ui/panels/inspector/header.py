"""The inspector's header: the name of what is selected, what it is, and what went wrong there."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.widgets.theme import theme_of


class InspectorHeader(QWidget):
    """Every text can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self._title = _label("Selected")
        self._subtitle = _label("What it is")
        self._alarm = _label("What went wrong")
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 0)
        column.setSpacing(4)
        for label in (self._title, self._subtitle, self._alarm):
            column.addWidget(label)

    def show_inspection(self, inspection: Inspection, damage: Sequence[str]) -> None:
        """Shows what is selected, and what of its numbers could not be read."""
        self._title.setText(inspection.title)
        self._subtitle.setText(inspection.subtitle)
        wrong = [inspection.alarm, *damage] if inspection.alarm else damage
        self._alarm.setText("\n".join(f"✖ {each}" for each in wrong))
        self._alarm.setVisible(bool(wrong))
        if wrong:
            self._tint()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, theme_of(self).error)
        self._alarm.setPalette(palette)


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setAccessibleName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
