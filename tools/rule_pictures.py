"""Pictures for the rules' pages: what was recorded of an example before and after its repair."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.export.figures import draw
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.views import Curve, Curves, HeatMap
from graphviz_nn.run import Run
from graphviz_nn.store.merge import MergedRun

DPI: Final = 60
Measure = Callable[[Run, int], dict[str, float]]
"""Takes a run and a step, returns what is drawn by name, in order."""

OF_FAMILY: Final = {"gradients": "gradient", "activations": "output", "parameters": "change", "training": "loss"}
"""What a family's pictures show; the graph where nothing is said."""

OF_RULE: Final = {
    "zero_gradient": "graph of gradients",
    "never_arrived": "graph of gradients",
    "cut_off": "graph of gradients",
    "missing_zero_grad": "accumulated",
    "clipped_away": "change",
    "nonfinite_forward": "nonfinite",
    "nonfinite_backward": "nonfinite gradient",
    "half_overflow": "nonfinite",
    "half_underflow": "gradient zeros",
    "near_edge": "gradient",
    "loss_scale": "change",
    "dead_units": "map",
    "saturated": "map",
    "collapsed": "map",
    "attention_collapsed": "attention map",
    "attention_uniform": "attention map",
    "passes_disagree": "passes",
    "recompute_differs": "recomputed",
    "ranks_disagree": "ranks",
    "dropout_too_high": "zeros",
    "symmetric_init": "weight map",
    "init_scale": "loss",
    "decaying_away": "weight",
    "mode_mistake": "zeros",
    "input_nonfinite": "nonfinite",
    "input_scale": "output",
    "constant_input": "map",
    "integer_images": "output",
    "targets_out_of_range": "loss",
    "uninformative_labels": "loss",
    "oscillating": "weight",
    "no_update": "weight",
}


def pictures(rule: str, family: str, before: Run, after: Run, finding: Finding, folder: Path) -> list[str]:
    """Writes the rule's pictures into the folder; returns their names: one of both runs, or one of each."""
    kind = OF_RULE.get(rule, OF_FAMILY.get(family, "graph"))
    runs = {"before": before, "after": after}
    if kind.startswith("graph"):
        colours = {"color_by": "gradient", "show_all": True} if kind == "graph of gradients" else {}
        for word, run in runs.items():
            run.export(folder / f"{rule}-{word}.svg", depth=9, **colours)
        return [f"{rule}-{word}.svg" for word in runs]
    if kind.endswith("map"):
        return [_write(folder, f"{rule}.png", _maps(kind, runs, before, finding))]
    return [_write(folder, f"{rule}.png", _curves(kind, runs, finding.step))]


def _write(folder: Path, name: str, shown: Curves | HeatMap) -> str:
    (folder / name).write_bytes(draw(shown, "png", dpi=DPI))
    return name


# Curves of both runs


def _curves(kind: str, runs: dict[str, Run], step: int) -> Curves:
    title, axis, label, logarithmic, measure = _QUANTITIES[kind]
    measured = {word: measure(run, step) for word, run in runs.items()}
    names = {word: tuple(one) for word, one in measured.items()}
    curves = tuple(
        Curve(word, np.arange(len(one), dtype=float), np.array(list(one.values())), hue)
        for (word, one), hue in zip(measured.items(), ("backward", "update"), strict=True)
    )
    same = names["before"] == names["after"] and len(names["before"]) <= 24
    return Curves(title, curves, axis, label, logarithmic=logarithmic, ticks=names["before"] if same else ())


def _calls(table: str, column: str, run: Run, step: int) -> dict[str, float]:
    """A statistic of each call of the forward phase; of norms the root mean square."""
    found = {}
    for node in run.structure(step).nodes:
        if node.phase == "forward" and node.kind in ("op", "composite", "custom") and node.outputs:
            found[node.name] = _statistic(run, node, table, column, step)
    return {name: value for name, value in found.items() if value is not None}


def _statistic(run: Run, node: Node, table: str, column: str, step: int) -> float | None:
    try:
        stats = run.stats(node, table, step=step)
    except NotRecorded:
        return None
    elements = max(math.prod(node.outputs[0].shape), 1)
    if column == "nonfinite":
        return (stats.nan + stats.posinf + stats.neginf) / elements
    return stats.l2 / math.sqrt(elements) if column == "l2" else float(getattr(stats, column))


def _passes(run: Run, step: int) -> dict[str, float]:
    """Norm of what each backward pass brought to all parameters."""
    names = {node.id for node in _parameters(run, step)}
    events = run.data.events(step)
    arrived = events[events["kind"] == EventKind.GRADIENT]
    table = run.data.stats(step, "gradient")
    assert table is not None
    found: dict[str, float] = {}
    for event, row in zip(arrived, table, strict=True):
        if int(event["node"]) in names:
            name = str(int(event["pass"]))
            found[name] = math.hypot(found.get(name, 0.0), float(row[STATS.index("l2")]))
    return found


def _recomputed(run: Run, step: int) -> dict[str, float]:
    """By how much the recomputed mean of each call is off, as a share of the result's size."""
    found = {}
    for node in run.structure(step).nodes:
        if node.phase == "recompute":
            one, other = (run.stats(each, step=step) for each in (node.attributes["recompute_of"], node))
            size = one.l2 / math.sqrt(math.prod(node.outputs[0].shape))
            found[node.name.removesuffix("_2")] = abs(one.mean - other.mean) / size
    return found


