"""LSTM, GRU and plain recurrent cells over a sequence, and back: the formulas that fused kernels keep to themselves.

Formulas and the order of gates in a weight are those of `torch.nn.LSTM`, `torch.nn.GRU` and `torch.nn.RNN`
(https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers). Backward they are the derivatives of the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Of one layer in one direction, the gates stacked along the rows.

    Attributes:
        input: [gates · units, features]. hidden: [gates · units, outputs].
        input_bias, hidden_bias: [gates · units], zeros where the layer has none.
        projection: [outputs, units], or None: the outputs are the units.
    """

    input: Numbers
    hidden: Numbers
    input_bias: Numbers
    hidden_bias: Numbers
    projection: Numbers | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Unrolled:
    """A cell over the steps of one sequence, in the order in which it takes them.

    Attributes:
        gates: numbers from 0 to 1 by the gate's name, [steps, units] each.
        states: "hidden" [steps, outputs], and what else the cell has: "candidate", "cell" [steps, units].
        start: the states before the first step, the hidden one first.
    """

    gates: dict[str, Numbers]
    states: dict[str, Numbers]
    start: tuple[Numbers, ...]

    def before(self, state: str, place: int = 0) -> Numbers:
        """Returns the state as each step found it; `place` is where `start` has it."""
        return np.concatenate([self.start[place][None], self.states[state][:-1]])


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Of the loss, by what each step gave and took: `hidden` [steps, outputs], `inputs` [steps, features]."""

    hidden: Numbers
    inputs: Numbers


class Cell(Protocol):
    """A kind of recurrent cell."""

    def forward(self, inputs: Numbers, weights: Weights, start: tuple[Numbers, ...]) -> Unrolled:
        """Returns the gates and states over `inputs` [steps, features]."""
        ...

    def backward(self, steps: Unrolled, weights: Weights, outputs: Numbers, end: tuple[Numbers, ...]) -> Gradients:
        """Carries gradients back through time.

        Args:
            outputs: what arrives at each step's output from outside the layer, [steps, outputs].
            end: what arrives at the states after the last step, in the order of `Unrolled.start`.
        """
        ...


class LSTM:
    """`c = f·c + i·g`, `h = o·tanh(c)`, maybe projected."""

    def forward(self, inputs: Numbers, weights: Weights, start: tuple[Numbers, ...]) -> Unrolled:
        fed = inputs @ weights.input.T + weights.input_bias + weights.hidden_bias
        hidden, cell = start
        taken = []
        for each in fed:
            i, f, g, o = np.split(each + weights.hidden @ hidden, 4)
            i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
            cell = f * cell + i * g
            hidden = o * np.tanh(cell)
            if weights.projection is not None:
                hidden = weights.projection @ hidden
            taken.append((i, f, o, g, cell, hidden))
        i, f, o, g, cell, hidden = map(np.stack, zip(*taken, strict=True))
        return Unrolled({"input": i, "forget": f, "output": o}, {"candidate": g, "cell": cell, "hidden": hidden}, start)

    def backward(self, steps: Unrolled, weights: Weights, outputs: Numbers, end: tuple[Numbers, ...]) -> Gradients:
        d_hidden, d_cell = end
        hidden, sums = np.empty_like(outputs), np.empty((len(outputs), len(weights.input)))
        i, f, o = (steps.gates[name] for name in ("input", "forget", "output"))
        g, before, squashed = steps.states["candidate"], steps.before("cell", 1), np.tanh(steps.states["cell"])
        for t in reversed(range(len(outputs))):
            hidden[t] = d_hidden = d_hidden + outputs[t]
            d_units = d_hidden if weights.projection is None else d_hidden @ weights.projection
            d_cell = d_cell + d_units * o[t] * (1 - squashed[t] ** 2)
            sums[t] = np.concatenate([
                d_cell * g[t] * i[t] * (1 - i[t]),
                d_cell * before[t] * f[t] * (1 - f[t]),
                d_cell * i[t] * (1 - g[t] ** 2),
                d_units * squashed[t] * o[t] * (1 - o[t]),
            ])  # fmt: skip
            d_hidden, d_cell = sums[t] @ weights.hidden, d_cell * f[t]
        return Gradients(hidden, sums @ weights.input)


class GRU:
    """`h = (1 − z)·n + z·h`, the reset gate inside the candidate n, after its matrix."""

    def forward(self, inputs: Numbers, weights: Weights, start: tuple[Numbers, ...]) -> Unrolled:
        fed = inputs @ weights.input.T + weights.input_bias
        (hidden,) = start
        taken = []
        for each in fed:
            recurrent = weights.hidden @ hidden + weights.hidden_bias
            (r, z, n), (hr, hz, hn) = np.split(each, 3), np.split(recurrent, 3)
            r, z = _sigmoid(r + hr), _sigmoid(z + hz)
            n = np.tanh(n + r * hn)
            hidden = (1 - z) * n + z * hidden
            taken.append((r, z, n, hidden))
        r, z, n, hidden = map(np.stack, zip(*taken, strict=True))
        return Unrolled({"reset": r, "update": z}, {"candidate": n, "hidden": hidden}, start)

    def backward(self, steps: Unrolled, weights: Weights, outputs: Numbers, end: tuple[Numbers, ...]) -> Gradients:
        (d_hidden,) = end
        hidden, sums = np.empty_like(outputs), np.empty((len(outputs), len(weights.input)))
        r, z, n, before = steps.gates["reset"], steps.gates["update"], steps.states["candidate"], steps.before("hidden")
        from_hidden = np.split(before @ weights.hidden.T + weights.hidden_bias, 3, axis=1)[2]
        for t in reversed(range(len(outputs))):
            hidden[t] = d_hidden = d_hidden + outputs[t]
            d_n = d_hidden * (1 - z[t]) * (1 - n[t] ** 2)
            d_r = d_n * from_hidden[t] * r[t] * (1 - r[t])
            d_z = d_hidden * (before[t] - n[t]) * z[t] * (1 - z[t])
            sums[t] = np.concatenate([d_r, d_z, d_n])
            d_hidden = d_hidden * z[t] + np.concatenate([d_r, d_z, d_n * r[t]]) @ weights.hidden
        return Gradients(hidden, sums @ weights.input)


@dataclass(frozen=True, slots=True)
class Plain:
    """`h = σ(Wx + Uh + b)` with a nonlinearity, and its derivative in terms of its own result."""

    nonlinearity: Callable[[Numbers], Numbers]
    derivative: Callable[[Numbers], Numbers]

    def forward(self, inputs: Numbers, weights: Weights, start: tuple[Numbers, ...]) -> Unrolled:
        fed = inputs @ weights.input.T + weights.input_bias + weights.hidden_bias
        (hidden,) = start
        taken = []
        for each in fed:
            hidden = self.nonlinearity(each + weights.hidden @ hidden)
            taken.append(hidden)
        return Unrolled({}, {"hidden": np.stack(taken)}, start)

    def backward(self, steps: Unrolled, weights: Weights, outputs: Numbers, end: tuple[Numbers, ...]) -> Gradients:
        (d_hidden,) = end
        hidden, sums = np.empty_like(outputs), np.empty((len(outputs), len(weights.input)))
        slope = self.derivative(steps.states["hidden"])
        for t in reversed(range(len(outputs))):
            hidden[t] = d_hidden = d_hidden + outputs[t]
            sums[t] = d_hidden * slope[t]
            d_hidden = sums[t] @ weights.hidden
        return Gradients(hidden, sums @ weights.input)


TANH: Cell = Plain(np.tanh, lambda result: 1 - result**2)
RELU: Cell = Plain(lambda total: np.maximum(total, 0.0), lambda result: (result > 0).astype(np.float64))


def as_double(numbers: npt.NDArray[Any]) -> Numbers:
    """Returns the numbers in float64, so that what is computed from them is closer to the truth than the kernel."""
    return numbers.astype(np.float64)


def _sigmoid(numbers: Numbers) -> Numbers:
    """1 / (1 + exp(−x)), without overflow."""
    squashed: Numbers = 0.5 + 0.5 * np.tanh(0.5 * numbers)
    return squashed
