"""The numbers that prove a finding, as curves and bars: what each list is, its axes, and where it is healthy."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.findings import Check, Evidence, Finding
from graphviz_nn.model.views import Curve, Curves
from graphviz_nn.plugin.manager import plugins

_BACKWARD: Final = ("gradient", "backward", "vanishing", "exploding", "underflow", "cut_off", "passes")
"""Parts of the names of rules whose trouble begins where a gradient arrives."""


class _Drawing(NamedTuple):
    """How a list is drawn: its title, its axes, and what the places on the x axis are called where names are known."""

    title: str
    x_axis: str
    y_axis: str
    bars: bool = False


_OF_RULE: Final = {
    ("activation_scale", "by_layer"): _Drawing("Activations, layer by layer", "layer", "RMS"),
}
_DRAWINGS: Final = {
    "by_layer": _Drawing("Gradient over that at the output", "layer, from the output back", "ratio"),
    "by_call": _Drawing("Gradient within each call", "call, in order", "L2 norm"),
    "gradient_by_pass": _Drawing("Gradient of each backward pass", "root of the pass", "L2 norm", bars=True),
    "weight_by_pass": _Drawing("Factor of each loss", "root of the pass", "factor", bars=True),
    "norm_by_rank": _Drawing("Parameter on each rank", "rank", "L2 norm", bars=True),
    "entropy_by_step": _Drawing("Entropy over the largest", "training step", "share"),
}
_WRITTEN: Final = frozenset({"widths", "samples_by_pass"})
"""Lists of a few sizes, which say more as numbers."""


def curves(finding: Finding) -> list[Curves]:
    """Returns the evidence that is best drawn: lists of at least two finite numbers.

    What a rule compares with a threshold is drawn with the band that it takes for healthy.
    """
    ranges = _ranges(finding)
    drawn = [_drawn(finding, name, numbers) for name, numbers in drawn_lists(finding).items()]
    return drawn if ranges is None else [ranges, *drawn]


def drawn_lists(finding: Finding) -> dict[str, npt.NDArray[np.float64]]:
    """Returns the lists of numbers that are drawn, by name."""
    lists = {name: _numbers(value) for name, value in finding.evidence.items() if name not in _WRITTEN}
    return {name: numbers for name, numbers in lists.items() if len(numbers) > 1 and np.isfinite(numbers).all()}


def places(finding: Finding, count: int) -> tuple[str, ...]:
    """Returns the first list of that many texts: names of layers, steps or passes; () where there is none."""
    lists = (value for value in finding.evidence.values() if isinstance(value, list) and len(value) == count)
    texts = (tuple(map(str, value)) for value in lists if isinstance(value[0], str))
    return next(texts, ())


def in_backward(rule: str) -> bool:
    """Whether a rule is about gradients, so that its trouble begins where one arrives."""
    return any(part in rule for part in _BACKWARD)


def check_of(rule: str) -> Check | None:
    """Returns the check of that name, or None where no plugin that is installed has it."""
    return next((check for check in plugins().checks if check.name == rule), None)


def _ranges(finding: Finding) -> Curves | None:
    """The range of the targets beside that which a model's last function can give."""
    ends = [finding.evidence.get(f"{end}_{of}") for of in ("target", "output") for end in ("lowest", "highest")]
    numbers = np.array([end if isinstance(end, (int, float)) else np.nan for end in ends], np.float64).reshape(2, 2)
    if not np.isfinite(numbers).all():
        return None
    targets, results = numbers
    return Curves(
        title="Targets, and what can be reached",
        curves=(
            Curve("targets", np.arange(2.0), targets, "backward"),
            Curve("results", np.arange(2.0), results, "update"),
        ),
        x_axis="",
        y_axis="number",
        ticks=("lowest", "highest"),
        band=(float(results[0]), float(results[1])),
    )


def _drawn(finding: Finding, name: str, numbers: npt.NDArray[np.float64]) -> Curves:
    words = name.replace("_", " ")
    drawing = _OF_RULE.get((finding.rule, name)) or _DRAWINGS.get(name) or _Drawing(words, "", words)
    names = places(finding, len(numbers))
    if drawing.bars and not names:
        names = tuple(map(str, range(len(numbers))))
    hue = "backward" if in_backward(finding.rule) else "forward"
    return Curves(
        title=drawing.title,
        curves=(Curve(drawing.y_axis, np.arange(len(numbers), dtype=np.float64), numbers, hue),),
        x_axis=drawing.x_axis,
        y_axis=drawing.y_axis,
        logarithmic=not drawing.bars and bool(numbers.min() > 0 and numbers.max() / numbers.min() > 30),
        ticks=names,
        bars=drawing.bars,
        band=_healthy(finding.rule, name, numbers),
    )


def _healthy(rule: str, name: str, numbers: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """The band that a rule takes for healthy, from its own threshold to beyond the numbers; None where it has none."""
    check = check_of(rule)
    if check is None or name not in ("by_layer", "by_call") or "ratio" not in check.thresholds:
        return None
    limit, reference = float(check.thresholds["ratio"]), _reference(rule, name, numbers)
    if rule == "activation_scale":
        return reference / limit, reference * limit
    lowest, highest = float(numbers.min()), float(numbers.max())
    edge = reference * limit
    return (edge, max(highest, edge) * 10) if limit < 1 else (min(lowest, edge) / 10, edge)


def _reference(rule: str, name: str, numbers: npt.NDArray[np.float64]) -> float:
    """What a ratio is to: the last call's gradient, the first layer's activations; ratios themselves are to 1."""
    if name == "by_call":
        return float(numbers[-1])
    return float(numbers[0]) if rule == "activation_scale" else 1.0


def _numbers(value: Evidence) -> npt.NDArray[np.float64]:
    listed = value if isinstance(value, list) else []
    return np.array([float(each) for each in listed if not isinstance(each, str)], np.float64)
