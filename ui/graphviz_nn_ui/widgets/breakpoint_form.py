"""Where a breakpoint stops, and when, as a person types it."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSizePolicy, QWidget

from graphviz_nn.session import Breakpoint
from graphviz_nn.session.conditions import Condition
from graphviz_nn_ui.viewmodels.breakpoint_rows import (
    CONDITIONS,
    PLACES,
    condition,
    pattern_meant,
    pattern_said,
    typed,
)


class BreakpointForm(QWidget):
    """Where, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.kind = _choice(PLACES, "Stops at"), _choice(CONDITIONS, "When")
        self.pattern, self.limit = QLineEdit(), QLineEdit()
        self.pattern.setAccessibleName("Which")
        self.limit.setAccessibleName("Condition")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # the list gives way, not the form
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Stops at", self.place)
        form.addRow("", self.pattern)
        form.addRow("When", self.kind)
        form.addRow("", self.limit)
        self.place.currentIndexChanged.connect(self._hint)
        self.kind.currentIndexChanged.connect(self._hint)
        self._hint()

    def show_breakpoint(self, each: Breakpoint) -> None:
        kind, text = typed(each.condition)
        self.place.setCurrentIndex(self.place.findData(each.on))
        self.pattern.setText(pattern_said(each.on, each.pattern))
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self.limit.setText(text)

    def typed(self) -> tuple[str, str, Condition | None]:
        """Returns place, pattern and condition as they stand. Raises `UsageError` where one cannot be read."""
        on = self.place.currentData()
        pattern = "" if on == "anywhere" else pattern_meant(on, self.pattern.text().strip())
        return on, pattern, condition(self.kind.currentData(), self.limit.text())

    def _hint(self) -> None:
        """Shows what to type, and hides what is not asked for."""
        for box, field, words in ((self.place, self.pattern, PLACES), (self.kind, self.limit, CONDITIONS)):
            hint = words[box.currentData()][1]
            field.setPlaceholderText(hint)
            field.setVisible(bool(hint))


def _choice(words: Mapping[str, tuple[str, str]], name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    for key, (title, _) in words.items():
        box.addItem(title, key)
    return box
