"""The pages of the inspector. Each is imported and made when it is first shown something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from graphviz_nn.model.steps import RunData
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session import NodeSelection, Selection
from graphviz_nn_ui.viewmodels.inspection import Inspection
from graphviz_nn_ui.workers.jobs import Jobs

if TYPE_CHECKING:
    from graphviz_nn_ui.panels.inspector.tensor_page import TensorPage

NUMBERS: Final = "Numbers"
FLOW: Final = "Flow"
PARAMETERS: Final = "Parameters"
TENSOR: Final = "Tensor"
DETAILS: Final = "Details"
SOURCE: Final = "Source"


class Page(Protocol):
    """What a page can do; it is a widget too."""

    def show_inspection(self, inspection: Inspection) -> None: ...


class LatePage(QWidget):
    """Stands for a page that nobody has looked at yet."""

    def __init__(self, make: Callable[[], Page]) -> None:
        super().__init__()
        self._make = make
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    @cached_property
    def page(self) -> Page:
        """The page itself, made now if it was not yet."""
        page = self._make()
        assert isinstance(page, QWidget)
        self._column.addWidget(page)
        page.show()  # now: a layout would do it in the next turn of the event loop
        return page

    def show_inspection(self, inspection: Inspection) -> None:
        self.page.show_inspection(inspection)


@dataclass(frozen=True, slots=True)
class PageMaker:
    """Makes the pages.

    Attributes:
        jobs: for what is slow. data: gives the open run. where: gives it with the position of its step.
        select: selects something. select_tensor: selects what a tensor belongs to. open_tensor: shows its numbers.
    """

    jobs: Jobs
    data: Callable[[], RunData | None]
    where: Callable[[], tuple[RunData, int] | None]
    select: Callable[[Selection], object]
    select_tensor: Callable[[TensorKey], object]
    open_tensor: Callable[[TensorKey], object]

    def pages(self) -> dict[str, LatePage]:
        """Returns the pages by title, in order."""
        makers: dict[str, Callable[[], Page]] = {
            NUMBERS: self._numbers,
            FLOW: self._flow,
            PARAMETERS: self._parameters,
            TENSOR: self._tensor,
            DETAILS: self._details,
            SOURCE: self._source,
        }
        return {title: LatePage(make) for title, make in makers.items()}

    def _numbers(self) -> Page:
        from graphviz_nn_ui.panels.inspector.numbers_page import NumbersPage

        return NumbersPage()

    def _flow(self) -> Page:
        from graphviz_nn_ui.panels.inspector.flow_page import FlowPage

        return FlowPage(self.select_tensor, self.open_tensor)

    def _parameters(self) -> Page:
        from graphviz_nn_ui.panels.inspector.parameters_page import ParametersPage

        return ParametersPage(lambda node: self.select(NodeSelection(node)))

    def _tensor(self) -> TensorPage:
        from graphviz_nn_ui.panels.inspector.tensor_page import TensorPage

        return TensorPage(self.jobs, self.where)

    def _details(self) -> Page:
        from graphviz_nn_ui.panels.inspector.details_page import DetailsPage

        return DetailsPage(self.select)

    def _source(self) -> Page:
        from graphviz_nn_ui.panels.inspector.source_page import SourcePage

        return SourcePage(self.jobs, self.data)
