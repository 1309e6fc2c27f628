"""Numbers that the rules about data read beyond the statistics of every tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.metrics import Metric

if TYPE_CHECKING:
    from torch import Tensor

_ROWS: Final = 64
_LEAST_ROWS: Final = 4
_MOST_FEATURES: Final = {2: 4096, 3: 64}
"""By number of dimensions. Sequences with more features are inner states, whose scales say nothing of the data."""
_CLASSES: Final = 1024


def feature_spread(tensor: Tensor) -> Tensor:
    """Returns the least deviation of a feature that is not 0, the (lower) median of those, and the largest.

    A feature is a column of the last dimension; its deviation is over the first rows.
    """
    if not tensor.is_floating_point() or not 0 < tensor.shape[-1] <= _MOST_FEATURES.get(tensor.dim(), 0):
        return tensor.new_empty(0).float()
    rows = tensor.reshape(-1, tensor.shape[-1])[:_ROWS]
    if rows.shape[0] < _LEAST_ROWS:
        return tensor.new_empty(0).float()
    spread = rows.float().std(0, correction=0)
    return _extremes_and_median(spread)


def _extremes_and_median(spread: Tensor) -> Tensor:
    """Of the positive elements; the first of three is infinite where there is none. Does not wait for the device."""
    import torch

    positive = spread > 0
    ordered = spread.where(positive, float("inf")).sort().values
    middle = (positive.sum() - 1).clamp_min(0) // 2
    return torch.cat([ordered[:1], ordered.index_select(0, middle[None]), spread.amax()[None]])


def label_entropy(tensor: Tensor) -> Tensor:
    """Returns the entropy of the classes in a batch of class indices, in nats; classes from `_CLASSES` on count as one.

    Negative indices, which losses ignore, are left out.
    """
    import torch

    if tensor.dtype != torch.int64 or tensor.numel() == 0:
        return tensor.new_empty(0, dtype=torch.float32)
    counts = torch.zeros(_CLASSES + 1, device=tensor.device)
    places = tensor.reshape(-1).clamp(-1, _CLASSES - 1) + 1
    counts.scatter_add_(0, places, torch.ones_like(places, dtype=torch.float32))
    shares = counts[1:] / counts[1:].sum().clamp_min(1)
    entropy: Tensor = torch.special.entr(shares).sum()
    return entropy[None]


METRICS: Final = (
    Metric(
        "feature_spread",
        "input",
        feature_spread,
        categories=frozenset({Category.LINEAR, Category.RECURRENT}),
        arguments=frozenset({"input", "mat1", "data"}),
        columns=("least", "median", "largest"),
    ),
    Metric(
        "label_entropy",
        "input",
        label_entropy,
        operators=frozenset({"cross_entropy", "nll_loss", "nll_loss_nd"}),
        arguments=frozenset({"target"}),
        columns=("nats",),
    ),
)
