"""Attention weights: how much each query takes from each key, one heat map a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.slices import Index
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, Table, ViewOptions
from graphviz_nn_sequence.reading import require, sample_within

FUSED: Final = "scaled_dot_product_attention"
AXES: Final = ("query", "key")
_PLACED: Final = "queries down, keys across"
MOST_BYTES: Final = 256 * 2**20
"""What the weights of one view may take; of more heads than fit, the first are shown."""


def has_attention(subject: Subject) -> bool:
    """Whether it is a softmax over the last of three or four dimensions, or the fused attention of PyTorch."""
    node, dimensions = subject.node, len(subject.shape)
    if node is None or subject.output is None or 0 in subject.shape:
        return False
    if node.op == FUSED:
        return subject.of == "value" and 2 <= dimensions <= 4
    return node.op == "softmax" and dimensions in (3, 4) and node.attributes.get("dim", -1) in (-1, dimensions - 1)


def attention(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns the weights of one sample, [heads, queries, keys], out of the kept tensor or else of its thumbnail.

    Those of the fused operator, which keeps none, are computed from its query, key and mask.

    Raises:
        NotRecorded: the weights, or the arguments of the fused operator, were not kept.
    """
    # A thumbnail of the fused operator would be one of its output.
    unkept = subject.described is None and not _is_fused(subject)
    small = subject.thumbnail() if unkept else None
    heads = _heads(subject, options) if small is None else _thumbnail(subject, small, options)
    shown = heads.weights
    return ImageGrid(
        title=f"{_name(subject)} · attention weights" + (" · gradient" if subject.of == "gradient" else ""),
        images=shown,
        labels=tuple(f"head {heads.first + place}" for place in range(len(shown))),
        note=heads.note,
        scale="each" if options.scale == "auto" else options.scale,
        colours=options.colours if options.colours != "auto" else "signed" if (shown < 0).any() else "sequential",
        axes=AXES,
        samples=heads.samples,
        total=heads.total,
        first=heads.first,
    )


def attention_table(subject: Subject, options: ViewOptions) -> Table:
    """Returns of each head of one sample how spread its weights are, and which key most queries look at.

    The entropy of a query's weights is a share of ln k, that of equal weights over the k keys that it may look at;
    queries with one such key alone are left out.

    Raises:
        NotRecorded: the weights, or the arguments of the fused operator, were not kept.
    """
    heads = _heads(subject, options)
    return Table(
        f"{_name(subject)} · attention heads of sample {sample_within(options.sample, heads.samples)}",
        ("head", "entropy", "largest weight", "favourite key", "queries that favour it"),
        tuple((heads.first + place, *_spread(each)) for place, each in enumerate(heads.weights)),
        heads.note,
    )


def _spread(weights: npt.NDArray[Any]) -> tuple[str | float | int, ...]:
    """Entropy, mean of the largest weights, the key that most queries look at most, and the share of these queries."""
    seen = (weights > 0).sum(axis=-1)
    logarithms = np.log(weights, where=weights > 0, out=np.zeros_like(weights))
    entropy = -(weights * logarithms).sum(axis=-1)[seen > 1] / np.log(seen[seen > 1])
    votes = np.bincount(weights.argmax(axis=-1), minlength=weights.shape[-1])
    favourite = int(votes.argmax())
    mean = float(entropy.mean()) if entropy.size else math.nan
    return mean, float(weights.max(axis=-1).mean()), favourite, f"{votes[favourite] / len(weights):.0%}"


@dataclass(frozen=True, slots=True, eq=False)
class _Heads:
    """Weights [heads, queries, keys] of one sample, from head `first` of `total`; what to say of them."""

    weights: npt.NDArray[Any]
    samples: int
    first: int
    total: int
    note: str


def _is_fused(subject: Subject) -> bool:
    return subject.node is not None and subject.node.op == FUSED


def _heads(subject: Subject, options: ViewOptions) -> _Heads:
    if subject.node is None:
        raise NotRecorded("Attention weights are those of a node: name one.")
    if _is_fused(subject):
        return _fused(subject, options)
    # In three dimensions each slice is a head of some sample: which one, only the program knows.
    batch = subject.shape[:-3]
    place: tuple[Index, ...] = (sample_within(options.sample, batch[0]),) if batch else ()
    first, count = _some(options, subject.shape[-3], subject.shape[-2] * subject.shape[-1])
    weights = subject.read(*place, slice(first, first + count))
    left_out = first + count < subject.shape[-3] and options.count is None
    note = f"{_PLACED}; {_too_many(count)}" if left_out else _PLACED
    return _Heads(_float(weights), batch[0] if batch else 1, first, subject.shape[-3], note)


