"""One number a node, and how the nodes of a module become one: what colours a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded, OptionError, did_you_mean
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.exporters import COLOR_BY
from graphviz_nn.model.stats import STATS, StatTable
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.structure import Structure

Numbers = npt.NDArray[np.float64]

_L2: Final = STATS.index("l2")
_ZEROS: Final = STATS.index("zeros")
_COUNTS: Final = [STATS.index(name) for name in ("nan", "posinf", "neginf")]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a colour means.

    Attributes:
        title: what a legend says.
        rule: how nodes combine. "rms": root of the mean square, which keeps norms comparable between a node and a
            module; "sum"; "mean": weighted by elements; "ratio": norm over all parameters read, over the norm of
            `weights`.
        logarithmic: colours follow the logarithm.
        colour_map: name in `theme.COLOUR_MAPS`.
        text: a number for people, with its unit.
    """

    title: str
    rule: str
    logarithmic: bool
    colour_map: str
    text: Callable[[float], str]


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Numbers of one step by node id; NaN where a node has none.

    `values` are by node, or by parameter node for the rule "ratio"; `weights` are what the rule "mean" or "ratio"
    divides by; `nonfinite` is true where the numbers leave out NaN or ±Inf elements.
    """

    quantity: Quantity
    values: Sequence[float]
    weights: Sequence[float]
    nonfinite: Sequence[bool]

    def number(self, nodes: Sequence[int], parameters: Sequence[int] = ()) -> float:
        """Returns the number of these nodes together, or NaN; for the rule "ratio", of the parameters they read."""
        rule = self.quantity.rule
        chosen = parameters if rule == "ratio" else nodes
        if len(chosen) == 1 and rule != "ratio":
            return self.values[chosen[0]]
        found = [i for i in chosen if not math.isnan(self.values[i])]
        if not found:
            return math.nan
        if rule == "sum":
            return math.fsum(self.values[i] for i in found)
        if rule == "rms":
            return math.hypot(*(self.values[i] for i in found)) / math.sqrt(len(found))
        if rule == "mean":
            total = math.fsum(self.weights[i] for i in found)
            return math.fsum(self.values[i] * self.weights[i] for i in found) / total if total else math.nan
        base = math.hypot(*(self.weights[i] for i in found))
        return math.hypot(*(self.values[i] for i in found)) / base if base else math.nan

    def alarms(self, nodes: Sequence[int]) -> bool:
        """Whether any of these nodes holds NaN or ±Inf."""
        return any(self.nonfinite[i] for i in nodes)


def overlay(data: RunData, position: int, color_by: str) -> Overlay | None:
    """Returns the numbers of the step at `position` of `data.steps()`, or None for "none".

    Raises:
        OptionError: `color_by` is not one of `COLOR_BY`.
        NotRecorded: the run does not hold these numbers; the message says how to record them.
    """
    if color_by not in COLOR_BY:
        raise OptionError(
            f"Unknown color_by {color_by!r}: choose one of {', '.join(COLOR_BY)}.{did_you_mean(color_by, COLOR_BY)}"
        )
    if color_by == "none":
        return None
    structure = data.structure(data.steps()[position].structure)
    return _READERS[color_by](data, position, structure)


def _activation(data: RunData, position: int, structure: Structure) -> Overlay:
    table = _output_table(data, position)
    return _of_outputs(structure, QUANTITIES["activation"], table[:, _L2], table)


def _zeros(data: RunData, position: int, structure: Structure) -> Overlay:
    table = _output_table(data, position)
    return _of_outputs(structure, QUANTITIES["zeros"], table[:, _ZEROS], table)


def _gradient(data: RunData, position: int, structure: Structure) -> Overlay:
    table = gradient_rows(data, position, structure)
    return _of_outputs(structure, QUANTITIES["gradient"], table[:, _L2], table)


def _nonfinite(data: RunData, position: int, structure: Structure) -> Overlay:
    counts = _output_table(data, position)[:, _COUNTS].sum(axis=1)
    if data.stats(position, "gradient") is not None:
        gradients = gradient_rows(data, position, structure, required=False)[:, _COUNTS].sum(axis=1)
        counts = np.where(np.isnan(gradients), counts, np.nan_to_num(counts) + gradients)
    numbers = _per_node(structure, counts, "sum")
    # Healthy nodes get no number, so that the few others stand out.
    return _overlay(QUANTITIES["nonfinite"], np.where(numbers > 0, numbers, np.nan), nonfinite=numbers > 0)


def _update(data: RunData, position: int, structure: Structure) -> Overlay:
    rows = data.stats(position, "update")
    events = data.events(position)
    changed = events[events["kind"] == EventKind.UPDATE]
    if rows is None or not len(rows):
        raise NotRecorded(
            "This step holds no parameter update: record with an optimizer and keep='stats' to colour by update."
        )
    before = np.nan_to_num(_output_table(data, position)[:, _L2].astype(np.float64))
    values, weights = np.full(len(structure.nodes), np.nan), np.zeros(len(structure.nodes))
    values[changed["node"]] = rows[:, _L2]
    offsets = np.asarray(structure.value_offsets)
    weights[changed["node"]] = before[offsets[changed["node"]]]
    return _overlay(QUANTITIES["update"], values, weights)


def _time(data: RunData, position: int, structure: Structure) -> Overlay:
    events = data.events(position)
    ends = events["time"].astype(np.float64)
    spent = np.diff(ends, prepend=0.0)
    calls = (events["kind"] == EventKind.CALL) & ~np.isnan(spent)
    if not calls.any():
        raise NotRecorded("This step holds no times: record again to colour by time.")
    values = np.full(len(structure.nodes), np.nan)
    values[events["node"][calls]] = np.maximum(spent[calls], 0.0)
    return _overlay(QUANTITIES["time"], values)


def _memory(data: RunData, position: int, structure: Structure) -> Overlay:
    sizes = np.array([output.bytes for node in structure.nodes for output in node.outputs], dtype=np.float64)
    return _overlay(QUANTITIES["memory"], _per_node(structure, sizes, "sum"))


_READERS: Final[dict[str, Callable[[RunData, int, Structure], Overlay]]] = {
    "gradient": _gradient,
    "activation": _activation,
    "zeros": _zeros,
    "nonfinite": _nonfinite,
    "update": _update,
    "time": _time,
    "memory": _memory,
}


def _output_table(data: RunData, position: int) -> StatTable:
    table = data.stats(position, "output")
    if table is None or not len(table) or np.isnan(table[:, _L2]).all():
        raise NotRecorded("This step holds no statistics of outputs: record with keep='stats' or keep='all'.")
    return table


def gradient_rows(data: RunData, position: int, structure: Structure, required: bool = True) -> StatTable:
    """Returns the statistics of the gradient of every value, by row of the output table; the last backward pass wins.

    Rows of values without any are NaN; where all are, that is a `NotRecorded` error, unless it need not be `required`.
    """
    rows = data.stats(position, "gradient")
    events = data.events(position)
    arrived = events[events["kind"] == EventKind.GRADIENT]
    found = np.full((structure.value_count, len(STATS)), np.nan, dtype=np.float32)
    if rows is not None and len(rows):
        offsets = np.asarray(structure.value_offsets)
        found[offsets[arrived["node"]] + arrived["index"]] = rows
    if required and np.isnan(found[:, _L2]).all():
        if len(arrived):
            raise NotRecorded("This step holds no statistics of gradients: record with keep='stats' or keep='all'.")
        raise NotRecorded(
            "This step holds no gradients: no backward pass was recorded. Give trace() a loss, or record a step that "
            "calls backward()."
        )
    return found


def _of_outputs(structure: Structure, quantity: Quantity, numbers: StatTable, table: StatTable) -> Overlay:
    """An overlay of one number a value; a node's number is that of its outputs together."""
    sizes = [math.prod(output.shape) for node in structure.nodes for output in node.outputs]
    weights = np.where(np.isnan(numbers), 0.0, np.array(sizes, dtype=np.float64))
    bad = _per_node(structure, np.nan_to_num(table[:, _COUNTS]).sum(axis=1), "sum") > 0
    values = _per_node(structure, numbers, quantity.rule, weights)
    return _overlay(quantity, values, _per_node(structure, weights, "sum"), bad)


