"""What came in and what goes out, as a textbook draws a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QAction, QColor
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from graphviz_nn.model.tensors import TensorKey
from graphviz_nn_ui.viewmodels.flow import FlowGroup, FlowRow
from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.widgets.theme import Theme, theme_of

_COLUMNS: Final = ("", "from", "shape", "‖·‖₂")
_KEY: Final = Qt.ItemDataRole.UserRole


class FlowPage(QTreeWidget):
    """Three groups in, three out. A click selects the tensor's node; a double click opens its numbers."""

    def __init__(self, select: Callable[[TensorKey], object], open_tensor: Callable[[TensorKey], object]) -> None:
        self._shown: tuple[tuple[FlowGroup, ...], tuple[FlowGroup, ...]] = ((), ())
        super().__init__()
        self._open_tensor = open_tensor
        self.setColumnCount(len(_COLUMNS))
        self.setHeaderLabels(list(_COLUMNS))
        self.setAccessibleName("What flows in and out")
        self.setUniformRowHeights(True)
        self.setIndentation(12)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideLeft)
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for column in (0, 2, 3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.itemActivated.connect(self._open)
        select_action = QAction("Select its node", self)
        select_action.setShortcut("Ctrl+Return")
        select_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        select_action.triggered.connect(lambda: self._with_current(select))
        open_action = QAction("Show its numbers", self)
        open_action.triggered.connect(lambda: self._with_current(open_tensor))
        self.addActions([select_action, open_action])
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setToolTip("Double-click or Return: the tensor's numbers. Ctrl+Return: select its node.")

    def show_inspection(self, inspection: Inspection) -> None:
        """Shows the groups; the same ones again change nothing."""
        groups = (inspection.coming, inspection.going)
        if groups == self._shown:
            return
        self._shown = groups
        self._build()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._build()

    def _build(self) -> None:
        self.clear()
        theme = theme_of(self)
        for title, part in zip(("comes in", "goes out"), self._shown, strict=True):
            for group in part:
                self.addTopLevelItem(self._group(title, group, theme))
        for place in range(self.topLevelItemCount()):
            item = self.topLevelItem(place)
            if item is not None:
                item.setFirstColumnSpanned(True)
                item.setExpanded(True)

    def _group(self, title: str, group: FlowGroup, theme: Theme) -> QTreeWidgetItem:
        colour = theme.backward if group.phase == "backward" else theme.forward
        sign = "←" if group.phase == "backward" else "→"
        heading = QTreeWidgetItem([f"{sign} {group.title} · {title}"])
        heading.setForeground(0, colour)
        heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
        heading.addChildren([self._row(row, theme) for row in group.rows])
        if group.more:
            heading.addChild(QTreeWidgetItem([f"and {group.more} more"]))
        return heading

    def _row(self, row: FlowRow, theme: Theme) -> QTreeWidgetItem:
        item = QTreeWidgetItem([row.title, row.name, row.shape, row.norm])
        item.setTextAlignment(3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setData(0, _KEY, row.key)
        colour: QColor | None = None if row.there else theme.faint
        for column in range(len(_COLUMNS)):
            item.setToolTip(column, row.tip)
            if colour is not None:
                item.setForeground(column, colour)
        if row.norm.startswith("✖"):
            item.setForeground(3, theme.error)
        return item

    def _open(self, item: QTreeWidgetItem) -> None:
        key = item.data(0, _KEY)
        if key is not None:
            self._open_tensor(key)

    def _with_current(self, work: Callable[[TensorKey], object]) -> None:
        item = self.currentItem()
        key = None if item is None else item.data(0, _KEY)
        if key is not None:
            work(key)
