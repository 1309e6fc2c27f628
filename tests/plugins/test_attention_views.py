"""Attention weights, read from a softmax or computed for the fused operator, are those that weigh the values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.views import ImageGrid, Table
from graphviz_nn.run import Run
from tests.plugins.showing import fits, show

NAME = "scaled_dot_product_attention"


class Attending(nn.Module):
    """Calls the fused operator with the options; the mask is the last input where there is one."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, **self.options)


def _weights(query: Tensor, key: Tensor, added: Tensor | float = 0.0, scale: float | None = None) -> np.ndarray:
    """softmax(q·kᵀ·scale + mask) of one sample, in float64."""
    query, key = query.double(), key.double().repeat_interleave(query.shape[0] // key.shape[0], 0)
    scores = query @ key.transpose(-1, -2) * (scale or 1 / math.sqrt(query.shape[-1])) + added
    return torch.softmax(scores, dim=-1).numpy()


def _grid(run: Run, node: str = NAME, of: str = "value", **options: Any) -> ImageGrid:
    grid = show(run, "attention", node, of, **options)
    assert isinstance(grid, ImageGrid)
    return grid


def _tensors(*shapes: tuple[int, ...]) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape) for shape in shapes]


BY_SAMPLE = torch.arange(2.0 * 4 * 35).reshape(2, 4, 5, 7) % 11
PADDING = torch.arange(14.0).reshape(2, 1, 1, 7) % 5
HEADS = ((2, 4, 5, 6), (2, 4, 7, 6), (2, 4, 7, 3))


@pytest.mark.parametrize(
    ("options", "mask", "added"),
    [
        ({}, None, 0.0),
        ({"scale": 0.3}, None, 0.0),
        ({"is_causal": True}, None, torch.full((5, 7), -math.inf).triu(1)),
        ({}, torch.ones(5, 7).tril(2).bool(), torch.full((5, 7), -math.inf).triu(3)),
        ({}, torch.linspace(-3, 3, 35).reshape(5, 7), torch.linspace(-3, 3, 35).reshape(5, 7)),
        ({}, BY_SAMPLE, BY_SAMPLE[1]),
        ({}, torch.arange(28.0).reshape(4, 1, 7) % 5, torch.arange(28.0).reshape(4, 1, 7) % 5),
        ({}, PADDING, PADDING[1]),
    ],
    ids=["plain", "scale", "causal", "boolean", "floating", "by-sample", "by-head", "padding"],
)  # fmt: skip
def test_weights_of_the_fused_operator_are_computed(
    options: dict[str, Any], mask: Tensor | None, added: Tensor | float
) -> None:
    query, key, value = _tensors(*HEADS)
    masks = () if mask is None else (mask,)
    run = gnn.trace(Attending(**options), query, key, value, *masks)
    grid = _grid(run, sample=1)
    np.testing.assert_allclose(grid.images, _weights(query[1], key[1], added, options.get("scale")), atol=1e-6)
    np.testing.assert_allclose(grid.images @ value[1].numpy(), run.value(NAME)[1].numpy(), atol=1e-5)
    assert (grid.samples, grid.total, grid.axes) == (2, 4, ("query", "key"))
    assert "computed" in grid.note


def test_grouped_queries_share_keys() -> None:
    query, key, value = _tensors((2, 6, 5, 4), (2, 2, 7, 4), (2, 2, 7, 3))
    run = gnn.trace(Attending(enable_gqa=True), query, key, value)
    expected = _weights(query[0], key[0])
    np.testing.assert_allclose(_grid(run).images, expected, atol=1e-6)
    page = _grid(run, first=2, count=3)
    np.testing.assert_allclose(page.images, expected[2:5], atol=1e-6)
    assert (page.labels, page.first, page.total) == (("head 2", "head 3", "head 4"), 2, 6)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_attention_without_a_batch(dimensions: int) -> None:
    query, key, value = (each[0] if dimensions == 3 else each[0, :1, :, :][0] for each in _tensors(*HEADS))
    run = gnn.trace(Attending(), query, key, value)
    expected = _weights(query.reshape(-1, 5, 6), key.reshape(-1, 7, 6))
    np.testing.assert_allclose(_grid(run).images, expected, atol=1e-6)


