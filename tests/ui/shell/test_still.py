"""What a step leaves alone: the arrangement of the window, and words that would only flicker."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.widgets.boundary import Boundary


class Counter(QObject):
    """Counts how often something happens to a widget."""

    def __init__(self, watched: QWidget, kind: QEvent.Type) -> None:
        super().__init__(watched)
        self.count = 0
        self._kind = kind
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        self.count += event is not None and event.type() == self._kind
        return super().eventFilter(watched, event)


def column(*widgets: QWidget) -> QWidget:
    outer = QWidget()
    layout = QVBoxLayout(outer)
    for widget in widgets:
        layout.addWidget(widget)
    return outer


@pytest.mark.parametrize(("bounded", "arranged"), [(True, 0), (False, 1)])
def test_longer_words_inside_a_boundary_do_not_arrange_what_is_around_it(qtbot, bounded, arranged):
    label = QLabel("short")
    outer = column(Boundary(column(label)) if bounded else column(label))
    qtbot.addWidget(outer)
    outer.show()
    qtbot.wait(20)
    asked = Counter(outer, QEvent.Type.LayoutRequest)
    label.setText("a text that takes much more room than before")
    qtbot.wait(20)
    assert asked.count == arranged


def test_what_a_boundary_holds_fills_it(qtbot):
    label = QLabel("short")
    boundary = Boundary(label)
    qtbot.addWidget(boundary)
    boundary.resize(300, 200)
    boundary.show()
    assert label.isVisible()
    assert label.size() == boundary.size()
    assert boundary.sizeHint() == label.sizeHint()


def test_a_step_does_not_arrange_the_window(qtbot, make_window, workspace, digits_run):
    words = QLabel()
    window = make_window(Panel("words", "Words", "right", lambda workspace: column(words)))
    window.opener.open(digits_run)
    qtbot.waitUntil(lambda: workspace.document is not None and words.isVisible())
    qtbot.waitUntil(lambda: not workspace.jobs.tags)
    session = workspace.document.session
    session.scrub(10)
    qtbot.wait(50)
    asked = Counter(window, QEvent.Type.LayoutRequest)
    for number in range(10):
        former = window.statusBar().place
        words.setText("longer and longer " * number)
        workspace.jobs.submit("quick", lambda ticket: None, lambda result: None)
        session.into()
        qtbot.wait(10)
        assert window.statusBar().place != former
    assert asked.count == 0


def test_the_status_bar_tells_of_work_that_lasts(qtbot, make_window, workspace):
    window = make_window()
    release = workspace.jobs.hold("laying out")
    assert window.statusBar().jobs == ""
    qtbot.waitUntil(lambda: window.statusBar().jobs == "Working: laying out", timeout=2_000)
    release()
    assert window.statusBar().jobs == ""
