"""The panel of views: it follows the selection and the step, and shows value and gradient side by side."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QMargins, Qt
from PyQt6.QtWidgets import QSizePolicy, QSplitter, QVBoxLayout, QWidget

from graphviz_nn.model.views import Curves, ImageGrid, ViewData
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.session.state import NEVER
from graphviz_nn_ui.panels.feature_maps.controls import Controls
from graphviz_nn_ui.panels.feature_maps.enlarged import Enlarged
from graphviz_nn_ui.panels.feature_maps.meanings import show_range
from graphviz_nn_ui.viewmodels.document import Document
from graphviz_nn_ui.viewmodels.looked_at import looked_at
from graphviz_nn_ui.viewmodels.shown_views import Pane, Shown, fitting, show_view, subject_of
from graphviz_nn_ui.widgets.colour_images import ColourBar
from graphviz_nn_ui.widgets.elided import ElidedLabel, wrapped
from graphviz_nn_ui.widgets.empty import Emptiable
from graphviz_nn_ui.widgets.flow import Flow
from graphviz_nn_ui.widgets.following import Following
from graphviz_nn_ui.widgets.save_figure import SaveFigureButton
from graphviz_nn_ui.widgets.scrolled import Scrolled
from graphviz_nn_ui.widgets.view_pane import ViewPane
from graphviz_nn_ui.workspace import Workspace

JOB: Final = "views"
LEAST_MAPS: Final = 110
"""Height below which maps do not shrink: the panel scrolls."""

_NO_RUN: Final = "Open a run to see feature maps, filters and attention weights."
_NO_STEP: Final = "The run has no recorded step yet."
_NO_SELECTION: Final = "Select a node in the graph or in a list to see its feature maps, filters or attention weights."
_NO_VIEW: Final = "No view fits this node: it has no output to show."


class FeatureMapsPanel(QWidget):
    """Shows what a view makes of the selected node in the open step."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._document: Document | None = None
        self._node: int | None = None
        self._wanted = ""
        self._shown: Shown | None = None
        self.controls = Controls()
        self.panes = {which: ViewPane(which) for which in ("value", "gradient")}
        self.enlarged = Enlarged()
        self.colours, self.other_colours = ColourBar(), ColourBar()
        self.save = SaveFigureButton(workspace, "view", self._figure, self._other_figures)
        self.title = wrapped("Title")
        self.status = ElidedLabel()
        self._emptiable = Emptiable(Scrolled(self._content()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._emptiable)
        self._connect()
        self._following = Following(
            workspace,
            self,
            document=self._show_document,
            step=self._refresh,
            cursor=self._move,
            selection=self._refresh,
        )

    @property
    def sentence(self) -> str:
        """Why nothing is shown, or "" where something is."""
        return self._emptiable.sentence

    @property
    def shown(self) -> Shown | None:
        """What is shown."""
        return self._shown

    # Making

    def _content(self) -> QWidget:
        self._side_by_side = QSplitter(Qt.Orientation.Horizontal)
        for pane in self.panes.values():
            self._side_by_side.addWidget(pane)
        self._above_below = QSplitter(Qt.Orientation.Vertical)
        self._above_below.addWidget(self._side_by_side)
        self._above_below.addWidget(self.enlarged)
        self._above_below.setStretchFactor(0, 3)
        self._above_below.setStretchFactor(1, 2)
        self._above_below.setMinimumHeight(LEAST_MAPS)
        self.enlarged.hide()
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(2)
        layout.addWidget(self.controls)
        layout.addWidget(self.title)
        layout.addWidget(self._above_below, 1)
        self.status.setObjectName("muted")
        self.status.setAccessibleName("Under the pointer")
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.status.setContentsMargins(8, 0, 8, 0)
        layout.addWidget(self.status)
        between = QWidget()
        between.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout.addWidget(Flow(self.colours, self.other_colours, between, self.save, margins=QMargins(8, 0, 8, 0)))
        return content

    def _connect(self) -> None:
        self.controls.changed.connect(self._choose)
        self.enlarged.pointed.connect(self._point)
        self.enlarged.closed.connect(self._close_enlarged)
        for pane in self.panes.values():
            pane.pointed.connect(self._point)
            pane.images.current_changed.connect(self._enlarge)

    def _figure(self) -> ViewData | None:
        """What the first pane that has something shows."""
        return next((pane.data for pane in self._shown.panes if pane.data is not None), None) if self._shown else None

    def _other_figures(self) -> dict[str, ViewData]:
        """What the other panes show of it, by what that is; a view that stands once has it all."""
        if self._shown is None:
            return {}
        shown = [(pane.which, pane.data) for pane in self._shown.panes if pane.data is not None]
        return {which: data for which, data in shown[1:] if isinstance(data, ImageGrid)}

    # Following

    def _show_document(self, document: Document | None) -> None:
        self._document = document
        self._node = None
        self._refresh()

    def _choose(self) -> None:
        self._wanted = self.controls.choice.view
        self._refresh()

    def _refresh(self, *_: object) -> None:
        """Asks for what is to be shown now. What was shown stays until it is there."""
        self._workspace.jobs.forget(JOB)
        document = self._document
        if document is None or not document.session.has_step:
            self._say(_NO_RUN if document is None else _NO_STEP)
            return
        subject = subject_of(document.session, looked_at(document.session))
        if subject is None or subject.node is None:
            self._say(_NO_SELECTION)
            return
        views = plugins().views
        offered = fitting(subject, views) if subject.output is not None else []
        if not offered:
            self._say(_NO_VIEW)
            return
        if subject.node_id != self._node:
            self._node = subject.node_id
            self.controls.start_over()
            self._set_current(-1)
        self.controls.offer(offered, self._wanted)
        choice = self.controls.choice
        view = next(view for view in offered if view.name == choice.view)
        self._workspace.jobs.submit(JOB, lambda ticket: show_view(view, subject, choice, views), self._show)

    def _say(self, sentence: str) -> None:
        self._shown = None
        self._node = None
        self._emptiable.say(sentence)

    def _show(self, shown: Shown) -> None:
        """Shows what a worker has made."""
        self._shown = shown
        self._emptiable.say("")
        self.controls.fit(shown.grid)
        by_which = {pane.which: pane for pane in shown.panes}
        alone = next((pane for pane in shown.panes if not pane.error), shown.panes[0])
        several = sum(not pane.error for pane in shown.panes) > 1
        for which, widget in self.panes.items():
            pane = by_which.get(which)
            # A plot of both stands once; so does the only pane that has something.
            widget.setVisible(pane is not None and (pane is alone or (several and pane.gallery is not None)))
            if pane is not None:
                widget.show_pane(pane)
        self._describe(alone, by_which)
        self._show_colours(alone, [pane for which, pane in by_which.items() if not self.panes[which].isHidden()])
        self._show_cursor()
        self._enlarge(self.panes[alone.which].images.current)

    def _describe(self, alone: Pane, panes: dict[str, Pane]) -> None:
        """Title, note, colours, and why the other pane is empty."""
        title = (
            alone.data.title if alone.data is not None and not isinstance(alone.data, Curves) else ""
        )  # plots say it
        parts = [title, alone.data.note if alone.data is not None and alone.data.note else ""]
        parts += [pane.error for pane in panes.values() if pane is not alone and pane.error and not alone.error]
        text = " — ".join(part for part in parts if part)
        self.title.setText(text)
        self.title.setVisible(bool(text))

    def _show_colours(self, alone: Pane, visible: list[Pane]) -> None:
        """What the colours of each side mean; said once where they mean the same."""
        other = next((pane for pane in visible if pane is not alone), None)
        said = [show_range(self.colours, alone)]
        if other is None or show_range(self.other_colours, other) in said:
            self.other_colours.hide()

    def _move(self, *_: object) -> None:
        """What the cursor stands on is shown while nothing is selected."""
        if self._document is not None and self._document.session.selection is None:
            self._refresh()
        else:
            self._show_cursor()

    def _show_cursor(self) -> None:
        """Says of a side that is not there yet at the cursor when it comes: what is shown is that of the whole step."""
        document = self._document
        if document is None or self._node is None:
            return
        states, cursor = document.session.step.states, document.session.cursor
        for which, made_at in (("value", states.value_at), ("gradient", states.tensor_at)):
            seq = int(made_at[self._node])
            self.panes[which].set_note(f"comes at #{seq}" if cursor < seq < NEVER else "")

    # One map

    def _enlarge(self, place: int) -> None:
        """Shows the map at a place large, value and gradient, beside the input image."""
        self._set_current(place)
        if self._shown is None or place < 0:
            return
        images = {pane.which: pane.gallery for pane in self._shown.panes}
        chosen = {
            which: gallery.one(place)
            for which, gallery in images.items()
            if gallery is not None and gallery.count > 1 and place < gallery.count
        }
        self.enlarged.setVisible(bool(chosen))
        self.enlarged.show_images({"input": self._shown.picture, **chosen})

    def _close_enlarged(self) -> None:
        self._set_current(-1)

    def _set_current(self, place: int) -> None:
        for pane in self.panes.values():
            pane.images.set_current(place)
        if place < 0:
            self.enlarged.hide()

    def _point(self, text: str) -> None:
        self.status.setText(text)
