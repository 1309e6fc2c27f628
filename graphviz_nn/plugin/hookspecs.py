"""Every hook that the host calls.

A plugin implements the hooks that it needs and no others. Each is called once, without arguments, when plugins are
first asked for; it returns a list. What a later plugin registers takes the place of what an earlier one registered for
the same thing, and the built-in plugins come first, so that third parties win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    import click

    from graphviz_nn.model.exporters import Exporter
    from graphviz_nn.model.findings import Check
    from graphviz_nn.model.layer_types import LayerType
    from graphviz_nn.model.metrics import Metric
    from graphviz_nn.model.panels import Panel
    from graphviz_nn.model.views import View

PROJECT: Final = "graphviz_nn"
"""Name of the entry-point group, and of the project in pluggy's terms."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_layer_types() -> list[LayerType]:  # type: ignore[empty-body]
    """Returns kinds of layer: which module classes and operators they cover, their category, label and FLOPs.

    Where two plugins cover the same class or operator, the later one wins for it. Their names must differ within
    one plugin.

    A label must depend on nothing but the class, operator, attributes, shapes and dtypes that `LayerType` lists: a
    picture asks for it once for all calls, and once for all modules, that are alike in these.
    """


@hookspec
def register_exporters() -> list[Exporter]:  # type: ignore[empty-body]
    """Returns file formats that a run can be exported to.

    An exporter takes the place of an earlier one with the same name, and serves a suffix before earlier ones do.
    """


@hookspec
def register_checks() -> list[Check]:  # type: ignore[empty-body]
    """Returns rules that look for something wrong in a run.

    A rule takes the place of an earlier one with the same name. Its function's docstring is its documentation.
    """


@hookspec
def register_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Returns numbers of tensors that rules read beyond the statistics of every tensor.

    A metric takes the place of an earlier one with the same name. It costs nothing until a rule names it in
    `Check.metrics`, or `record(metrics=…)` does.
    """


@hookspec
def register_views() -> list[View]:  # type: ignore[empty-body]
    """Returns ways to look at a node or at a step: image grids, heat maps, tables, curves, as plain data.

    A view takes the place of an earlier one with the same name. Where several fit a node, the app offers them in order
    of registration.
    """


@hookspec
def register_panels() -> list[Panel]:  # type: ignore[empty-body]
    """Returns docks of the desktop app.

    A panel takes the place of an earlier one with the same name. Import Qt inside `Panel.create` alone: the hook is
    called on machines without it too.
    """


@hookspec
def add_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Returns commands of `graphviz-nn`. One takes the place of an earlier one with the same name.

    Keep the module that holds them light: it is imported whenever any command runs.
    """
