"""Facts by subject: a heading, then names and texts; what can be selected is a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from graphviz_nn.session import Selection
from graphviz_nn_ui.viewmodels.sections import Fact, Section
from graphviz_nn_ui.widgets.theme import theme_of


class SectionList(QTreeWidget):
    """Shows `Section`s. A click on a fact with a selection calls `select` with it."""

    def __init__(self, name: str, select: Callable[[Selection], object], parent: QWidget | None = None) -> None:
        self._sections: tuple[Section, ...] = ()
        self._closed: set[str] = set()
        super().__init__(parent)
        self._select = select
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setAccessibleName(name)
        self.setUniformRowHeights(True)
        self.setIndentation(12)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        header = self.header()
        assert header is not None
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        copy = QAction("Copy", self)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self._copy)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.itemActivated.connect(self._follow)
        self.itemClicked.connect(self._follow)
        self.itemCollapsed.connect(lambda item: self._closed.add(item.text(0)))
        self.itemExpanded.connect(lambda item: self._closed.discard(item.text(0)))

    def show_sections(self, sections: Sequence[Section]) -> None:
        """Shows facts in place of those before; the same ones again change nothing."""
        if tuple(sections) == self._sections:
            return
        self._sections = tuple(sections)
        self._build()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._build()

    def _build(self) -> None:
        closed = set(self._closed)
        self.clear()
        theme = theme_of(self)
        for section in self._sections:
            heading = QTreeWidgetItem([section.title])
            heading.setForeground(0, theme.muted)
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.addTopLevelItem(heading)
            heading.setFirstColumnSpanned(True)
            for fact in section.facts:
                heading.addChild(self._item(fact))
            if not section.facts:
                said = QTreeWidgetItem([section.empty])
                said.setToolTip(0, section.empty)
                heading.addChild(said)
                said.setFirstColumnSpanned(True)
            heading.setExpanded(section.title not in closed)

    def _item(self, fact: Fact) -> QTreeWidgetItem:
        item = QTreeWidgetItem([fact.name, fact.text])
        item.setToolTip(0, fact.tip or f"{fact.name}: {fact.text}")
        item.setToolTip(1, fact.tip or fact.text)
        if fact.selection is not None:
            item.setData(0, Qt.ItemDataRole.UserRole, fact.selection)
            item.setForeground(1, theme_of(self).accent)
        return item

    def _follow(self, item: QTreeWidgetItem) -> None:
        selection = item.data(0, Qt.ItemDataRole.UserRole)
        if selection is not None:
            self._select(selection)

    def _copy(self) -> None:
        clipboard, item = QApplication.clipboard(), self.currentItem()
        if clipboard is not None and item is not None:
            clipboard.setText(item.text(1) or item.text(0))
