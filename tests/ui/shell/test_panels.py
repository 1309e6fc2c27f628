"""Breakpoints, log, start page; recording from within the app."""

from __future__ import annotations

import logging

import pytest
from PyQt6.QtCore import Qt

from graphviz_nn.session import GradientNorm, NonFinite, Shape, When
from graphviz_nn_ui.main_window import EXAMPLES
from graphviz_nn_ui.panels.breakpoints import BreakpointsPanel
from graphviz_nn_ui.panels.log import LogPanel
from graphviz_nn_ui.panels.start import Example, StartPage
from graphviz_nn_ui.viewmodels.breakpoint_rows import condition, typed
from graphviz_nn_ui.viewmodels.recent import LIMIT, Recent


@pytest.fixture
def panel(qtbot, workspace):
    panel = BreakpointsPanel(workspace)
    qtbot.addWidget(panel)
    return panel


def _set(panel, place: str, pattern: str, kind: str = "always", limit: str = "") -> None:
    panel.form.place.setCurrentIndex(panel.form.place.findData(place))
    panel.form.pattern.setText(pattern)
    panel.form.kind.setCurrentIndex(panel.form.kind.findData(kind))
    panel.form.limit.setText(limit)


def _rows(panel) -> list[tuple[str, ...]]:
    items = (panel.list.topLevelItem(row) for row in range(panel.list.topLevelItemCount()))
    return [tuple(item.text(column) for column in range(3)) for item in items]


def test_breakpoints_are_set_changed_switched_and_removed(qtbot, panel, show, digits_run):
    session = show(digits_run).session
    assert "F9" in panel._shown.sentence
    _set(panel, "op", "relu")
    panel._add.click()
    _set(panel, "module", "block", "above", "1e-9")
    panel._add.click()
    hits = [str(len(session.step.hits(each))) for each in session.breakpoints]
    assert _rows(panel) == [("op relu", "", hits[0]), ("module block", "gradient norm > 1e-09", hits[1])]
    assert panel._shown.sentence == ""
    panel.list.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    assert [each.enabled for each in session.breakpoints] == [False, True]
    panel.list.setCurrentItem(panel.list.topLevelItem(1))
    assert panel.form.pattern.text() == "block"
    panel.form.pattern.setText("stem")
    panel._change.click()
    assert str(list(session.breakpoints)[1]) == "module stem, when gradient norm > 1e-09"
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert [str(each) for each in session.breakpoints] == ["op relu"]


@pytest.mark.parametrize("word", ["update", "optimizer"])
def test_the_update_is_a_phase_by_the_name_that_the_window_gives_it(panel, show, digits_run, word):
    session = show(digits_run).session
    form = panel.form
    _set(panel, "phase", word)
    panel._add.click()
    assert [each.pattern for each in session.breakpoints] == ["optimizer"]
    row = panel.list.topLevelItem(0)
    assert row.text(0) == "phase update"
    panel.list.setCurrentItem(row)
    assert form.pattern.text() == "update"


def test_a_place_that_the_step_does_not_have_is_told_from_one_where_nothing_stops(panel, show, digits_run):
    session = show(digits_run).session
    session.breakpoints.add("node", "no_such")
    session.breakpoints.add("op", "relu", GradientNorm(above=1e30))
    assert [row[2] for row in _rows(panel)] == ["no such node", "0"]
    tip = panel.list.topLevelItem(0).toolTip(2)
    assert tip.startswith("The open step has no node 'no_such'; it may still come in another step.")


def test_what_cannot_be_a_breakpoint_is_said(panel, show, digits_run):
    session = show(digits_run).session
    for place, pattern, kind, limit, words in (
        ("source", "model.py", "always", "", "'model.py:12'"),
        ("op", "relu", "below", "little", "write 1e-7"),
        ("op", "relu", "expression", "value.maxx > 1", "maxx"),
        ("anywhere", "", "always", "", "needs a condition"),
        ("op", "relu", "shape", " ", "2x64x*"),
    ):
        _set(panel, place, pattern, kind, limit)
        panel._add.click()
        assert words in panel._error.text()
    assert len(session.breakpoints) == 0


def test_numbers_that_the_run_lacks_are_said(panel, show, plain_run):
    show(plain_run).session.breakpoints.add("anywhere", "", NonFinite())
    assert _rows(panel) == [("anywhere", "NaN or ±Inf", "no statistics")]


