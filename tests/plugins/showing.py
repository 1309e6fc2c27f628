"""Views of a recorded run, asked for by name."""

from __future__ import annotations

from typing import Any

from graphviz_nn.export.views import applies, find_view, make
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ViewData, ViewOptions
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import Run


def show(run: Run, view: str, node: str, of: str = "value", **options: Any) -> ViewData:
    """Returns what the view shows of the node in the last step; the view must fit it."""
    subject = Subject(run.data, len(run.data.steps()) - 1, run.node(node).id, of=of)
    chosen = find_view(view, plugins().views)
    assert applies(chosen, subject)
    return make(chosen, subject, ViewOptions(**options))


def fits(run: Run, node: str, of: str = "value") -> set[str]:
    """Returns the names of the views that are offered for the node."""
    subject = Subject(run.data, 0, run.node(node).id, of=of)
    return {view.name for view in plugins().views if applies(view, subject)}
