"""The value beside its gradient: statistics, histograms, and whether each is there."""

from __future__ import annotations

from math import prod

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.viewmodels.magnitudes import Magnitudes, magnitudes
from graphviz_nn_ui.viewmodels.tensor_cards import TensorCard
from graphviz_nn_ui.widgets.histogram import HistogramView
from graphviz_nn_ui.widgets.stat_table import StatTable


class NumbersPage(QScrollArea):
    """One column a card of the inspection, and one histogram each."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Numbers of value and gradient")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table = StatTable()
        self._states = QLabel()
        self._states.setWordWrap(True)
        self._states.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._states.setAccessibleName("Whether value and gradient are there")
        self._logarithmic = QCheckBox("log")
        self._logarithmic.setToolTip("Let the histograms' bars follow the logarithm of the count")
        self._logarithmic.setAccessibleName("Logarithmic counts")
        self._logarithmic.toggled.connect(self._set_logarithmic)
        self._histograms: list[HistogramView] = []
        self._inside = QVBoxLayout()
        content = QWidget()
        self._inside.setContentsMargins(8, 8, 8, 8)
        self._inside.setSpacing(8)
        said = QHBoxLayout()
        said.addWidget(self._states, 1)
        said.addWidget(self._logarithmic, 0, Qt.AlignmentFlag.AlignBottom)
        self._inside.addWidget(self._table)
        self._inside.addLayout(said)
        self._inside.addStretch(1)
        content.setLayout(self._inside)
        self.setWidget(content)

    def show_inspection(self, inspection: Inspection) -> None:
        """Shows the cards; the sentences of those that never came stand below the numbers."""
        cards = inspection.cards
        self._table.show_cards(cards)
        self._states.setText("\n".join(f"{card.title}: {card.state}" for card in cards))
        drawn = [card for card in cards if card.histogram is not None]
        while len(self._histograms) < len(drawn):
            view = HistogramView("")
            view.set_logarithmic(self._logarithmic.isChecked())
            self._histograms.append(view)
            self._inside.insertWidget(self._inside.count() - 1, view)
        for view, card in zip(self._histograms, drawn, strict=False):
            view.show_bars(f"{card.title}, share of elements by magnitude", card.phase, _bars(card, inspection))
        for place, view in enumerate(self._histograms):
            view.setVisible(place < len(drawn))
        self._logarithmic.setVisible(bool(drawn))

    def _set_logarithmic(self, logarithmic: bool) -> None:
        for view in self._histograms:
            view.set_logarithmic(logarithmic)


def _bars(card: TensorCard, inspection: Inspection) -> Magnitudes | None:
    return magnitudes(card.histogram, card.stats, prod(inspection.shape))