def _thumbnail(subject: Subject, small: npt.NDArray[Any], options: ViewOptions) -> _Heads:
    """The weights out of a thumbnail [heads, queries, keys] of the first sample, of which every k-th is left."""
    first, count = _some(options, len(small), small[0].size)
    note = f"{_PLACED}; thumbnail of the first sample"
    if small.shape[1:] != subject.shape[2:]:
        note += f", {small.shape[1]} of {subject.shape[2]} queries and {small.shape[2]} of {subject.shape[3]} keys"
    if len(small) < subject.shape[1]:
        note += f", first {len(small)} of {subject.shape[1]} heads"
    return _Heads(
        _float(small[first : first + count]), 1, first, len(small), f"{note}; record with keep='all' for the rest"
    )


def _fused(subject: Subject, options: ViewOptions) -> _Heads:
    """Computes softmax(scale · query · keyᵀ + mask), as `torch.nn.functional.scaled_dot_product_attention` documents.

    Dropout, which the operator applies to the weights, is left out. A query that may look at no key has weights of 0.
    """
    node, queries, keys = subject.node, subject.argument("query", "input"), subject.argument("key")
    if node is None or queries is None or keys is None:
        raise NotRecorded("This attention names no query and key: there is nothing to compute its weights from.")
    mask = subject.argument("attn_mask")
    require(subject, "query, key and mask", (queries, keys, *([mask] if mask is not None else [])))
    samples = subject.shape[0] if len(subject.shape) > 3 else 1
    total = subject.shape[-3] if len(subject.shape) > 2 else 1
    first, count = _some(options, total, queries.shape[-2] * keys.shape[-2])
    sample, chosen = sample_within(options.sample, samples), np.arange(first, first + count)
    query, key = (_of_heads(each, sample, chosen, total) for each in (queries, keys))
    scale = node.attributes.get("scale")
    scores = (query @ key.swapaxes(-1, -2)) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if mask is not None:
        scores += _added(_of_heads(mask, sample, chosen, total))
    elif node.attributes.get("is_causal"):
        scores += _added(np.tri(*scores.shape[1:], dtype=np.bool_))
    notes = [f"{_PLACED}; computed from query and key: the fused operator keeps no weights"]
    if node.attributes.get("dropout_p"):
        notes.append(f"before dropout of {node.attributes['dropout_p']:g}")
    if first + count < total and options.count is None:
        notes.append(_too_many(count))
    return _Heads(_softmax(scores), samples, first, total, "; ".join(notes))


def _of_heads(values: Subject, sample: int, chosen: npt.NDArray[np.intp], total: int) -> npt.NDArray[Any]:
    """Returns the chosen ones of `total` heads of one sample, as [heads, rows, columns].

    What has fewer heads than the query serves several in a row (grouped queries), or all; so does a single sample.
    """
    batch = values.shape[:-3]
    numbers = values.read(min(sample, batch[0] - 1)) if batch else values.read()
    numbers = numbers.reshape(-1, *numbers.shape[-2:])
    found = numbers[chosen * len(numbers) // total]
    return found if found.dtype == np.bool_ else _float(found)


def _added(mask: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What a mask adds to the scores: −∞ where a boolean one says False."""
    return np.where(mask, 0.0, -np.inf) if mask.dtype == np.bool_ else mask


def _softmax(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore"):
        highest = scores.max(axis=-1, keepdims=True)
        weights = np.exp(scores - np.where(np.isneginf(highest), 0.0, highest))
        total = weights.sum(axis=-1, keepdims=True)
        return np.asarray(weights / np.where(total == 0, 1.0, total))


def _some(options: ViewOptions, heads: int, elements: int) -> tuple[int, int]:
    """The first head to show, and how many: those asked for, as far as they fit."""
    first = min(max(options.first, 0), heads - 1)
    fitting = max(MOST_BYTES // (8 * max(elements, 1)), 1)
    wanted = heads - first if options.count is None else min(options.count, heads - first)
    return first, min(wanted, fitting)


def _too_many(count: int) -> str:
    return f"{count} heads only: more are too large"


def _float(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return numbers.astype(np.float64)


def _name(subject: Subject) -> str:
    return subject.node.name if subject.node is not None else ""
