"""How docks, columns and lines of text make use of the room that they have."""

from __future__ import annotations

from PyQt6.QtCore import QMargins, Qt
from PyQt6.QtWidgets import QLabel, QPushButton, QTabBar, QToolButton, QTreeView, QVBoxLayout, QWidget

from graphviz_nn.model.panels import Panel
from graphviz_nn_ui.panels.events import EventsPanel
from graphviz_nn_ui.panels.model_tree import ModelTreePanel
from graphviz_nn_ui.plugin import register_panels
from graphviz_nn_ui.widgets.bars import WorkBar
from graphviz_nn_ui.widgets.dock_titles import TitleBar
from graphviz_nn_ui.widgets.docks import SHARES
from graphviz_nn_ui.widgets.elided import ElidedLabel
from graphviz_nn_ui.widgets.flow import Flow
from graphviz_nn_ui.widgets.scrolled import Scrolled
from graphviz_nn_ui.widgets.tool_bar import MainToolBar


def test_a_dock_behind_a_tab_has_no_title_of_its_own(make_window, show, digits_run):
    window = make_window()
    show(digits_run)
    timeline, log, alone = (window.docks[name] for name in ("timeline", "log", "breakpoints"))
    window.docks.toggle("breakpoints")
    assert not isinstance(timeline.titleBarWidget(), TitleBar)
    assert not isinstance(log.titleBarWidget(), TitleBar)
    assert isinstance(alone.titleBarWidget(), TitleBar)


def test_a_tab_without_room_for_its_name_says_it(make_window, show, digits_run, qtbot):
    window = make_window()
    show(digits_run)

    def tips() -> set[str]:
        bars = [bar for bar in window.findChildren(QTabBar) if bar.parent() is window]
        return {bar.tabToolTip(tab).partition("\n")[0] for bar in bars for tab in range(bar.count())}

    qtbot.waitUntil(lambda: tips() == {"Timeline", "Log"})


def test_a_small_window_holds_every_dock_above_and_beside_the_others(make_window, show, digits_run, qtbot):
    window = make_window(
        *(panel for panel in register_panels() if panel.name not in ("timeline", "log", "breakpoints"))
    )
    show(digits_run)
    window.resize(window.minimumSize())
    qtbot.wait(50)
    assert window.size() == window.minimumSize()
    needed = window.minimumSizeHint()
    assert needed.width() <= window.width()
    assert needed.height() <= window.height()


def test_docks_have_their_size_again_once_the_window_is_large_again(make_window, show, digits_run, qtbot):
    panels = [Panel(name, name, name, lambda workspace: QLabel()) for name in ("left", "right")]
    window = make_window(*panels)
    window.resize(1400, 900)
    show(digits_run)
    qtbot.wait(50)
    window.resizeDocks([window.docks["left"]], [300], Qt.Orientation.Horizontal)
    qtbot.wait(20)

    def sizes() -> tuple[int, ...]:
        docks = window.docks
        return docks["left"].width(), docks["right"].width(), docks["timeline"].height()

    before = sizes()
    assert before[0] == 300
    window.resize(window.minimumSize())
    qtbot.wait(20)
    window.resize(1400, 900)
    qtbot.wait(20)
    assert sizes() == before


def test_what_a_program_prints_leaves_the_docks_their_room(qtbot):
    bar = WorkBar()
    qtbot.addWidget(bar)
    least = bar.minimumSizeHint().width()
    bar.tell("Recording digits … " + "epoch 1: loss 0.25 " * 20)
    assert bar.minimumSizeHint().width() == least


def test_a_dock_that_floats_has_its_title_again(make_window, show, digits_run, qtbot):
    window = make_window()
    show(digits_run)
    timeline, log = window.docks["timeline"], window.docks["log"]
    timeline.setFloating(True)
    qtbot.waitUntil(lambda: isinstance(timeline.titleBarWidget(), TitleBar))
    qtbot.waitUntil(lambda: isinstance(log.titleBarWidget(), TitleBar))  # nothing stands beside it any more


def test_a_panel_is_there_while_its_dock_floats_and_when_it_is_back(make_window, show, digits_run, qtbot):
    window = make_window(Panel("right", "Right", "right", lambda workspace: QLabel("right")))
    show(digits_run)
    dock = window.docks["right"]
    qtbot.waitUntil(lambda: dock.content.made)
    (panel,) = dock.content.findChildren(QLabel)
    for floating in (True, False):
        dock.setFloating(floating)
        qtbot.wait(50)
        assert panel.isVisible()


