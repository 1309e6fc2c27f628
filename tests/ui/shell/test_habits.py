"""A person's habits: the keyboard alone, a screen reader, and keys that mean two things."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLabel, QLineEdit, QTreeWidget, QWidget

from graphviz_nn.model.panels import Panel
from graphviz_nn.session import NodeSelection
from graphviz_nn_ui.plugin import register_panels

_SPOKEN = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit)
"""Kinds of widgets that a screen reader stops at, whether they take the focus or not."""


def test_every_widget_that_can_be_used_has_a_name(make_window, show, digits_run, qtbot):
    window = make_window(
        *(panel for panel in register_panels() if panel.name not in ("timeline", "log", "breakpoints"))
    )
    document = show(digits_run)
    document.session.select(NodeSelection(document.session.structure.by_name["stem"].id))
    for dock in window.docks:
        dock.show()
        dock.raise_()
        qtbot.wait(10)
    window.find_bar.ask()
    window.palette_box.ask()
    used = [each for each in window.findChildren(QWidget) if _is_used(each)]
    nameless = [_describe(each) for each in used if not _name(each)]
    assert len(used) > 50
    assert not nameless, "\n".join(nameless)


def test_space_switches_the_breakpoint_in_hand_and_plays_elsewhere(make_window, show, digits_run, qtbot):
    window = make_window()
    session = show(digits_run).session
    session.scrub(10)
    number = session.breakpoints.add("op", "relu").id
    window.docks.toggle("breakpoints")
    rows = window.docks["breakpoints"].findChild(QTreeWidget)
    _focus(qtbot, window, rows)
    rows.setCurrentItem(rows.topLevelItem(0))
    QTest.keyClick(rows, Qt.Key.Key_Space)
    assert not session.breakpoints[number].enabled
    QTest.keyClick(rows, Qt.Key.Key_Space)
    assert session.breakpoints[number].enabled
    assert not window.player.is_on()
    canvas = window.canvas
    _focus(qtbot, window, canvas)
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    assert window.player.is_on()
    window.player.pause()


def test_a_dock_that_goes_behind_another_gives_the_keyboard_back(make_window, show, digits_run, qtbot):
    other = QLineEdit()  # takes Space for itself, and stands next in the order of the Tab key
    window = make_window(Panel("other", "Other", "left", lambda workspace: other, order=20, group="events"))
    show(digits_run)
    window.docks["other"].show()
    window.docks.toggle("breakpoints")
    box = window.docks["breakpoints"].findChild(QLineEdit)
    for hide in (window.docks["other"].raise_, window.docks["breakpoints"].close):
        window.docks["breakpoints"].show()
        window.docks["breakpoints"].raise_()
        _focus(qtbot, window, box)
        hide()
        qtbot.waitUntil(lambda: not box.isVisible())
        assert window.focusWidget() is window.canvas


def test_removing_a_breakpoint_goes_on_with_the_next(make_window, show, digits_run):
    window = make_window()
    session = show(digits_run).session
    for operator in ("relu", "conv2d", "linear"):
        session.breakpoints.add("op", operator)
    window.docks.toggle("breakpoints")
    rows = window.docks["breakpoints"].findChild(QTreeWidget)
    for left, chosen in ((["op relu", "op linear"], "op linear"), (["op relu"], "op relu"), ([], None)):
        item = rows.selectedItems() or [rows.topLevelItem(1)]
        rows.setCurrentItem(item[0])
        QTest.keyClick(rows, Qt.Key.Key_Delete)
        assert [rows.topLevelItem(row).text(0) for row in range(rows.topLevelItemCount())] == left
        assert [each.text(0) for each in rows.selectedItems()] == ([chosen] if chosen else [])


def _focus(qtbot, window, widget) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)


def _is_used(widget: QWidget) -> bool:
    """Whether a person meets it, leaving out what Qt puts inside its own widgets, which it names itself."""
    if widget.objectName().startswith("qt_") or _inside(widget, QAbstractItemView | QComboBox | QLineEdit):
        return False
    focused = widget.focusPolicy() != Qt.FocusPolicy.NoFocus
    return focused or isinstance(widget, _SPOKEN)


def _inside(widget: QWidget, kinds) -> bool:
    around = widget.parentWidget()
    return around is not None and (isinstance(around, kinds) or _inside(around, kinds))


def _name(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton | QLabel) else ""
    return widget.accessibleName() or (text if any(map(str.isalpha, text)) else "")


def _describe(widget: QWidget) -> str:
    parents, around = [], widget
    while around is not None:
        parents.append(type(around).__name__)
        around = around.parentWidget()
    return f"{widget.objectName()} {' < '.join(parents)}"
