"""Attributes, costs and the rest of what there is to say about what is selected."""

from __future__ import annotations

from collections.abc import Callable

from graphviz_nn.session import Selection
from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.widgets.section_list import SectionList


class DetailsPage(SectionList):
    """The sections of an inspection; a click on what stands for a node or module selects it."""

    def __init__(self, select: Callable[[Selection], object]) -> None:
        super().__init__("Attributes, costs and the rest", select)

    def show_inspection(self, inspection: Inspection) -> None:
        self.show_sections(inspection.sections)
