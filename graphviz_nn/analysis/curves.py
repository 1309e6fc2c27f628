"""How loss and norms move over training: built-in views."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.series import Followed, norms
from graphviz_nn.model.steps import StepInfo
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import Curve, Curves, ViewOptions

Numbers = npt.NDArray[np.float64]


def loss_curve(subject: Subject, options: ViewOptions) -> Curves:
    """Returns the loss over the steps.

    Raises:
        NotRecorded: no step has a loss.
    """
    del options
    infos = subject.data.steps()
    losses = np.array([math.nan if info.loss is None else info.loss for info in infos])
    if np.isnan(losses).all():
        raise NotRecorded("No step has a loss: a backward pass from a scalar gives one.")
    return Curves(
        title="Loss",
        curves=(Curve("loss", training_steps(infos), losses),),
        x_axis="training step",
        y_axis="loss",
        cursor=float(subject.info.index),
    )


def node_norms(subject: Subject, options: ViewOptions) -> Curves:
    """Returns the L2 norms of a node's output and of its gradient over the steps; of a parameter also its update's.

    Raises:
        NotRecorded: no step measured them.
    """
    del options
    node = subject.node
    if node is None:
        raise NotRecorded("Norms over training are those of a node: name one.")
    return norm_curves(subject, norms(subject.data, followed_of(node, subject.index)))


def followed_of(node: Node, index: int) -> tuple[Followed, ...]:
    """Returns what `norm_curves` needs the norms of."""
    values = ((node.name, index),)
    tables = ("output", "parameter_gradient", "update") if node.kind == "parameter" else ("output", "gradient")
    return tuple(Followed(table, values) for table in tables)


def norm_curves(subject: Subject, found: Numbers, positions: range | None = None) -> Curves:
    """Returns norms of the node, [table, steps] in the order of `followed_of`, as curves.

    Args:
        positions: of the steps that were looked at; by default the first ones without a gap.

    Raises:
        NotRecorded: none was measured.
    """
    node = subject.node
    if node is None or not np.isfinite(found).any():
        raise NotRecorded("No step measured this node: record with keep='stats'.")
    infos = subject.data.steps()
    steps = training_steps([infos[position] for position in positions or range(found.shape[1])])
    curves = [Curve("value", steps, found[0], "forward"), Curve("gradient", steps, found[1], "backward")]
    if len(found) > 2:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(found[0] > 0, found[2] / found[0], np.nan)
        curves.append(Curve("update / value", steps, ratio, "update"))
    return Curves(
        title=f"{node.name} over training",
        curves=tuple(curve for curve in curves if np.isfinite(curve.y).any()),
        x_axis="training step",
        y_axis="L2 norm",
        logarithmic=True,
        cursor=float(subject.info.index),
    )


def training_steps(infos: Sequence[StepInfo]) -> Numbers:
    """Returns the numbers of the training steps."""
    return np.array([info.index for info in infos], np.float64)
