"""What graphviz_nn should know of sine layers: how to draw them, when their weights are wrong, what to show of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from graphviz_nn.analysis.context import CheckContext
from graphviz_nn.model.findings import Check, Finding
from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, View, ViewOptions
from graphviz_nn.plugin import hookimpl


def label(of: LayerCall | Module) -> str | None:
    known = of.attributes
    return f"Sine {known['inputs']} → {known['outputs']}, ω {known['omega']:g}" if "omega" in known else None


def sine_init(context: CheckContext, thresholds: Mapping[str, float]) -> Iterator[Finding]:
    """The weights of a sine layer begin at another scale than SIREN's: U(±1/n) first, U(±√(6/n)/ω) later."""
    step = context.beginning
    for node in step.structure.nodes if step is not None else ():
        path, found, _ = (node.names[0] if node.names else "").rpartition("linear.weight")
        layer = step.structure.modules_by_path.get(path.removesuffix("."))
        if not found or layer is None or layer.type != "SineLayer":
            continue
        n, known = node.outputs[0].shape[1], layer.attributes
        bound = 1 / n if known["is_first"] else math.sqrt(6 / n) / known["omega"]
        ratio = float(step.size[step.lineage.row(node.id, 0)]) * math.sqrt(3) / bound  # U(±a) has deviation a/√3
        if not 1 / thresholds["factor"] <= ratio <= thresholds["factor"]:
            cause = f"The weights are {ratio:.2g} times those of SIREN's scheme, so sines fold up or stay linear."
            remedy = f"Draw them from the uniform distribution between ±{bound:.2g}."
            yield step.finding("sine_init", "warning", node, cause, remedy, ratio=ratio, bound=bound)


def shows_sines(subject: Subject) -> bool:
    return subject.node is not None and subject.node.op == "sin"


def distribution(subject: Subject, options: ViewOptions) -> Curves:
    counts, edges = np.histogram(subject.read(), 40, (-1, 1), density=True)
    x = (edges[1:] + edges[:-1]) / 2
    curves = Curve("seen", x, counts, "forward"), Curve("arcsine", x, 1 / (math.pi * np.sqrt(1 - x**2)), "update")
    return Curves("Distribution of the sines", curves, "value", "density", "SIREN keeps it arcsine at every depth.")


@hookimpl
def register_layer_types() -> list[LayerType]:
    return [LayerType("Sine", Category.ACTIVATION, ("siren_layers.SineLayer",), label=label, opened=False)]


@hookimpl
def register_checks() -> list[Check]:
    return [Check("sine_init", "parameters", sine_init, {"factor": 2.0})]


@hookimpl
def register_views() -> list[View]:
    return [View("sines", "Distribution of the sines", distribution, shows_sines)]
