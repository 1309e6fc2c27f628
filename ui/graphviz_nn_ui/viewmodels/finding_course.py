"""What else shows a finding: the loss and the learning rate over the steps, the units of a layer, the range of a
function. Slow where it reads many steps: leave it to a worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import RunFileError
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.series import Followed, norms
from graphviz_nn.model.steps import RunData, StepInfo
from graphviz_nn.model.views import Curve, Curves
from graphviz_nn.plugin.manager import plugins
from graphviz_nn_ui.viewmodels.finding_curves import check_of
from graphviz_nn_ui.viewmodels.finding_parameters import by_layer, parameter_of
from graphviz_nn_ui.viewmodels.norms_over_steps import MOST_STEPS, norms_over_steps

MOST_LOSSES: Final = 400
"""Steps whose loss is drawn, evenly spaced."""

MOST_UNITS: Final = 64

_OF_LOSS: Final = frozenset({"init_scale", "uninformative_labels", "targets_out_of_range", "softmax_before_loss"})
"""Rules beside those about training whose trouble the loss shows."""

_LEVELS: Final = {"guessing": "guessing", "least_loss": "least it can be"}
"""What the loss is compared with, by the name of the number that proves it."""

_OF_RATE: Final = frozenset({"schedule", "learning_rate"})
_OF_UPDATES: Final = frozenset(
    {"update_ratio", "learning_rate", "never_changing", "decaying_away", "oscillating", "symmetric_init"}
)
_OF_ACCUMULATION: Final = frozenset({"missing_zero_grad"})
_OF_CLIPPING: Final = frozenset({"clipped_away"})
_OF_WEIGHT: Final = frozenset({"decaying_away"})
"""Rules about how the size of a layer's weight moves, and not that of its results."""


class Course(NamedTuple):
    """What the run shows of a finding: what was drawn for its rule, the most telling first, and its node's norms."""

    telling: list[Curves]
    norms: list[Curves]


def course(data: RunData, finding: Finding, check: Callable[[], object]) -> Course:
    """Returns what is drawn of the run for a finding; `check` is called now and then."""
    rule = check_of(finding.rule)
    family = "" if rule is None else rule.family
    node = _node(data, finding)
    found: list[Curves | None] = [by_layer(data, finding, check)]
    size: Curves | None = None
    if finding.rule in _OF_RATE:
        found.append(_rates(data, finding))
    alone = node is not None and _is_number(node)
    if family == "training" or finding.rule in _OF_LOSS or alone:
        found.append(_losses(data, finding))
    if finding.rule in _OF_ACCUMULATION:
        found.append(_accumulated(data, finding, check))
    if finding.rule in _OF_CLIPPING and node is not None:
        found.append(_clipped(data, finding, node, check))
    if node is not None:
        found.append(_metric(data, finding, node))
        if finding.rule in _OF_UPDATES:
            found.append(_updates(data, finding, node, check))
        if family != "training" and not alone:
            size = norms_over_steps(data, finding.step, _measured(data, finding, node).id, check)
    return Course([each for each in found if each is not None], [] if size is None else [size])


def _node(data: RunData, finding: Finding) -> Node | None:
    nodes = data.structure(data.steps()[finding.step].structure).nodes
    return nodes[finding.node] if finding.node is not None and 0 <= finding.node < len(nodes) else None


def _is_number(node: Node) -> bool:
    """Whether a node gives one number, as a loss does: its norm says less than the loss, its gradient is mostly 1."""
    return bool(node.outputs) and prod(node.outputs[0].shape) == 1


def _measured(data: RunData, finding: Finding, node: Node) -> Node:
    """The node whose size is followed: the one at fault, or the weight that it reads where the rule is about that."""
    if finding.rule not in _OF_WEIGHT:
        return node
    return parameter_of(node, data.structure(data.steps()[finding.step].structure).nodes) or node


# Over the steps


def _losses(data: RunData, finding: Finding) -> Curves | None:
    drawn = _over_steps(data, finding, "Loss", "loss", lambda info: info.loss)
    levels = ((label, finding.evidence.get(name)) for name, label in _LEVELS.items())
    known = next(((label, level) for label, level in levels if isinstance(level, (int, float))), None)
    if drawn is None or known is None:
        return drawn
    (loss,), (label, level) = drawn.curves, known
    compared = Curve(label, loss.x[[0, -1]], np.full(2, float(level)), "update")
    return replace(drawn, curves=(replace(loss, hue="forward"), compared), logarithmic=False)


def _rates(data: RunData, finding: Finding) -> Curves | None:
    def largest(info: StepInfo) -> float | None:
        groups = [group for optimizer in info.optimizers for group in optimizer.groups]
        rates = [float(group["lr"]) for group in groups if isinstance(group.get("lr"), (int, float))]
        return max(rates, default=None)

    return _over_steps(data, finding, "Learning rate", "learning rate", largest)


