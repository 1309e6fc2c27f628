"""The panels of views follow the session, drive it, and say why they are empty."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, ImageGrid, Table, View, ViewData, ViewOptions
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, ValueSelection
from graphviz_nn_ui.panels.curves import CurvesPanel
from graphviz_nn_ui.panels.feature_maps import FeatureMapsPanel
from graphviz_nn_ui.panels.gradient_flow import GradientFlowPanel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.looked_at import looked_at, why_shown
from graphviz_nn_ui.widgets.save_figure import file_name
from graphviz_nn_ui.workspace import Workspace

Show = Callable[[Path], Document]
Settle = Callable[[], None]


class OtherViews:
    """A plugin with a view that raises, one that shows a table, and one that shows curves."""

    @hookimpl
    def register_views(self) -> list[View]:
        return [
            View("broken", "Broken", _broken),
            View("facts", "Facts", _facts, _of_values),
            View("wave", "Wave", _wave),
        ]


def _broken(subject: Subject, options: ViewOptions) -> ViewData:
    raise ZeroDivisionError("by nothing at all")


def _facts(subject: Subject, options: ViewOptions) -> ViewData:
    return Table("Facts", ("name", "number"), (("size", 3), ("mean", 0.25)))


def _of_values(subject: Subject) -> bool:
    return subject.of == "value"


def _wave(subject: Subject, options: ViewOptions) -> ViewData:
    return Curves("Wave", (Curve("wave", np.arange(9.0), np.sin(np.arange(9.0))),), "x", "y")


@pytest.fixture
def other_views() -> Iterator[None]:
    plugins.cache_clear()
    plugins().register(OtherViews(), "others")
    yield
    plugins.cache_clear()


@pytest.fixture
def maps(qtbot: QtBot, workspace: Workspace) -> FeatureMapsPanel:
    panel = FeatureMapsPanel(workspace)
    qtbot.addWidget(panel)
    panel.resize(500, 700)
    return panel


def _select(document: Document, name: str) -> int:
    node = document.session.structure.by_name[name].id
    document.session.select(NodeSelection(node))
    return node


def _grid(panel: FeatureMapsPanel, which: str) -> ImageGrid:
    gallery = panel.panes[which].images.gallery
    assert gallery is not None
    return gallery.grid


def _choose_view(panel: FeatureMapsPanel, name: str) -> None:
    panel.controls.view.setCurrentIndex(panel.controls.view.findData(name))


def test_without_a_run_or_a_selection_the_panel_says_what_to_do(
    maps: FeatureMapsPanel, show: Show, digits_run: Path
) -> None:
    assert "Open a run" in maps.sentence
    show(digits_run).session.scrub(-1)
    assert "Select a node" in maps.sentence


def test_the_maps_of_what_the_cursor_stands_on_are_shown_while_nothing_is_selected(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    session = show(digits_run).session
    session.scrub(-1)
    for name in ("stem", "relu"):
        while not session.place.nodes or session.structure.nodes[session.place.nodes[0]].name != name:
            session.into()
        settle()
        assert maps.title.text().startswith(name)
        assert maps.panes["gradient"].heading.startswith("gradient · comes at #")
    session.scrub(-1)
    assert "Select a node" in maps.sentence


def test_a_run_opens_with_its_model(maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle) -> None:
    session = show(digits_run).session
    settle()
    assert looked_at(session) == ModuleSelection("")
    assert why_shown(session) == "nothing is selected"
    assert maps.controls.choice.view == "norms"
    session.scrub(3)
    assert why_shown(session) == "at the cursor"
    session.select(NodeSelection(0))
    assert why_shown(session) == ""


def test_a_layer_at_its_start_is_shown_by_its_call_and_a_module_as_itself(show: Show, digits_run: Path) -> None:
    session = show(digits_run).session
    session.scrub(0)
    assert looked_at(session) == ModuleSelection("", 1)
    session.scrub(1)
    assert session.place.module == "stem"
    assert looked_at(session) == NodeSelection(session.structure.by_name["stem"].id)


def test_a_run_that_ended_in_an_error_shows_the_call_that_failed(show: Show, broken_run: Path) -> None:
    session = show(broken_run).session
    session.go_to_step(len(session.data.steps()) - 1)
    session.scrub(len(session.step.order) - 1)
    assert session.place.kind == EventKind.ERROR
    assert looked_at(session) == NodeSelection(session.place.nodes[0])


def test_value_and_gradient_of_the_selection_stand_side_by_side(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    run = document.run
    np.testing.assert_array_equal(_grid(maps, "value").images, run.value("stem")[0].numpy())
    gradient = run.gradient("stem")
    assert gradient is not None
    np.testing.assert_array_equal(_grid(maps, "gradient").images, gradient[0].numpy())
    assert maps.sentence == ""


def test_the_panel_follows_the_step_and_the_sample(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    document.session.go_to_step(3)
    maps.controls.sample.box.setValue(2)
    settle()
    np.testing.assert_array_equal(_grid(maps, "value").images, document.run.value("stem", step=3)[2].numpy())


def test_every_kind_of_selection_has_a_value(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    structure = document.session.structure
    stem = structure.by_name["stem"].id
    reader = next(node for node in structure.nodes if any(read.node == stem for read in node.inputs))
    place = next(place for place, read in enumerate(reader.inputs) if read.node == stem)
    for selection in (ValueSelection(stem, 0), ModuleSelection("stem"), EdgeSelection(stem, 0, reader.id, place)):
        document.session.select(None)
        document.session.select(selection)
        settle()
        assert "stem" in maps.title.text()


def test_a_chosen_map_is_enlarged_beside_the_input(
    qtbot: QtBot, maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    assert maps.enlarged.isHidden()
    images = maps.panes["value"].images
    images.setFocus()
    qtbot.keyClick(images, Qt.Key.Key_Right)
    assert not maps.enlarged.isHidden()
    for name, expected in (
        ("input", document.run.value("images")[0]),
        ("value", document.run.value("stem")[0, 1:2]),
    ):
        gallery = maps.enlarged.image(name).gallery
        assert gallery is not None
        np.testing.assert_array_equal(gallery.grid.images, expected.numpy())
    assert maps.panes["gradient"].images.current == 1
    qtbot.keyClick(maps.enlarged, Qt.Key.Key_Escape)
    assert maps.enlarged.isHidden()


def test_scale_and_colours_are_chosen(maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    maps.controls.scale.setCurrentIndex(maps.controls.scale.findData("common"))
    maps.controls.colours.setCurrentIndex(maps.controls.colours.findData("sequential"))
    settle()
    assert (_grid(maps, "value").scale, _grid(maps, "value").colours) == ("common", "sequential")
    value = document.run.value("stem")[0]
    low, high = maps.colours.text.split(" … ")
    assert float(low) == pytest.approx(float(value.min()), rel=1e-2)
    assert float(high) == pytest.approx(float(value.max()), rel=1e-2)
    gradient = document.run.gradient("stem")
    assert gradient is not None
    low, high = maps.other_colours.text.split(" … ")
    assert float(low) == pytest.approx(float(gradient[0].min()), rel=1e-2)
    assert float(high) == pytest.approx(float(gradient[0].max()), rel=1e-2)
    assert not maps.other_colours.isHidden()
    maps.controls.scale.setCurrentIndex(maps.controls.scale.findData("each"))
    settle()
    assert maps.other_colours.isHidden()  # each image has its own: the same is true of both sides


def test_a_side_that_is_not_there_yet_says_when_it_comes(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    session = document.session
    _select(document, "stem")
    settle()
    assert [pane.heading for pane in maps.panes.values()] == ["value", "gradient"]
    call, gradient = (int(seq) for seq in session.step.order.events_of(session.structure.by_name["stem"].id)[:2])
    session.scrub(call - 1)
    assert [pane.heading for pane in maps.panes.values()] == [
        f"value · comes at #{call}",
        f"gradient · comes at #{gradient}",
    ]
    session.scrub(call)
    assert [pane.heading for pane in maps.panes.values()] == ["value", f"gradient · comes at #{gradient}"]


def test_without_tensors_it_says_how_to_record_them(
    maps: FeatureMapsPanel, show: Show, plain_run: Path, settle: Settle
) -> None:
    document = show(plain_run)
    _select(document, "stem")
    settle()
    assert "record with keep='all'" in maps.panes["value"].sentence


def test_without_gradients_the_value_stands_alone(
    maps: FeatureMapsPanel, show: Show, forward_run: Path, settle: Settle
) -> None:
    document = show(forward_run)
    _select(document, "stem")
    settle()
    assert not maps.panes["value"].isHidden()
    assert maps.panes["gradient"].isHidden()
    assert "gradient" in maps.title.text()


def test_plugins_views_are_listed_and_their_faults_shown_in_place(
    other_views: None, maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    titles = [maps.controls.view.itemText(place) for place in range(maps.controls.view.count())]
    assert titles == ["Feature maps", "Filters", "Facts", "Norms over training", "Broken", "Wave"]
    _choose_view(maps, "facts")
    settle()
    assert not maps.panes["value"].isHidden()
    assert maps.panes["gradient"].isHidden()
    assert "'Facts' does not show the gradient" in maps.title.text()
    _choose_view(maps, "broken")
    settle()
    assert "ZeroDivisionError: by nothing at all" in maps.panes["value"].sentence
    for name in ("facts", "wave", "feature_maps"):
        _choose_view(maps, name)
        settle()
        assert maps.panes["value"].sentence == ""
        assert not maps.grab().isNull()


def test_the_chosen_view_stays_where_it_fits(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle
) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    _choose_view(maps, "filters")
    settle()
    _select(document, "block.norm")
    settle()
    assert maps.controls.choice.view == "feature_maps"
    _select(document, "block.conv")
    settle()
    assert maps.controls.choice.view == "filters"


def test_a_figure_is_saved(
    maps: FeatureMapsPanel, show: Show, digits_run: Path, settle: Settle, tmp_path: Path
) -> None:
    document = show(digits_run)
    _select(document, "stem")
    settle()
    maps.save.save(tmp_path / "maps")
    settle()
    for name in ("maps.pdf", "maps-gradient.pdf"):
        assert (tmp_path / name).read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("kind", [GradientFlowPanel, CurvesPanel])
def test_a_panel_behind_another_works_for_nobody(
    kind: type[GradientFlowPanel] | type[CurvesPanel],
    qtbot: QtBot,
    workspace: Workspace,
    show: Show,
    digits_run: Path,
    settle: Settle,
) -> None:
    panel = kind(workspace)
    qtbot.addWidget(panel)
    asked: list[str] = []
    workspace.jobs.changed.connect(asked.extend)
    show(digits_run)
    assert not asked
    panel.show()
    settle()
    assert panel.sentences[0] == ""


def test_gradient_flow_shows_this_step_and_all(
    qtbot: QtBot, workspace: Workspace, show: Show, digits_run: Path, settle: Settle
) -> None:
    panel = GradientFlowPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    assert "Open a run" in panel.sentences[0]
    document = show(digits_run)
    settle()
    assert panel.sentences == ("", "")
    curves, heat_map = panel.bars.curves, panel.heat_map.shown_map
    assert curves is not None
    assert heat_map is not None
    assert curves.ticks == heat_map.rows == ("stem", "block.conv", "head.1")
    gradient = document.run.gradient("block.conv")
    assert gradient is not None
    assert curves.curves[0].y[1] == pytest.approx(float(gradient.square().mean().sqrt()), rel=1e-5)
    assert heat_map.values[1, -1] == curves.curves[0].y[1]
    assert heat_map.values.shape == (3, len(document.data.steps()))


def test_gradient_flow_drives_and_follows_the_session(
    qtbot: QtBot, workspace: Workspace, show: Show, digits_run: Path, settle: Settle
) -> None:
    panel = GradientFlowPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    document = show(digits_run)
    settle()
    session = document.session
    panel.bars.chosen.emit(2.0)
    assert session.selection == NodeSelection(session.structure.by_name["head.1"].id)
    panel.heat_map.chosen.emit(0, 4)
    settle()
    assert session.position == 4
    assert session.selection == NodeSelection(session.structure.by_name["stem"].id)
    assert panel.bars.curves is not None
    assert panel.bars.curves.title.endswith("training step 4")
    session.select(NodeSelection(session.structure.by_name["block.conv.weight"].id))
    assert panel.heat_map.cursor_cell == (1, 4)
    session.select(ModuleSelection("stem"))
    assert panel.bars.cursor_place == 0.0


@pytest.mark.parametrize("run", ["plain_run", "forward_run", "broken_run"])
def test_gradient_flow_without_gradients_says_why(
    qtbot: QtBot, workspace: Workspace, show: Show, settle: Settle, request: pytest.FixtureRequest, run: str
) -> None:
    panel = GradientFlowPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    show(request.getfixturevalue(run))
    settle()
    assert all("record a backward pass with keep='stats'" in sentence for sentence in panel.sentences)


def test_gradient_flow_is_drawn_as_bars_or_lines(
    qtbot: QtBot, workspace: Workspace, show: Show, digits_run: Path, settle: Settle
) -> None:
    panel = GradientFlowPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    show(digits_run)
    settle()
    assert panel.bars.curves is not None
    assert panel.bars.curves.bars
    panel.lines.click()
    settle()
    assert not panel.bars.curves.bars
    panel.tabs.setCurrentIndex(1)
    assert panel.lines.isHidden()


def test_a_figure_proposes_a_name_that_says_what_it_shows() -> None:
    assert file_name("blocks.0.conv1 · feature maps", "view") == "blocks.0.conv1-feature-maps.pdf"
    assert file_name("…", "view") == "view.pdf"


def test_curves_follow_the_selection_and_the_step(
    qtbot: QtBot, workspace: Workspace, show: Show, digits_run: Path, settle: Settle
) -> None:
    panel = CurvesPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    assert "Open a run" in panel.sentences[0]
    document = show(digits_run)
    settle()
    assert panel.sentences[0] == ""
    assert "Select a node" in panel.sentences[1]
    assert panel.loss.curves is not None
    assert panel.loss.curves.curves[0].y.tolist() == [info.loss for info in document.data.steps()]
    _select(document, "stem.weight")
    settle()
    assert panel.norms.curves is not None
    assert [curve.label for curve in panel.norms.curves.curves] == ["value", "gradient", "update / value"]
    assert panel.norms.curves.curves[1].y[-1] == pytest.approx(float(document.run.accumulated("stem.weight").norm()))
    document.session.go_to_step(2)
    here = float(document.data.steps()[2].index)
    assert (panel.loss.cursor_place, panel.norms.cursor_place) == (here, here)
    panel.loss.chosen.emit(float(document.data.steps()[7].index))
    assert document.session.position == 7
    panel.logarithmic.setChecked(True)
    assert panel.loss.curves is not None
    assert panel.loss.curves.logarithmic


@pytest.mark.parametrize(("size", "side_by_side"), [((900, 250), True), ((400, 700), False)])
def test_plots_stand_side_by_side_where_there_is_width(
    qtbot: QtBot, workspace: Workspace, size: tuple[int, int], side_by_side: bool
) -> None:
    panel = CurvesPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    panel.resize(*size)
    panel.show()
    loss, norms = (plot.mapTo(panel, QPoint(0, 0)) for plot in (panel._loss_page, panel._norms_page))
    assert (loss.y() == norms.y()) == side_by_side


def test_many_steps_are_shown_coarsely_first(
    qtbot: QtBot,
    workspace: Workspace,
    show: Show,
    digits_run: Path,
    settle: Settle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("graphviz_nn_ui.panels.curves.COARSE", 5)
    panel = CurvesPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    seen: list[list[float]] = []
    shown = panel.norms.show_curves
    monkeypatch.setattr(
        panel.norms, "show_curves", lambda found: (seen.append(found.curves[0].x.tolist()), shown(found))
    )
    document = show(digits_run)
    _select(document, "stem")
    settle()
    steps = [float(info.index) for info in document.data.steps()]
    assert seen == [steps[::3], steps]


def test_curves_without_loss_or_numbers_say_why(
    qtbot: QtBot, workspace: Workspace, show: Show, plain_run: Path, forward_run: Path, settle: Settle
) -> None:
    panel = CurvesPanel(workspace)
    qtbot.addWidget(panel)
    panel.show()
    document = show(forward_run)
    assert "No step has a loss" in panel.sentences[0]
    document = show(plain_run)
    _select(document, "stem")
    settle()
    assert "record with keep='stats'" in panel.sentences[1]


def test_replay_needs_neither_torch_nor_matplotlib(digits_run: Path, tmp_path: Path) -> None:
    import subprocess

    program = f"""
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PyQt6.QtWidgets import QApplication
from graphviz_nn.run import Run
from graphviz_nn.session import NodeSelection
from graphviz_nn.store.reader import open_run
from graphviz_nn_ui.panels.curves import CurvesPanel
from graphviz_nn_ui.panels.feature_maps import FeatureMapsPanel
from graphviz_nn_ui.panels.gradient_flow import GradientFlowPanel
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.workspace import Workspace
app = QApplication([])
workspace = Workspace()
panels = [kind(workspace) for kind in (FeatureMapsPanel, GradientFlowPanel, CurvesPanel)]
document = Document(Run(open_run({str(digits_run)!r})))
workspace.show(document)
document.session.select(NodeSelection(document.session.structure.by_name["stem"].id))
while workspace.jobs.tags:
    app.processEvents()
assert panels[0].shown is not None
for panel in panels:
    panel.grab()
assert not {{"torch", "matplotlib"}} & set(sys.modules), "torch or matplotlib was imported"
workspace.show(None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