@pytest.mark.parametrize(
    "each", [None, NonFinite(), GradientNorm(above=10), GradientNorm(below=1e-7), Shape("2x*"), When("value.max > 1")]
)
def test_conditions_can_be_typed_again(each):
    assert condition(*typed(each)) == each


def test_the_log_shows_records_of_every_thread(qtbot, workspace):
    panel = LogPanel(workspace)
    qtbot.addWidget(panel)
    logger = logging.getLogger("some.part")
    logger.addHandler(workspace.log)
    logger.setLevel(logging.INFO)
    try:
        workspace.jobs.submit("talk", lambda ticket: logger.info("hello <b>there</b>"), lambda result: None)
        qtbot.waitUntil(lambda: "some.part: hello <b>there</b>" in panel._text.toPlainText())
        panel._level.setCurrentText("Errors")
        assert "hello" not in panel._text.toPlainText()
        panel._level.setCurrentText("Everything")
        assert "hello" in panel._text.toPlainText()
    finally:
        logger.removeHandler(workspace.log)


def test_the_start_page_lists_runs_with_their_facts(qtbot, digits_run, tmp_path):
    recent, opened, traced = Recent(), [], []
    example = Example("An example", "shows something", ("trace", "models:net"))
    page = StartPage(recent, [example], opened.append, traced.append, lambda: None)
    qtbot.addWidget(page)
    recent.add(str(tmp_path / "gone.gvnn"), "1 step")
    recent.add(str(digits_run), "DigitNet · 12 recorded steps")
    assert [row.accessibleName() for row in page.rows] == [
        "digits.gvnn: DigitNet · 12 recorded steps",
        "gone.gvnn: deleted or moved",
    ]
    assert [row.isEnabled() for row in page.rows] == [True, False]
    page.rows[0].click()
    assert opened == [str(digits_run)]


def test_recent_runs_are_few_and_survive(tmp_path):
    recent = Recent()
    for number in range(LIMIT + 3):
        recent.add(str(tmp_path / f"{number}.gvnn"), "facts")
    recent.add(str(tmp_path / "5.gvnn"), "newer facts")
    assert len(recent) == LIMIT
    assert next(iter(recent)).facts == "newer facts"
    again = Recent()
    again.from_json(recent.to_json())
    assert list(again) == list(recent)
    again.from_json("[{broken")
    assert list(again) == []


def test_shipped_examples_are_there():
    for example in EXAMPLES:
        assert example.arguments[-1].endswith(".py")
        with open(example.arguments[-1], encoding="utf-8") as file:
            compile(file.read(), example.arguments[-1], "exec")


@pytest.fixture
def model_file(tmp_path):
    file = tmp_path / "small.py"
    file.write_text("import torch\ndef net():\n    return torch.nn.Linear(2, 3), torch.ones(1, 2), torch.sum\n")
    return file


def test_a_model_is_traced_in_a_process_and_shown(qtbot, make_window, workspace, model_file):
    window = make_window()
    window.tracer.start("small", ["trace", f"{model_file}:net"])
    assert window.tracer.busy
    assert workspace.jobs.tags == ("trace",)
    qtbot.waitUntil(lambda: workspace.document is not None, timeout=60_000)
    assert not window.tracer.busy
    assert workspace.document.session.find("op:linear").size == 1
    assert window.windowTitle().startswith("small.gvnn")


def test_a_recording_that_fails_says_why(qtbot, make_window, workspace, model_file):
    window = make_window()
    window.tracer.start("small", ["trace", "--inputs", "1x2", f"{model_file}:net"])
    qtbot.waitUntil(lambda: "small cannot be recorded" in window.problem_text, timeout=60_000)
    assert "--input" in window.problem_text
    assert workspace.document is None
    assert workspace.jobs.tags == ()


def test_a_recording_can_be_cancelled(qtbot, make_window, workspace, model_file):
    model_file.write_text("import time\ndef net():\n    time.sleep(60)\n")
    window = make_window()
    window.tracer.start("small", ["trace", f"{model_file}:net"])
    window._work.cancel.click()
    assert not window.tracer.busy
    assert workspace.jobs.tags == ()
    assert window.problem_text == ""