def test_a_title_floats_and_closes_its_dock_and_grows_with_the_text(make_window, show, digits_run, qapp, qtbot):
    window = make_window(Panel("right", "Right", "right", lambda workspace: QLabel("right")))
    show(digits_run)
    dock = window.docks["right"]
    title = dock.titleBarWidget()
    float_it, close_it = title.findChildren(QToolButton)
    before, height = qapp.font(), title.sizeHint().height()
    try:
        larger = qapp.font()
        larger.setPointSizeF(before.pointSizeF() + 12)
        qapp.setFont(larger)
        qapp.setStyleSheet(qapp.styleSheet())  # where there is one, widgets take a font when they are polished again
        qtbot.waitUntil(lambda: title.sizeHint().height() > height)
    finally:
        qapp.setFont(before)
    float_it.click()
    assert dock.isFloating()
    float_it.click()
    assert not dock.isFloating()
    close_it.click()
    assert dock.isHidden()


def test_controls_without_room_go_on_in_the_next_line(qtbot):
    first, second, third = (QPushButton(text) for text in ("a choice", "another choice", "a third"))
    flow = Flow(first, second, third, margins=QMargins())
    qtbot.addWidget(flow)
    flow.show()
    one_line = flow.sizeHint().width()
    flow.resize(one_line, 200)
    assert first.y() == second.y() == third.y()
    flow.resize(one_line - 10, 200)
    assert first.y() == second.y() < third.y()
    assert third.width() == third.sizeHint().width()
    second.hide()
    qtbot.waitUntil(lambda: third.y() == first.y())
    assert flow.heightForWidth(one_line - 10) == first.height()


def test_areas_take_their_share_of_the_window(make_window, show, digits_run):
    window = make_window(Panel("right", "Right", "right", lambda workspace: QLabel("right")))
    window.resize(1600, 960)
    show(digits_run)
    share, least, most = SHARES["right"]
    assert least <= 1600 * share <= most
    assert abs(window.docks["right"].width() - 1600 * share) <= 2


def test_the_module_takes_the_room_and_other_columns_go(qtbot, workspace, show, digits_run):
    panel = ModelTreePanel(workspace)
    qtbot.addWidget(panel)
    show(digits_run)
    view = panel.findChild(QTreeView)
    panel.show()
    for width, hidden in ((700, []), (180, [2, 3, 4])):
        panel.resize(width, 400)
        assert [column for column in range(5) if view.isColumnHidden(column)] == hidden
        assert not view.horizontalScrollBar().isVisible()
        assert view.header().length() <= view.viewport().width()


def test_the_cursors_event_is_in_view_when_the_list_is_first_laid_out(qtbot, workspace, show, digits_run):
    session = show(digits_run).session
    panel = EventsPanel(workspace)
    qtbot.addWidget(panel)
    panel.resize(320, 200)
    panel.show()
    view = panel._view
    last = view.model().index(session.cursor, 0)
    qtbot.waitUntil(lambda: view.viewport().rect().contains(view.visualRect(last).center()))


def test_a_long_line_gives_way(qtbot):
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.setText("word " * 100)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft)
    label.resize(120, 20)
    label.show()
    label.grab()
    assert label.minimumSizeHint().width() < 120
    assert label.toolTip() == label.text()


def test_buttons_say_their_names_where_there_is_room(make_window, workspace):
    window = make_window()
    bar = window.findChild(MainToolBar)
    button = bar.widgetForAction(window.actions_of["step.over"])
    for width, style in (
        (1600, Qt.ToolButtonStyle.ToolButtonTextBesideIcon),
        (800, Qt.ToolButtonStyle.ToolButtonIconOnly),
    ):
        window.resize(width, 700)
        assert button.toolButtonStyle() == style


def test_what_is_lower_than_its_controls_scrolls(qtbot):
    content, controls, gives_way = QWidget(), Flow(*(QPushButton(f"button {place}") for place in range(6))), QWidget()
    gives_way.setMinimumHeight(40)
    column = QVBoxLayout(content)
    column.addWidget(controls)
    column.addWidget(gives_way, 1)
    scrolled = Scrolled(content)
    qtbot.addWidget(scrolled)
    scrolled.resize(200, 500)
    scrolled.show()
    assert content.height() == scrolled.viewport().height()
    assert not scrolled.verticalScrollBar().isVisible()
    scrolled.resize(200, 100)
    qtbot.waitUntil(scrolled.verticalScrollBar().isVisible)
    assert content.width() == scrolled.viewport().width()
    assert controls.height() >= controls.heightForWidth(controls.width())
    assert gives_way.height() == 40
    gives_way.setMinimumHeight(90)
    qtbot.waitUntil(lambda: gives_way.height() == 90)
