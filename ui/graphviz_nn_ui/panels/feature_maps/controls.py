"""What a person chooses about a view: which, of what, which sample, which page, which colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from graphviz_nn.model.views import ImageGrid, View, ViewOptions
from graphviz_nn_ui.viewmodels.shown_views import PAGE, WHICH, Choice
from graphviz_nn_ui.widgets.flow import Flow

_WHICH_WORDS: Final = {"value": "Value", "gradient": "Gradient", "both": "Both"}
_SCALES: Final = {"auto": "Auto scale", "each": "Own scales", "common": "One scale"}
_COLOURS: Final = {"auto": "Auto colours", "sequential": "Low to high", "signed": "Signed: − 0 +"}
_SCALE_TIP: Final = "Own: each image spans all colours. One: all images share a range. Auto: as the view has it"
_COLOUR_TIP: Final = "Low to high; signed: negative and positive around 0; auto: as the values are"


class Controls(Flow):
    """A row of choices. What makes no sense for what is shown is hidden.

    Signals:
        changed: () something else was chosen; see `choice`.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        self.view = _combo("View", {}, "Which view of the selected node")
        self.which = _combo(
            "Value or gradient",
            {name: _WHICH_WORDS[name] for name in WHICH},
            "Which side is shown: value, gradient, or both",
        )
        self.which.setCurrentIndex(WHICH.index("both"))
        self.scale = _combo("Scale of colours", _SCALES, _SCALE_TIP)
        self.colours = _combo("Colour map", _COLOURS, _COLOUR_TIP)
        self.sample = _Number("sample", "Which one of the batch")
        self.plane = _Number("slice", "Which slice of a volume")
        self.page = _Number("page", f"Which {PAGE} of the images")
        self._of_images = (self.scale, self.colours)
        super().__init__(self.view, self.which, self.sample, self.plane, self.scale, self.colours, self.page)
        for combo in (self.view, self.which, self.scale, self.colours):
            combo.currentIndexChanged.connect(self.changed)
        for number in (self.sample, self.plane, self.page):
            number.box.valueChanged.connect(self.changed)

    @property
    def choice(self) -> Choice:
        """What is chosen now."""
        options = ViewOptions(
            sample=self.sample.box.value(),
            plane=self.plane.box.value(),
            first=self.page.box.value() * PAGE,
            count=PAGE,
            scale=str(self.scale.currentData()),
            colours=str(self.colours.currentData()),
        )
        return Choice(str(self.view.currentData() or ""), str(self.which.currentData()), options)

    def offer(self, views: Sequence[View], wanted: str) -> None:
        """Lists views; the wanted one is chosen, or else the first. Tells nobody."""
        self.view.blockSignals(True)
        names = [view.name for view in views]
        if [self.view.itemData(place) for place in range(self.view.count())] != names:
            self.view.clear()
            for view in views:
                self.view.addItem(view.title, view.name)
        self.view.setCurrentIndex(names.index(wanted) if wanted in names else 0)
        self.view.blockSignals(False)

    def start_over(self) -> None:
        """Goes back to the first sample, slice and page, for another node. Tells nobody."""
        for number in (self.sample, self.plane, self.page):
            number.set_silently(0)

    def fit(self, grid: ImageGrid | None) -> None:
        """Shows what can be chosen about these images. Tells nobody."""
        for combo in self._of_images:
            combo.setVisible(grid is not None and not grid.in_colour)
        self.sample.offer(1 if grid is None else grid.samples, "sample" if grid is None else grid.sample_word)
        self.plane.offer(1 if grid is None else grid.planes, "slice")
        self.page.offer(1 if grid is None else -(-grid.total // PAGE), "page")


class _Number(QWidget):
    """A number from 0 with its name and how many there are; hidden where there is only one."""

    def __init__(self, word: str, tip: str) -> None:
        super().__init__()
        self.box = QSpinBox()
        self.box.setToolTip(tip)
        self.box.setKeyboardTracking(False)
        self._label = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)
        layout.addWidget(self.box)
        self.offer(1, word)

    def offer(self, count: int, word: str) -> None:
        self.box.blockSignals(True)
        self.box.setRange(0, max(count - 1, 0))
        self.box.setSuffix(f" / {count - 1}")
        self.box.blockSignals(False)
        self._label.setText(word)
        self.box.setAccessibleName(word.capitalize())
        self.setVisible(count > 1)

    def set_silently(self, value: int) -> None:
        self.box.blockSignals(True)
        self.box.setMaximum(max(self.box.maximum(), value))
        self.box.setValue(value)
        self.box.blockSignals(False)


def _combo(name: str, items: dict[str, str], tip: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    for data, text in items.items():
        combo.addItem(text, data)
    return combo