def test_a_query_that_may_look_at_nothing_has_no_weights() -> None:
    query, key, value = _tensors(*HEADS)
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[2] = False
    run = gnn.trace(Attending(), query, key, value, mask)
    grid = _grid(run)
    assert not grid.images[:, 2].any()
    np.testing.assert_allclose(grid.images @ value[0].numpy(), run.value(NAME)[0].numpy(), atol=1e-5)


def test_dropout_is_left_out_and_it_is_said() -> None:
    query, key, value = _tensors(*HEADS)
    grid = _grid(gnn.trace(Attending(dropout_p=0.5), query, key, value))
    np.testing.assert_allclose(grid.images, _weights(query[0], key[0]), atol=1e-6)
    assert "before dropout of 0.5" in grid.note


@pytest.mark.parametrize("padded", [False, True])
def test_multi_head_attention_without_weights_gives_those_that_it_would_have_returned(padded: bool) -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    padding = torch.tensor([[False] * 5, [False, False, False, True, True]]) if padded else None

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = attention

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0]

    x = torch.randn(2, 5, 8)
    run = gnn.trace(Model(), x)
    with torch.no_grad():
        expected = attention(x, x, x, key_padding_mask=padding, average_attn_weights=False)[1]
    node = next(each.name for each in run.structure().nodes if each.op == NAME)
    np.testing.assert_allclose(_grid(run, node, sample=1).images, expected[1].numpy(), atol=1e-6)


class Softmax(nn.Module):
    def forward(self, scores: Tensor) -> Tensor:
        return torch.softmax(scores, dim=-1)


def test_weights_of_a_softmax_are_its_own() -> None:
    (scores,) = _tensors((2, 3, 5, 7))
    scores.requires_grad_()
    run = gnn.trace(Softmax(), scores, loss=lambda output: (output**2).sum())
    grid = _grid(run, "softmax", sample=1)
    np.testing.assert_array_equal(grid.images, run.value("softmax")[1].numpy())
    assert grid.labels == ("head 0", "head 1", "head 2")
    gradient = run.gradient("softmax")
    assert gradient is not None
    np.testing.assert_array_equal(_grid(run, "softmax", "gradient").images, gradient[0].numpy())
    assert "attention_table" not in fits(run, "softmax", "gradient")


def test_without_the_weights_their_thumbnail_is_shown_and_it_is_said() -> None:
    (scores,) = _tensors((2, 20, 100, 10))
    run = gnn.trace(Softmax(), scores, keep="stats")
    grid = _grid(run, "softmax", first=3)
    expected = torch.softmax(scores, dim=-1)[0, 3:16, ::2].bfloat16().float()
    np.testing.assert_array_equal(grid.images, expected.numpy())
    assert (grid.samples, grid.total, grid.labels[0]) == (1, 16, "head 3")
    assert "thumbnail of the first sample, 50 of 100 queries and 10 of 10 keys, first 16 of 20 heads" in grid.note
    with pytest.raises(NotRecorded, match="keep='all'"):  # of some keys alone there is no entropy
        show(run, "attention_table", "softmax")


def test_heads_that_are_too_large_are_left_for_another_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphviz_nn_sequence.attention.MOST_BYTES", 2 * 5 * 7 * 8)
    query, key, value = _tensors(*HEADS)
    grid = _grid(gnn.trace(Attending(), query, key, value))
    assert (grid.labels, grid.total) == (("head 0", "head 1"), 4)
    assert "2 heads only" in grid.note


def test_the_table_tells_a_head_that_settled_on_one_key() -> None:
    scores = torch.zeros(1, 2, 4, 5)
    scores[0, 1, :, 3] = 50.0
    table = show(gnn.trace(Softmax(), scores), "attention_table", "softmax")
    assert isinstance(table, Table)
    even, settled = table.rows
    assert even[1:3] == (pytest.approx(1.0), pytest.approx(0.2))
    assert settled[1:] == (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0), 3, "100%")


def test_what_was_not_kept_is_named() -> None:
    query, key, value = _tensors(*HEADS)
    run = gnn.trace(Attending(), query, key, value, keep="stats", thumbnails="all")
    with pytest.raises(NotRecorded, match=r"query, key and mask, but these were not kept .*: query, key\."):
        _grid(run)
