"""How large the hidden state of a recurrent layer is at each step of a sequence, and its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, ViewOptions
from graphviz_nn_sequence.cells import Numbers
from graphviz_nn_sequence.fused import FusedLayer
from graphviz_nn_sequence.opened import RECURRENT, layer_name, open_layer
from graphviz_nn_sequence.stepped import CELLS as STEPPED
from graphviz_nn_sequence.stepped import SteppedCell


def has_time(subject: Subject) -> bool:
    """Whether it is a recurrent layer or cell, or the gradient of one."""
    return subject.node is not None and subject.node.op in RECURRENT


def through_time(subject: Subject, options: ViewOptions) -> Curves:
    """Returns the L2 norm of the hidden state at each step of one sequence, and of a cell state; or of the gradient.

    The gradient is that of the loss with respect to the hidden state, by all ways: through the output of the step and
    through all steps after it. Of a whole layer it is computed from the gradient that autograd delivered for the
    layer's output; of a cell that is called once a step it is what autograd delivered.

    Raises:
        NotRecorded: what is needed for it was not kept.
    """
    curves, sample, note = (_gradients if subject.of == "gradient" else _states)(subject, options.sample)
    name = subject.node.name if subject.node is not None else ""
    which = "gradient through time" if subject.of == "gradient" else "states through time"
    return Curves(
        f"{name} · {which}, sample {sample}", tuple(curves), "step", "L2 norm", note, logarithmic=_is_wide(curves)
    )


def _states(subject: Subject, sample: int) -> tuple[list[Curve], int, str]:
    opened = open_layer(subject, sample)
    norms = [(each.label, each.name, each.numbers) for each in opened.states if each.name in ("hidden", "cell")]
    curves = [_curve(label, numbers, "forward" if name == "hidden" else "") for label, name, numbers in norms]
    return curves, opened.sample, opened.note


def _gradients(subject: Subject, sample: int) -> tuple[list[Curve], int, str]:
    value = replace(subject, of="value")
    with np.errstate(invalid="ignore", over="ignore"):
        if subject.node is not None and subject.node.op in STEPPED:
            cell = SteppedCell(value, sample)
            return [_curve("gradient", _delivered(cell), "backward")], cell.sample, f"{len(cell.calls)} calls, in order"
        layer = FusedLayer(value, sample)
        curves = [_curve(layer_name(layer, strand) or "gradient", numbers, "backward")
                  for strand, numbers in layer.gradients()]  # fmt: skip
        note = "carried back through the steps from the gradient of the output"
        return curves, layer.sample, "; ".join(filter(None, (note, layer.remark)))


def _delivered(cell: SteppedCell) -> Numbers:
    """The gradient of the hidden state after each call; NaN where none arrived."""
    gradients = [call.gradient() for call in cell.calls]
    if all(each.described is None for each in gradients):
        gradients[-1].read()  # says why there is none
    units = cell.calls[0].shape[-1]
    return np.stack([np.full(units, np.nan) if each.described is None else cell.row(each) for each in gradients])


def _curve(label: str, numbers: Numbers, hue: str) -> Curve:
    return Curve(label, np.arange(len(numbers), dtype=np.float64), np.linalg.norm(numbers, axis=1), hue)


def _is_wide(curves: list[Curve]) -> bool:
    """Whether the norms span so much that only a logarithmic axis shows the small ones."""
    norms = np.concatenate([curve.y for curve in curves])
    norms = norms[np.isfinite(norms) & (norms > 0)]
    return bool(norms.size and norms.max() > 30 * norms.min())