def _per_node(
    structure: Structure, numbers: npt.NDArray[np.floating], rule: str, weights: Numbers | None = None
) -> Numbers:
    """Numbers of values, combined over the outputs of each node: norms as the norm of all outputs together."""
    owner = np.repeat(np.arange(len(structure.nodes)), np.diff(structure.value_offsets))
    known = ~np.isnan(numbers)
    owner, numbers = owner[known], numbers[known].astype(np.float64)
    size = len(structure.nodes)
    if rule == "rms":
        total = np.sqrt(np.bincount(owner, numbers**2, size))
    elif rule == "mean" and weights is not None:
        shares = weights[known]
        with np.errstate(invalid="ignore"):
            total = np.bincount(owner, numbers * shares, size) / np.bincount(owner, shares, size)
    else:
        total = np.bincount(owner, numbers, size)
    return np.where(np.bincount(owner, minlength=size) > 0, total, np.nan)


def _overlay(
    quantity: Quantity, values: Numbers, weights: Numbers | None = None, nonfinite: npt.NDArray[np.bool_] | None = None
) -> Overlay:
    size = len(values)
    return Overlay(
        quantity,
        values.tolist(),
        weights.tolist() if weights is not None else [1.0] * size,
        nonfinite.tolist() if nonfinite is not None else [False] * size,
    )


def scientific(value: float) -> str:
    """Returns two digits: "0", "12", "0.35", "1.2e-6"; "∞" for what no float can hold, "NaN" for what is none."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞"
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _scaled(value: float, step: float, units: Sequence[str]) -> str:
    index = 0
    while value >= step and index < len(units) - 1:
        value, index = value / step, index + 1
    return f"{value:.3g} {units[index]}"


def _seconds(value: float) -> str:
    return _scaled(value * 1e6, 1000.0, ("µs", "ms", "s"))


def _bytes(value: float) -> str:
    return _scaled(value, 1024.0, ("B", "KiB", "MiB", "GiB", "TiB"))


QUANTITIES: Final = {
    "gradient": Quantity("gradient, L2 norm", "rms", True, "viridis", scientific),
    "activation": Quantity("output, L2 norm", "rms", True, "viridis", scientific),
    "zeros": Quantity("share of zeros in the output", "mean", False, "cividis", "{:.0%}".format),
    "nonfinite": Quantity("NaN and ±Inf in output and gradient", "sum", True, "cividis", "{:.0f}".format),
    "update": Quantity("update ÷ parameter, L2 norms", "ratio", True, "viridis", scientific),
    "time": Quantity("time of the call", "sum", True, "cividis", _seconds),
    "memory": Quantity("memory of the output", "sum", True, "cividis", _bytes),
}
"""What each value of `COLOR_BY` but "none" means."""