def _over_steps(
    data: RunData, finding: Finding, title: str, label: str, measure: Callable[[StepInfo], float | None]
) -> Curves | None:
    infos = data.steps()
    kept = infos[::-1][:: -(-len(infos) // MOST_LOSSES) or 1][::-1]
    measured = [(info.index, number) for info in kept if (number := measure(info)) is not None]
    if len(measured) < 2:
        return None
    steps, numbers = np.array(measured, np.float64).T
    return Curves(
        title, (Curve(label, steps, numbers),), "training step", label,
        logarithmic=_spans(numbers), cursor=float(infos[finding.step].index),
    )  # fmt: skip


def _accumulated(data: RunData, finding: Finding, check: Callable[[], object]) -> Curves | None:
    """What a backward pass brings to the first parameter, and what the optimizer then gets."""
    nodes = data.structure(data.steps()[finding.step].structure).nodes
    named = finding.evidence.get("parameters")
    wanted = named[0] if isinstance(named, list) and named else ""
    parameter = next((node for node in nodes if node.kind == "parameter" and wanted in (node.name, *node.names)), None)
    if parameter is None:
        return None
    value, positions = ((parameter.name, 0),), _last_steps(finding)
    found = norms(data, (Followed("gradient", value), Followed("parameter_gradient", value)), positions, check)
    if np.isfinite(found).sum(1).min() < 2:
        return None
    steps = np.array([data.steps()[position].index for position in positions], np.float64)
    brought, kept = Curve("of the pass", steps, found[0], "backward"), Curve("in .grad", steps, found[1], "update")
    return Curves(
        f"Gradient of {parameter.name}", (brought, kept), "training step", "L2 norm",
        logarithmic=_spans(found[np.isfinite(found)]),
    )  # fmt: skip


def _clipped(data: RunData, finding: Finding, node: Node, check: Callable[[], object]) -> Curves | None:
    """The gradient of all parameters together, and what the call that clips it leaves."""
    nodes = data.structure(data.steps()[finding.step].structure).nodes
    parameters = tuple((each.name, 0) for each in nodes if each.kind == "parameter")
    left, positions = tuple((node.name, index) for index in range(len(node.outputs))), _last_steps(finding)
    found = norms(data, (Followed("parameter_gradient", parameters), Followed("output", left)), positions, check)
    if np.isfinite(found).sum(1).min() < 2:
        return None
    steps = np.array([data.steps()[position].index for position in positions], np.float64)
    before, after = Curve("before", steps, found[0], "backward"), Curve("after", steps, found[1], "update")
    return Curves(
        "Gradient, before and after clipping", (before, after), "training step", "L2 norm",
        logarithmic=_spans(found[np.isfinite(found)]),
    )  # fmt: skip


def _updates(data: RunData, finding: Finding, node: Node, check: Callable[[], object]) -> Curves | None:
    """Change of a parameter by each step, over its own size."""
    parameter = parameter_of(node, data.structure(data.steps()[finding.step].structure).nodes)
    if parameter is None:
        return None
    value = ((parameter.name, 0),)
    positions = _last_steps(finding)
    found = norms(data, (Followed("update", value), Followed("output", value)), positions, check)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found[1] > 0, found[0] / found[1], np.nan)
    if np.isfinite(ratio).sum() < 2:
        return None
    steps = np.array([data.steps()[position].index for position in positions], np.float64)
    curve = Curve("update / weight", steps, ratio, "update")
    positive = ratio[np.isfinite(ratio) & (ratio > 0)]
    return Curves(
        f"Change of {parameter.name} by a step", (curve,), "training step", "share of its size",
        logarithmic=len(positive) == np.isfinite(ratio).sum() and _spans(positive),
    )  # fmt: skip


def _last_steps(finding: Finding) -> range:
    """Positions of the steps up to the finding's that are read."""
    return range(max(finding.step - MOST_STEPS + 1, 0), finding.step + 1)


# In the step


def _metric(data: RunData, finding: Finding, node: Node) -> Curves | None:
    """What the rule's own metric found at the node."""
    if finding.rule == "dead_units":
        return _units(_row(data, finding, node, "unit_maxima"), node)
    if finding.rule == "saturated":
        return _range(_row(data, finding, node, "quantiles"), node)
    return None


def _row(data: RunData, finding: Finding, node: Node, name: str) -> npt.NDArray[np.float64] | None:
    try:
        table = data.metric(finding.step, name)
    except RunFileError:
        return None  # what is damaged is said where the step is opened
    row = None if table is None else table.row(node.id)
    return None if row is None else row.astype(np.float64)


def _units(maxima: npt.NDArray[np.float64] | None, node: Node) -> Curves | None:
    if maxima is None or not len(maxima):
        return None
    shown = maxima[:MOST_UNITS]
    more = "" if len(shown) == len(maxima) else f", the first {len(shown)} of {len(maxima)}"
    curve = Curve("largest output", np.arange(len(shown), dtype=np.float64), shown, "forward")
    return Curves(
        f"Largest output by unit (0: dead){more}", (curve,), "unit", "largest output",
        ticks=tuple(map(str, range(len(shown)))), bars=True,
    )  # fmt: skip


def _range(quantiles: npt.NDArray[np.float64] | None, node: Node) -> Curves | None:
    """The results in order, with the part of the function's range in which it is not flat."""
    kind: Any = plugins().layer_types.for_op(node.op)
    ends = None if kind is None else kind.healthy.flat
    if quantiles is None or len(quantiles) < 2:
        return None
    shares = np.linspace(0, 100, len(quantiles))
    curves = [Curve("result", shares, quantiles, "forward")]
    if ends is not None and np.isfinite(ends).all():
        across = np.array([0.0, 100.0, 100.0, 0.0, 100.0])
        curves.append(Curve("flat beyond", across, np.array([ends[0], ends[0], np.nan, ends[1], ends[1]]), "update"))
    return Curves(f"Results of {node.op}", tuple(curves), "% of the results, in order", "result", band=ends)


def _spans(numbers: npt.NDArray[np.float64]) -> bool:
    """Whether numbers lie so far apart that only their logarithms can be seen together."""
    finite = numbers[np.isfinite(numbers)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > 30)