def _between_ranks(run: Run, step: int) -> float | None:
    """Root mean square over the parameters of how much their norms differ between ranks, as a share of the larger."""
    assert isinstance(run.data, MergedRun)
    table = run.data.by_rank(step, "output")
    if table is None:
        return None
    offsets = run.structure(step).value_offsets
    norms = table[:, [offsets[node.id] for node in _parameters(run, step)], STATS.index("l2")]
    return float(np.sqrt(np.mean((np.ptp(norms, axis=0) / norms.max(axis=0)) ** 2)))


def _parameters(run: Run, step: int) -> list[Node]:
    return [node for node in run.structure(step).nodes if node.kind == "parameter"]


def _change(run: Run, step: int) -> dict[str, float]:
    """Root mean square of each parameter's change over its own; where it did not change 1e-12, to be seen."""
    found = {}
    for node in _parameters(run, step):
        own = _statistic(run, node, "output", "l2", step) or math.nan
        found[node.name] = max((_statistic(run, node, "update", "l2", step) or 0.0) / own, 1e-12)
    return found


def _by_step(measure: Callable[[Run, int], float | None]) -> Measure:
    def measured(run: Run, step: int) -> dict[str, float]:
        del step
        found = {str(one.index): measure(run, one.position) for one in run.steps}
        return {index: math.nan if value is None else value for index, value in found.items()}

    return measured


def _of_first_weight(table: str) -> Callable[[Run, int], float | None]:
    return lambda run, step: _statistic(run, _parameters(run, step)[0], table, "l2", step)


_CALL: Final = "call, in order of execution"
_STEP: Final = "training step"
_QUANTITIES: Final[dict[str, tuple[str, str, str, bool, Measure]]] = {
    "gradient": ("Gradient of each call's result", _CALL, "RMS", True, lambda *at: _calls("gradient", "l2", *at)),
    "output": ("Result of each call", _CALL, "RMS", True, lambda *at: _calls("output", "l2", *at)),
    "zeros": ("Zeros in each call's result", _CALL, "share", False, lambda *at: _calls("output", "zeros", *at)),
    "gradient zeros": (
        "Zeros in the gradient of each call's result", _CALL, "share", False,
        lambda *at: _calls("gradient", "zeros", *at),
    ),
    "nonfinite": (
        "NaN and infinities in each call's result", _CALL, "share", False,
        lambda *at: _calls("output", "nonfinite", *at),
    ),
    "nonfinite gradient": (
        "NaN and infinities in the gradient of each call's result", _CALL, "share", False,
        lambda *at: _calls("gradient", "nonfinite", *at),
    ),
    "change": ("Change of each parameter by a step", "parameter", "RMS of change / RMS of weight", True, _change),
    "loss": ("Loss", _STEP, "loss", False, _by_step(lambda run, step: run.steps[step].loss)),
    "weight": ("First weight", _STEP, "RMS", False, _by_step(_of_first_weight("output"))),
    "passes": ("Gradient of all parameters", "backward pass", "L2 norm", False, _passes),
    "ranks": ("Parameters of the two ranks", _STEP, "difference of norms / norm", False, _by_step(_between_ranks)),
    "recomputed": (
        "Recomputed against forward", _CALL, "difference of means / RMS", False, _recomputed,
    ),
    "accumulated": (
        "Gradient that the optimizer gets, first weight", _STEP, "RMS", False,
        _by_step(_of_first_weight("parameter_gradient")),
    ),
}  # fmt: skip


# Numbers of one tensor

_AXES: Final = {"weight map": ("unit", "input"), "attention map": ("query", "key")}


def _maps(kind: str, runs: dict[str, Run], found_in: Run, finding: Finding) -> HeatMap:
    """The numbers of both runs side by side, so that a colour means the same in both."""
    parts = [_numbers(kind, run, found_in, finding) for run in runs.values()]
    between = np.full((len(parts[0]), max(1, parts[0].shape[1] // 12)), np.nan)
    values = np.hstack([parts[0], between, parts[1]])
    rows, columns = _AXES.get(kind, ("sample", "unit"))
    name = _same(found_in, found_in, finding).name
    labels = [*map(str, range(parts[0].shape[1])), *([""] * between.shape[1]), *map(str, range(parts[1].shape[1]))]
    signed = np.nanmin(values) < 0
    return HeatMap(
        f"{name}: before and after",
        values,
        tuple(map(str, range(len(values)))),
        tuple(labels),
        rows,
        columns,
        "weight" if kind == "weight map" else "value",
        colours="signed" if signed else "sequential",
    )


def _numbers(kind: str, run: Run, found_in: Run, finding: Finding) -> npt.NDArray[np.float64]:
    """What the finding's node made, or its weight: of more than two dimensions the first sample's."""
    node = _same(run, found_in, finding)
    if kind == "weight map":
        node = run.node(node.inputs[1].node, finding.step)
    numbers = run.value(node, step=finding.step).double().numpy()
    while numbers.ndim > 2:
        numbers = numbers[0]
    return numbers


def _same(run: Run, found_in: Run, finding: Finding) -> Node:
    """The node of the run that does what the finding's node did."""
    assert finding.node is not None
    at = found_in.node(finding.node, finding.step)
    of_kind = [node for node in run.structure(finding.step).nodes if (node.op, node.module) == (at.op, at.module)]
    return of_kind[0]
