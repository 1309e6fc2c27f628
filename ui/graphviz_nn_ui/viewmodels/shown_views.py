"""What the views of a selected node show: which fit, and what they make, or why they make nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from graphviz_nn.errors import GraphvizNNError
from graphviz_nn.export.views import applies, make
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, View, ViewData, ViewOptions, fits_anything
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Selection, Session, ValueSelection
from graphviz_nn_ui.viewmodels.gallery import Gallery
from graphviz_nn_ui.viewmodels.looked_at import last_of_module

PAGE: Final = 512
"""Images on one page."""

PICTURE_VIEW: Final = "input_image"
WHICH: Final = ("value", "gradient", "both")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose: the view by name ("" the first that fits), value, gradient or both, and how."""

    view: str = ""
    which: str = "both"
    options: ViewOptions = field(default_factory=lambda: ViewOptions(count=PAGE))


@dataclass(frozen=True, slots=True, eq=False)
class Pane:
    """One view of a value or a gradient: what it made (an image grid as a gallery, too), or why it made nothing."""

    which: str
    data: ViewData | None = None
    gallery: Gallery | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A view of a selection: a pane for the value, the gradient or each, and the image that the program read."""

    view: View
    panes: tuple[Pane, ...]
    picture: Gallery | None = None

    @property
    def grid(self) -> ImageGrid | None:
        """The first grid of images among the panes."""
        return next((pane.gallery.grid for pane in self.panes if pane.gallery is not None), None)


def selected_subject(session: Session) -> Subject | None:
    """Returns the value that is selected, or None where nothing is."""
    return subject_of(session, session.selection)


def subject_of(session: Session, selection: Selection | None) -> Subject | None:
    """Returns the value that a selection means: of a node its first output, of a module the last that its call made."""
    match selection:
        case NodeSelection(node):
            return Subject(session.data, session.position, node)
        case ValueSelection(node, index):
            return Subject(session.data, session.position, node, index)
        case EdgeSelection(source, index):
            return Subject(session.data, session.position, source, index)
        case ModuleSelection(path, call):
            for node in last_of_module(session.structure, path, call):
                return Subject(session.data, session.position, node)
    return None


def fitting(subject: Subject, views: Sequence[View]) -> list[View]:
    """Returns the views that can show the subject, those made for its kind of node first."""
    found = [view for view in views if applies(view, subject)]
    return sorted(found, key=lambda view: view.applies is fits_anything)


def show_view(view: View, subject: Subject, choice: Choice, views: Sequence[View]) -> Shown:
    """Makes the view. For a worker: it reads tensors, and never raises."""
    asked = ("value", "gradient") if choice.which == "both" else (choice.which,)
    panes = tuple(_pane(view, replace(subject, of=which), choice.options) for which in asked)
    images = any(pane.gallery is not None for pane in panes)
    return Shown(view, panes, _picture(subject, choice.options, views) if images else None)


def _pane(view: View, subject: Subject, options: ViewOptions) -> Pane:
    if not applies(view, subject):
        return Pane(subject.of, error=f"{view.title!r} does not show the {subject.of} of this node.")
    try:
        data = make(view, subject, options)
        return Pane(subject.of, data, Gallery.of(data) if isinstance(data, ImageGrid) else None)
    except GraphvizNNError as error:
        return Pane(subject.of, error=str(error))


def _picture(subject: Subject, options: ViewOptions, views: Sequence[View]) -> Gallery | None:
    """The image that the program read as the chosen sample, or None where it read none or did not keep it."""
    view = next((view for view in views if view.name == PICTURE_VIEW), None)
    if view is None:
        return None
    for node in subject.structure.nodes:
        read = Subject(subject.data, subject.position, node.id)
        if node.kind == "input" and applies(view, read):
            pane = _pane(view, read, ViewOptions(first=options.sample, count=1))
            if pane.gallery is not None and pane.gallery.count:
                return pane.gallery
    return None
