"""Attention weights: how much each query takes from each key, one heat map a head."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, ViewOptions
from graphviz_nn_vision.arrangement import Arrangement
from graphviz_nn_vision.maps import Page, colours_of, read_page, title

FUSED: Final = "scaled_dot_product_attention"
AXES: Final = ("query", "key")


def has_attention(subject: Subject) -> bool:
    """Whether it is a softmax over the last of three or four dimensions, or the fused attention of PyTorch."""
    node = subject.node
    if node is None or subject.output is None:
        return False
    if node.op == FUSED:
        return subject.of == "value" and len(subject.shape) in (3, 4)
    return node.op == "softmax" and len(subject.shape) in (3, 4) and _is_last(node, len(subject.shape))


def attention(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns the weights of one sample, [heads, queries, keys].

    Those of the fused operator, which keeps none, are computed from its kept arguments.

    Raises:
        NotRecorded: the weights, or the arguments of the fused operator, were not kept.
    """
    node = subject.node
    if node is None:
        raise NotRecorded("Attention weights are those of a node: name one.")
    if node.op == FUSED:
        samples, page = _fused(subject, options)
    else:
        # In three dimensions each slice is a head of some sample: which one, only the program knows.
        placed = Arrangement(0, 1, None, 2, 3, AXES) if len(subject.shape) == 4 else Arrangement(None, 0, None, 1, 2)
        samples = subject.shape[0] if placed.sample is not None else 1
        page = read_page(subject, placed, options)
    return ImageGrid(
        title=title(subject, "attention weights"),
        images=page.images,
        labels=tuple(f"head {page.first + place}" for place in range(len(page.images))),
        note=page.note,
        scale="each" if options.scale == "auto" else options.scale,
        colours=colours_of(page.images, options),
        axes=AXES,
        samples=samples,
        total=page.total,
        first=page.first,
    )


def _is_last(node: Node, dimensions: int) -> bool:
    return node.attributes.get("dim", -1) in (-1, dimensions - 1)


def _fused(subject: Subject, options: ViewOptions) -> tuple[int, Page]:
    """Computes softmax(scale · query · keyᵀ + mask), as `torch.nn.functional.scaled_dot_product_attention` documents.

    Dropout, which the operator applies to the weights, is left out.
    """
    node = subject.node
    queries, keys = subject.argument("query", "input"), subject.argument("key")
    if node is None or queries is None or keys is None:
        raise NotRecorded("This attention names no query and key: there is nothing to compute its weights from.")
    batched = len(queries.shape) == 4
    samples = queries.shape[0] if batched else 1
    sample = min(max(options.sample, 0), samples - 1)
    place = (sample,) if batched else ()
    query, key = (_float(each.read(*place)) for each in (queries, keys))
    if len(key) != len(query):  # grouped-query attention: each key serves several heads
        key = key.repeat(len(query) // len(key), axis=0)
    scale = node.attributes.get("scale") or 1 / math.sqrt(query.shape[-1])
    scores = scale * (query @ key.swapaxes(-1, -2))
    scores += _mask(subject, scores.shape, sample)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = scores / scores.sum(axis=-1, keepdims=True)
    shown = weights[options.first :][: options.count]
    note = "computed from the kept query and key, without dropout: the fused operator keeps no weights"
    return samples, Page(shown, options.first, len(weights), note)


def _mask(subject: Subject, shape: tuple[int, ...], sample: int) -> npt.NDArray[Any]:
    """What is added to the scores [heads, queries, keys] of a sample."""
    node = subject.node
    given = subject.argument("attn_mask")
    if given is not None:
        mask = given.read()
        if mask.ndim == 4:
            mask = mask[min(sample, len(mask) - 1)]
        added = np.where(mask, 0.0, -np.inf) if mask.dtype == np.bool_ else _float(mask)
        return np.broadcast_to(added, shape)
    if node is not None and node.attributes.get("is_causal"):
        return np.where(np.tri(shape[1], shape[2], dtype=bool), 0.0, -np.inf)
    return np.zeros(())


def _float(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return numbers.astype(np.float32)
