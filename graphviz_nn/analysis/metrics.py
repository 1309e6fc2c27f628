"""Numbers that the built-in rules read beyond the statistics of every tensor: of samples, so that they cost little."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

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
_SAMPLES: Final = 4
_QUERIES: Final = 256
_LINEAR: Final = frozenset({"linear", "matmul", "mm", "addmm", "conv1d", "conv2d", "conv3d"})
_DIVISIONS: Final = frozenset({"div", "truediv", "true_divide", "divide"})
_FLAT_ENDED: Final = frozenset({"sigmoid", "special_expit", "tanh", "softsign", "hardtanh", "hardsigmoid"})
_RECTIFIERS: Final = frozenset({"relu", "relu6"})
_ENTROPIES: Final = ("share", "least_of_seen")
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
    """Returns how spread a softmax's rows (last dimension) are: see `_entropies`."""
    if _is_empty(tensor) or tensor.dim() < 2 or tensor.shape[-1] < 3:
        return _nothing(tensor)
    rows = tensor.reshape(-1, tensor.shape[-1])
    return _entropies(rows[:: -(-rows.shape[0] // _QUERIES)].float())


def fused_entropy(arguments: dict[str, Any]) -> Tensor:
    """Returns how spread the weights of fused attention are, which it keeps to itself: see `_entropies`.

    They are computed again as softmax(scale · q·kᵀ + mask): for `_ROWS` queries of each head of the first sample; under
    a causal mask for the last query alone, which looks at all keys, of the first `_SAMPLES` samples.
    """
    query, key, mask = arguments["query"], arguments["key"], arguments.get("attn_mask")
    if _is_empty(query) or query.dim() < 3 or key.shape[-2] < 3:
        return _nothing(query)
    length, stride = query.shape[-2], -(-query.shape[-2] // _ROWS)
    causal = bool(arguments.get("is_causal"))
    places = slice(length - 1, None) if causal else slice((length - 1) % stride, None, stride)
    samples = _SAMPLES if causal else 1
    chosen = query.reshape(-1, *query.shape[-3:])[:samples, :, places].float()
    of_keys = key.reshape(-1, *key.shape[-3:])[:samples].float()
    if causal:
        of_keys = of_keys[:, :, :length]
    if chosen.shape[1] != of_keys.shape[1]:  # grouped queries
        of_keys = of_keys.repeat_interleave(chosen.shape[1] // of_keys.shape[1], 1)
    scale = arguments.get("scale")
    scores = (chosen * (query.shape[-1] ** -0.5 if scale is None else scale)) @ of_keys.mT
    if mask is not None:
        seen = mask.expand(*query.shape[:-1], key.shape[-2]).reshape(-1, *query.shape[-3:-1], key.shape[-2])
        seen = seen[:samples, :, places]
        scores = scores + seen.float() if seen.is_floating_point() else scores.masked_fill(~seen, -math.inf)
    return _entropies(scores.softmax(-1).flatten(0, -2))


def _entropies(rows: Tensor) -> Tensor:
    """Returns the median entropy of the rows as a share of that of equal weights, and the least of those of rows with
    several weights above 0, as a share of that of equal weights over these; infinite without any such row."""
    import torch

    entropy = torch.special.entr(rows).sum(1)
    spread = entropy / (rows > 0).sum(1).log()
    return torch.stack((entropy.median() / math.log(rows.shape[1]), spread.nan_to_num(math.inf).amin()))


def nearest_zero(tensor: Tensor) -> Tensor:
    """Returns the smallest magnitude of an element."""
    return _nothing(tensor) if _is_empty(tensor) else tensor.abs().amin().float()[None]


METRICS: Final = (
    Metric("quantiles", "output", quantiles, operators=_FLAT_ENDED, categories=frozenset({Category.RECURRENT})),
    Metric("unit_maxima", "output", unit_maxima, operators=_RECTIFIERS),
    Metric("weight_neighbours", "parameter", neighbour_distances, operators=_LINEAR),
    Metric("gradient_neighbours", "parameter_gradient", neighbour_distances, operators=_LINEAR),
    Metric("sample_spread", "output", sample_spread, categories=_LAYERS, columns=("between_samples", "size")),
    Metric("softmax_entropy", "output", softmax_entropy, operators=frozenset({"softmax"}), columns=_ENTROPIES),
    Metric(
        "fused_entropy",
        "inputs",
        fused_entropy,
        operators=frozenset({"scaled_dot_product_attention"}),
        arguments=frozenset({"query", "key"}),
        columns=_ENTROPIES,
    ),
    Metric(
        "nearest_zero",
        "input",
        nearest_zero,
        operators=_DIVISIONS,
        arguments=frozenset({"other"}),
        columns=("magnitude",),
    ),
)
