"""The inspector: a header, and a page for each side of what is selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QTabWidget, QVBoxLayout, QWidget

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session import ModuleSelection, Selection, ValueSelection
from graphviz_nn.session.textbook import pass_at
from graphviz_nn_ui.panels.inspector.header import InspectorHeader
from graphviz_nn_ui.panels.inspector.pages import DETAILS, FLOW, NUMBERS, PARAMETERS, SOURCE, TENSOR, PageMaker
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.inspection import Inspection, inspect
from graphviz_nn_ui.viewmodels.looked_at import looked_at, why_shown
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.graph.cost import Costs
    from graphviz_nn_ui.panels.inspector.tensor_page import TensorPage

_COSTS = "inspector costs"
_NOTHING_SELECTED = (
    "Nothing is selected. Click a node, a wire or a module to see its values and gradients; "
    "or go to the start (Ctrl+Home) and step (F11): each call is shown as it comes."
)


class InspectorPanel(QWidget):
    """Follows selection, step and cursor. Only the page in front is brought up to date."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._numbers: StepNumbers | None = None
        self._inspection: Inspection | None = None
        self._costs: dict[str, Costs] = {}
        self._header = InspectorHeader()
        self._make_pass_choice()
        self._make_pages()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self._header, self._pass, self._tabs):
            column.addWidget(widget)
        self._empty = Emptiable(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._empty)
        self._following = Following(
            workspace,
            self,
            document=self._open,
            step=lambda position: self._show_step(),
            cursor=lambda before, after: self._show_cursor(),
            selection=lambda selection: self._show(),
        )

    @property
    def inspection(self) -> Inspection | None:
        """What is shown."""
        return self._inspection

    # Building

    def _make_pass_choice(self) -> None:
        self._pass = QComboBox()
        self._pass.setAccessibleName("Backward pass")
        self._pass.setToolTip("Whose gradients are shown")
        self._pass.currentIndexChanged.connect(self._show)

    def _make_pages(self) -> None:
        maker = PageMaker(
            self._workspace.jobs, self._data, self._where, self._select, self._select_tensor, self._open_tensor
        )
        self._pages = maker.pages()
        self._tabs = QTabWidget()
        self._tabs.setAccessibleName("What is shown of the selection")
        self._tabs.setDocumentMode(True)
        self._tabs.setUsesScrollButtons(True)  # where even cut names find no room
        self._tabs.setElideMode(Qt.TextElideMode.ElideRight)
        for title, page in self._pages.items():
            self._tabs.setTabToolTip(self._tabs.addTab(page, title), title)
        self._wanted = self._tabs.tabText(0)
        self._tabs.currentChanged.connect(self._turn)

    # What the session tells

    def _open(self, document: Document | None) -> None:
        self._numbers = None
        self._costs = {}
        if document is None:
            self._say("No run is open.")
        elif not document.session.has_step:
            self._say("The run has no recorded step yet.")
        else:
            self._show_step()

    def _show_step(self) -> None:
        document = self._workspace.document
        if document is None or not document.session.has_step:
            return
        self._numbers = StepNumbers(document.data, document.session.step)
        self._offer_passes(self._numbers.passes)
        self._show()

    def _show_cursor(self) -> None:
        document = self._workspace.document
        if document is not None and not isinstance(document.session.selection, ModuleSelection):
            self._show()

    def _show(self) -> None:
        document, numbers = self._workspace.document, self._numbers
        if document is None or numbers is None:
            return
        session = document.session
        selection = looked_at(session)
        if selection is None:
            self._say(_NOTHING_SELECTED)
            return
        costs = self._costs.get(session.step.info.structure)
        try:
            found = inspect(session, numbers, selection, self._number(document), costs)
        except DamagedRunFile as error:
            self._say(str(error))
            return
        why = why_shown(session)
        if why:
            found = replace(found, subtitle=f"{found.subtitle} · {why}")
        self._inspection = found
        self._empty.say("")
        self._header.show_inspection(found, numbers.damage)
        self._offer_pages(found)
        self._fill()

    def _say(self, sentence: str) -> None:
        self._inspection = None
        self._empty.say(sentence)

    def _fill(self) -> None:
        """Brings the page in front up to date."""
        document, title = self._workspace.document, self._tabs.tabText(self._tabs.currentIndex())
        if self._inspection is None or document is None:
            return
        self._pages[title].show_inspection(self._inspection)
        if title == DETAILS:
            self._count_costs(document)

    def _turn(self, place: int) -> None:
        """Another page is in front."""
        self._wanted = self._tabs.tabText(place)
        self._fill()

    def _offer_pages(self, found: Inspection) -> None:
        """Switches the pages off that have nothing to say of this; the one that a person chose comes back."""
        has = {
            NUMBERS: bool(found.cards),
            FLOW: bool(found.coming or found.going),
            PARAMETERS: bool(found.parameters),
            TENSOR: bool(found.cards),
            SOURCE: found.source is not None,
        }
        self._tabs.blockSignals(True)
        for place, title in enumerate(self._pages):
            if self._tabs.isTabVisible(place) != has.get(title, True):  # else all pages are arranged and painted anew
                self._tabs.setTabVisible(place, has.get(title, True))
        if has.get(self._wanted, True):
            self._tabs.setCurrentIndex(list(self._pages).index(self._wanted))
        self._tabs.blockSignals(False)

    # Backward passes and costs

    def _offer_passes(self, passes: tuple[int, ...]) -> None:
        texts = ["Gradients of the pass at the cursor", *(f"Gradients of backward pass {number}" for number in passes)]
        if [self._pass.itemText(place) for place in range(self._pass.count())] != texts:
            self._pass.blockSignals(True)
            self._pass.clear()
            self._pass.addItems(texts)
            self._pass.blockSignals(False)
        self._pass.setVisible(len(passes) > 1)

    def _number(self, document: Document) -> int:
        chosen = self._pass.currentIndex()
        if chosen > 0 and self._numbers is not None:
            return self._numbers.passes[chosen - 1]
        return pass_at(document.session.step.order, document.session.cursor)

    def _count_costs(self, document: Document) -> None:
        digest, structure = document.session.step.info.structure, document.session.structure
        if digest not in self._costs and _COSTS not in self._workspace.jobs.tags:
            self._workspace.jobs.submit(_COSTS, _counting(structure), lambda costs: self._take_costs(digest, costs))

    def _take_costs(self, digest: str, costs: Costs) -> None:
        self._costs[digest] = costs
        self._show()

    # What a person does

    def _data(self) -> RunData | None:
        document = self._workspace.document
        return None if document is None else document.data

    def _where(self) -> tuple[RunData, int] | None:
        document = self._workspace.document
        if document is None or not document.session.has_step:
            return None
        return document.data, document.session.position

    def _select(self, selection: Selection) -> None:
        document = self._workspace.document
        if document is not None:
            document.session.select(selection)

    def _select_tensor(self, key: TensorKey) -> None:
        self._select(ValueSelection(key.node, key.index))

    def _open_tensor(self, key: TensorKey) -> None:
        if self._inspection is None:
            return
        late = self._pages[TENSOR]
        late.show_inspection(self._inspection)
        if cast("TensorPage", late.page).choose(key):
            self._tabs.setCurrentWidget(late)
        else:
            self._workspace.message.emit("This tensor was not kept: record with keep='all' to see it.", 5.0)


def _counting(structure: Structure) -> Callable[[object], Costs]:
    """Work for a thread: the libraries that it needs take a while to import."""

    def count(ticket: object) -> Costs:
        del ticket
        from graphviz_nn.graph.cost import costs
        from graphviz_nn.plugin.manager import plugins

        return costs(structure, plugins().layer_types)

    return count
