"""Numbers that the built-in rules read beyond the statistics of every tensor: of samples, so that they cost little."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.metrics import Metric

if TYPE_CHECKING:
    from torch import Tensor

QUANTILES: Final = 21
"""Number of quantiles: from the smallest element to the largest in steps of 5 %."""
NEIGHBOURS: Final = 64
"""Most pairs of neighbouring units that are compared."""

_SAMPLE: Final = 1024
_ROWS: Final = 16
_LINEAR: Final = frozenset({"linear", "matmul", "mm", "addmm", "conv1d", "conv2d", "conv3d"})
_DIVISIONS: Final = frozenset({"div", "truediv", "true_divide", "divide"})
_FLAT_ENDED: Final = frozenset({"sigmoid", "special_expit", "tanh", "softsign"})
_RECTIFIERS: Final = frozenset({"relu", "relu6"})
_LAYERS: Final = frozenset({Category.LINEAR, Category.CONVOLUTION})


def _nothing(tensor: Tensor) -> Tensor:
    return tensor.new_empty(0).float()


def _is_empty(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or tensor.numel() == 0


def quantiles(tensor: Tensor) -> Tensor:
    """Returns `QUANTILES` evenly spaced quantiles of a sample of the elements, the smallest first."""
    if _is_empty(tensor):
        return _nothing(tensor)
    flat = tensor.reshape(-1)
    ordered = flat[:: -(-flat.numel() // _SAMPLE)].float().sort().values
    import torch

    # Made on the device: indices from a list would be copied there, for which the program would wait.
    places = torch.linspace(0, ordered.numel() - 1, QUANTILES, device=ordered.device).round().long()
    return ordered.index_select(0, places)


def unit_maxima(tensor: Tensor) -> Tensor:
    """Returns the largest output of each unit over everything else.

    A unit is a column of a matrix, and a channel (dimension 1) of an image. Three dimensions may be a batch of
    signals with channels or of sequences of features: the maxima by dimension 1 are followed by those by dimension 2.
    """
    if _is_empty(tensor) or tensor.dim() < 2:
        return _nothing(tensor)
    by_channel = tensor.transpose(0, 1).reshape(tensor.shape[1], -1).amax(1)
    return _both(by_channel, tensor.amax((0, 1))) if tensor.dim() == 3 else by_channel


def _both(first: Tensor, second: Tensor) -> Tensor:
    import torch

    return torch.cat([first, second])


def neighbour_distances(tensor: Tensor) -> Tensor:
    """Returns how far neighbouring units' weights are apart, relative to the largest of a sample; 0 for equal ones.

    Pairs of neighbouring rows come first (dimension 0, everything else taken together), then, for a matrix, pairs of
    neighbouring columns; at most `NEIGHBOURS` of either.
    """
    if _is_empty(tensor) or tensor.dim() < 2:
        return _nothing(tensor)
    matrix = tensor.reshape(tensor.shape[0], -1)
    by_row = _distances(matrix)
    return by_row if tensor.dim() > 2 else _both(by_row, _distances(matrix.T))


def _distances(matrix: Tensor) -> Tensor:
    part = matrix[: NEIGHBOURS + 1, :: -(-matrix.shape[1] // NEIGHBOURS)].float()
    largest = part.abs().amax().clamp_min(1e-30)
    return (part[1:] - part[:-1]).abs().amax(1) / largest


def sample_spread(tensor: Tensor) -> Tensor:
    """Returns the deviation between the first samples (dimension 0), root mean square over units, and the whole's."""
    if _is_empty(tensor) or tensor.dim() < 2 or tensor.shape[0] < 4:
        return _nothing(tensor)
    samples = tensor[:_ROWS].reshape(min(tensor.shape[0], _ROWS), -1)
    samples = samples[:, :: -(-samples.shape[1] // _SAMPLE)].float()
    spread = (samples - samples.mean(0)).square().mean().sqrt()
    return _both(spread[None], samples.square().mean().sqrt()[None])


def softmax_entropy(tensor: Tensor) -> Tensor:
    """Returns the median entropy of a softmax's rows (last dimension), as a share of that of equal weights."""
    if _is_empty(tensor) or tensor.dim() < 2 or tensor.shape[-1] < 3:
        return _nothing(tensor)
    rows = tensor.reshape(-1, tensor.shape[-1])
    rows = rows[:: -(-rows.shape[0] // _SAMPLE)].float()
    entropy = -(rows * rows.clamp_min(1e-30).log()).sum(1)
    return (entropy.median() / math.log(tensor.shape[-1]))[None]


def nearest_zero(tensor: Tensor) -> Tensor:
    """Returns the smallest magnitude of an element."""
    return _nothing(tensor) if _is_empty(tensor) else tensor.abs().amin().float()[None]


METRICS: Final = (
    Metric("quantiles", "output", quantiles, operators=_FLAT_ENDED, categories=frozenset({Category.RECURRENT})),
    Metric("unit_maxima", "output", unit_maxima, operators=_RECTIFIERS),
    Metric("weight_neighbours", "parameter", neighbour_distances, operators=_LINEAR),
    Metric("gradient_neighbours", "parameter_gradient", neighbour_distances, operators=_LINEAR),
    Metric("sample_spread", "output", sample_spread, categories=_LAYERS, columns=("between_samples", "size")),
    Metric("softmax_entropy", "output", softmax_entropy, operators=frozenset({"softmax"}), columns=("share",)),
    Metric(
        "nearest_zero",
        "input",
        nearest_zero,
        operators=_DIVISIONS,
        arguments=frozenset({"other"}),
        columns=("magnitude",),
    ),
)
