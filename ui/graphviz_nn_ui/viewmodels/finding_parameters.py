"""The layers of a finding's step beside each other: whose parameters get a gradient, whose the optimizer changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.series import Followed, norms
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.views import Curve, Curves

MOST_LAYERS: Final = 24
"""Layers that are drawn: those at fault, and others up to that many."""

_BY_GRADIENT: Final = frozenset({"cut_off", "never_arrived", "zero_gradient"})
_BY_CHANGE: Final = frozenset({"not_in_optimizer", "never_changing", "frozen_between", "registered_nowhere"})
_FAR_APART: Final = 30
"""Ratio from which only the logarithms of numbers can be seen together."""


def parameter_of(node: Node, nodes: Sequence[Node]) -> Node | None:
    """Returns a node that is a parameter, or else the first parameter that it reads, if any."""
    if node.kind == "parameter":
        return node
    return next((nodes[each.node] for each in node.inputs if nodes[each.node].kind == "parameter"), None)


def by_layer(data: RunData, finding: Finding, check: Callable[[], object]) -> Curves | None:
    """Returns a bar for the parameters of each layer: the L2 norm of their gradient, or their change by the step over
    their own size.

    None for rules that are not about parameters which are left out, and where nothing was measured. A gradient that
    never arrived has no bar; parameters that the optimizer leaves alone change by 0. `check` is called now and then.
    """
    if finding.rule not in _BY_GRADIENT | _BY_CHANGE:
        return None
    layers = _layers(data, finding)
    tables = ("parameter_gradient",) if finding.rule in _BY_GRADIENT else ("update", "output")
    followed = [Followed(table, tuple((name, 0) for name in names)) for table in tables for names in layers.values()]
    found = norms(data, followed, range(finding.step, finding.step + 1), check).reshape(len(tables), -1)
    title, unit, hue, heights = "Gradient of each layer's parameters", "L2 norm", "backward", found[0]
    if finding.rule in _BY_CHANGE:
        title, unit, hue = "Change of each layer's parameters", "share of their size", "update"
        with np.errstate(divide="ignore", invalid="ignore"):
            heights = np.where(found[1] > 0, np.nan_to_num(found[0]) / found[1], np.nan)
    if len(heights) < 2 or not np.isfinite(heights).any():
        return None
    measured = heights[heights > 0]
    logarithmic = bool(len(measured) and measured.max() / measured.min() > _FAR_APART)
    return Curves(
        title, (Curve(unit, np.arange(len(layers), dtype=np.float64), heights, hue),), "layer", unit,
        ticks=tuple(layers), bars=True, logarithmic=logarithmic,
    )  # fmt: skip


def _layers(data: RunData, finding: Finding) -> dict[str, list[str]]:
    """Names of the parameters of each layer, in the order in which the step reads them. Where some of a layer's are at
    fault and others are not, each of these stands for itself."""
    nodes = data.structure(data.steps()[finding.step].structure).nodes
    named = finding.evidence.get("parameters")
    at_fault = set(named) if isinstance(named, list) else set()
    parameters = [node for node in nodes if node.kind == "parameter"]
    states: dict[str, set[bool]] = {}
    for node in parameters:
        states.setdefault(_layer(node), set()).add(node.name in at_fault)
    layers: dict[str, list[str]] = {}
    for node in parameters:
        alike = len(states[_layer(node)]) == 1
        layers.setdefault(_layer(node) if alike else node.name, []).append(node.name)
    first = sorted(layers, key=lambda layer: not at_fault.intersection(layers[layer]))[:MOST_LAYERS]
    return {layer: names for layer, names in layers.items() if layer in first}


def _layer(node: Node) -> str:
    return node.name.rpartition(".")[0] or node.name
