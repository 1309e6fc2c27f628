"""What else has to be true where a breakpoint stands, as data that goes to JSON and back."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from graphviz_nn.errors import NotRecorded, OptionError
from graphviz_nn.session.expression import Expression
from graphviz_nn.session.patterns import Column, matcher, shape_text
from graphviz_nn.session.readings import Flags, Readings


class NonFinite(msgspec.Struct, frozen=True, tag="nonfinite", forbid_unknown_fields=True):
    """The value that was made, or the gradient that arrived, holds NaN or ±Inf."""

    def rows(self, readings: Readings) -> Flags:
        """By row of the readings, whether the condition holds. Raises `NotRecorded` without statistics."""
        need(readings, "value")
        return readings.nonfinite

    def __str__(self) -> str:
        return "NaN or ±Inf"


class GradientNorm(msgspec.Struct, frozen=True, tag="gradient_norm", forbid_unknown_fields=True):
    """The L2 norm of the gradient that arrived is above `above`, or below `below`."""

    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.above, self.below) if limit is not None]
        if not limits or any(math.isnan(limit) for limit in limits):
            raise OptionError("A gradient norm needs a number: give above=, below=, or both.")

    def rows(self, readings: Readings) -> Flags:
        """By row of the readings, whether the condition holds. Raises `NotRecorded` without statistics."""
        need(readings, "gradient")
        norm = readings.statistic("gradient", "l2")
        found = np.zeros(len(norm), np.bool_)
        if self.above is not None:
            found |= norm > self.above
        if self.below is not None:
            found |= norm < self.below
        return found

    def __str__(self) -> str:
        parts = [f"> {self.above:g}"] if self.above is not None else []
        parts += [f"< {self.below:g}"] if self.below is not None else []
        return "gradient norm " + " or ".join(parts)


class Shape(msgspec.Struct, frozen=True, tag="shape", forbid_unknown_fields=True):
    """The value's shape matches a pattern: "2x64x*", "scalar"."""

    pattern: str

    def rows(self, readings: Readings) -> Flags:
        """By row of the readings, whether the condition holds."""
        shapes = [output.shape for node in readings.order.structure.nodes for output in node.outputs]
        matches = matcher(self.pattern)
        return Column(shapes).matching(lambda shape: matches(shape_text(shape)))[readings.value]

    def __str__(self) -> str:
        return f"shape {self.pattern}"


class When(msgspec.Struct, frozen=True, tag="expression", forbid_unknown_fields=True):
    """An expression over `value` and `gradient`, see `graphviz_nn.session.expression`."""

    expression: str

    def __post_init__(self) -> None:
        Expression(self.expression)

    def rows(self, readings: Readings) -> Flags:
        """By row of the readings, whether the condition holds. Raises `NotRecorded` without statistics."""
        expression = Expression(self.expression)
        for tensor in sorted(expression.tensors):
            need(readings, tensor)
        return np.broadcast_to(expression.holds(readings.statistic), len(readings.seq))

    def __str__(self) -> str:
        return self.expression


Condition = NonFinite | GradientNorm | Shape | When


def need(readings: Readings, tensor: str) -> None:
    """Raises `NotRecorded` where the step has gradients, or values, and not the numbers of any."""
    table = readings.outputs if tensor == "value" else readings.gradients
    exist = len(readings.value) if tensor == "value" else int((readings.gradient >= 0).sum())
    if table is None and exist:
        raise NotRecorded(f"This step holds no statistics of {tensor}s: record with keep='stats' or keep='all'.")
