"""The numbers of a tensor around the selection, chosen from a list."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QComboBox, QSizePolicy, QVBoxLayout, QWidget

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn_ui.viewmodels.inspection import Inspection, TensorChoice
from graphviz_nn_ui.widgets.tensor_table import TensorTable, not_kept_text
from graphviz_nn_ui.workers.jobs import Jobs


class TensorPage(QWidget):
    """Stays with what was chosen ("gradient") while the selection or the step changes."""

    def __init__(self, jobs: Jobs, where: Callable[[], tuple[RunData, int] | None]) -> None:
        """`where` gives the open run and the position of its step."""
        super().__init__()
        self._where = where
        self._offered: tuple[TensorChoice, ...] = ()
        self._choice = QComboBox()
        self._choice.setAccessibleName("Which tensor")
        self._choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._choice.currentIndexChanged.connect(self._show)
        self.table = TensorTable(jobs)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 0)
        column.addWidget(self._choice)
        column.addWidget(self.table, 1)

    def show_inspection(self, inspection: Inspection) -> None:
        """Offers the tensors that the run kept."""
        wanted = self._choice.currentText()
        self._offered = inspection.tensors
        self._choice.blockSignals(True)
        self._choice.clear()
        self._choice.addItems([choice.title for choice in self._offered])
        self._choice.setCurrentIndex(max(self._choice.findText(wanted), 0) if self._offered else -1)
        self._choice.blockSignals(False)
        self._choice.setVisible(bool(self._offered))
        self._show()

    def choose(self, key: TensorKey) -> bool:
        """Shows one of the tensors on offer; returns whether it is."""
        place = next((place for place, choice in enumerate(self._offered) if choice.key == key), -1)
        if place >= 0:
            self._choice.setCurrentIndex(place)
        return place >= 0

    def _show(self) -> None:
        where, place = self._where(), self._choice.currentIndex()
        if where is None:
            return
        data, position = where
        if not 0 <= place < len(self._offered):
            self.table.say(not_kept_text(data))
            return
        try:
            self.table.show_tensor(data, position, self._offered[place].key)
        except GraphvizNNError as error:
            self.table.say(str(error))
