"""Numbers that the rules about losses read beyond the statistics of every tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphviz_nn.model.metrics import Metric

if TYPE_CHECKING:
    from torch import Tensor


def log_total(tensor: Tensor) -> Tensor:
    """Returns the median over samples of log Σ exp over the classes (dimension 1; 0 of a vector): 0 for
    log-probabilities."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return tensor.new_empty(0).float()
    totals = tensor.float().logsumexp(min(1, tensor.dim() - 1))
    return totals.reshape(-1).median()[None]


METRICS: Final = (
    Metric(
        "nll_log_total",
        "input",
        log_total,
        operators=frozenset({"nll_loss", "nll_loss_nd", "kl_div"}),
        arguments=frozenset({"input"}),
        columns=("median",),
    ),
)
