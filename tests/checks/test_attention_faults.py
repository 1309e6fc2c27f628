"""Attention that begins one-hot or stays even, written out and fused. Each with its repaired twin."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import graphviz_nn as gnn
from graphviz_nn.analysis.metrics import fused_entropy, softmax_entropy
from graphviz_nn.model.metrics import Metric
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import Run
from tests.checks.training import only, recorded, rules


class Attention(nn.Module):
    """Heads of width 8, by hand or by the fused operator."""

    def __init__(self, width: int, *, fused: bool, gain: float = 1.0, scale: float | None = None) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        for layer in (self.query, self.key):
            nn.init.normal_(layer.weight, std=gain / math.sqrt(width))
        self.head, self.fused = nn.Linear(width, 3), fused
        self.scale = width**-0.5 if scale is None else scale

    def scores(self, x: Tensor) -> Tensor:
        return self.query(x)[:, None] @ self.key(x)[:, None].mT * self.scale

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)[:, None]
        if self.fused:
            query, key = self.query(x)[:, None], self.key(x)[:, None]
            mixed = functional.scaled_dot_product_attention(query, key, value, scale=self.scale)
        else:
            mixed = self.scores(x).softmax(-1) @ value
        return self.head(mixed[:, 0].mean(1))


def train(model: Attention, width: int, *, keys: int, steps: int = 3, alike: bool = False) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        inputs = torch.randn(1, 1, width).expand(8, keys, width) if alike else torch.randn(8, keys, width)
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), inputs.amax(1)[:, :3]).backward()
        optimizer.step()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("width", "keys"), [(128, 6), (256, 16), (512, 40)])
def test_attention_without_its_scale(fused, width, keys):
    torch.manual_seed(0)
    weights = Attention(width, fused=False, scale=1.0).scores(torch.randn(4, keys, width)).softmax(-1).detach()
    assert float(weights.amax(-1).median()) > 0.9

    def program(scale: float | None) -> None:
        train(Attention(width, fused=fused, scale=scale), width, keys=keys)

    run = recorded(lambda: program(1.0))
    found = only(run, "attention_collapsed", "update_ratio")
    assert run.node(found.node).op == ("scaled_dot_product_attention" if fused else "softmax")
    assert found.evidence["keys"] == keys
    assert rules(recorded(lambda: program(None))) == set()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("width", "keys"), [(32, 12), (64, 30)])
def test_queries_and_keys_drawn_far_too_large(fused, width, keys):
    def program(gain: float, value_gain: float = 0.6) -> None:
        model = Attention(width, fused=fused, gain=gain)
        nn.init.normal_(model.value.weight, std=value_gain / math.sqrt(width))
        train(model, width, keys=keys)

    torch.manual_seed(0)
    hard = Attention(width, fused=False, gain=12.0).scores(torch.randn(4, keys, width)).softmax(-1).detach()
    assert float(hard.amax(-1).median()) > 0.9
    found = only(recorded(lambda: program(12.0)), "attention_collapsed")
    assert "queries and keys" in found.remedy
    assert rules(recorded(lambda: program(1.0))) == set()
    trained_alike = recorded(lambda: program(12.0, value_gain=9.0))
    assert "attention_collapsed" not in rules(trained_alike), (
        "all layers are large, as those of a trained network may be"
    )


def uniform(run: Run) -> list[str]:
    found = run.findings(["attention_uniform"], {"attention_uniform.span": 60})
    return [run.node(finding.node).op for finding in found]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("width", "keys"), [(8, 5), (32, 12)])
def test_attention_that_has_never_learned_to_choose(fused, width, keys):
    def program(gain: float, **options) -> Run:
        return recorded(lambda: train(Attention(width, fused=fused, gain=gain), width, keys=keys, **options), every=20)

    torch.manual_seed(0)
    flat = Attention(width, fused=False, gain=0.01).scores(torch.randn(4, keys, width)).softmax(-1).detach()
    assert torch.allclose(flat, torch.full_like(flat, 1 / keys), rtol=0.01)
    run = program(0.01, steps=81)
    assert uniform(run) == ["scaled_dot_product_attention" if fused else "softmax"]
    assert run.findings(["attention_uniform"]) == [], "training has hardly begun"
    (found,) = run.findings(["attention_uniform"], {"attention_uniform.span": 60})
    assert (found.severity, len(found.evidence["entropy_by_step"])) == ("info", 5)
    assert uniform(program(1.0, steps=81)) == []
    assert uniform(program(0.01, steps=81, alike=True)) == [], "all keys are the same"


# The metrics


def shares(weights: Tensor) -> Tensor:
    entropy = torch.special.entr(weights).sum(-1)
    return entropy / math.log(weights.shape[-1])


@pytest.mark.parametrize("keys_of", [4, 2, 1])
@pytest.mark.parametrize("mask", ["none", "causal", "boolean", "added"])
def test_the_weights_of_fused_attention_are_those_of_its_formula(keys_of, mask):
    torch.manual_seed(0)
    query, key = torch.randn(3, 4, 12, 8), torch.randn(3, keys_of, 12, 8)
    allowed = torch.ones(12, 12).tril().bool() if mask == "causal" else torch.rand(3, 1, 12, 12) > 0.3
    given = {"query": query, "key": key} | {
        "none": {},
        "causal": {"is_causal": True},
        "boolean": {"attn_mask": allowed},
        "added": {"attn_mask": torch.zeros(allowed.shape).masked_fill(~allowed, -math.inf)},
    }[mask]
    identity = torch.eye(12).expand(3, keys_of, 12, 12)
    options = {name: value for name, value in given.items() if name not in ("query", "key")}
    weights = functional.scaled_dot_product_attention(query, key, identity, enable_gqa=True, **options)[0]
    if mask == "causal":  # of which the last query sees all keys
        weights = functional.scaled_dot_product_attention(query, key, identity, enable_gqa=True)[:, :, -1:].flatten(
            0, 2
        )
    expected = softmax_entropy(weights)
    assert torch.allclose(fused_entropy(given), expected, rtol=1e-4)
    assert float(expected[0]) == pytest.approx(float(shares(weights).median()), rel=1e-4)


def test_even_weights_over_the_keys_that_are_seen():
    causal = {"query": torch.zeros(1, 2, 40, 8), "key": torch.randn(1, 2, 40, 8), "is_causal": True}
    share, least = fused_entropy(causal).tolist()
    assert share == pytest.approx(1.0), "the last query looks at all keys"
    assert least == pytest.approx(1.0)
    assert fused_entropy({"query": torch.zeros(2, 8), "key": torch.zeros(5, 8)}).numel() == 0
    assert math.isinf(softmax_entropy(torch.eye(6))[1]), "no row has several keys"


def test_a_metric_of_several_arguments_gets_them_by_name():
    given: list[dict] = []

    class Plugin:
        @hookimpl
        def register_metrics(self) -> list[Metric]:
            return [Metric("swirl", "inputs", look, frozenset({"baddbmm"}), arguments=frozenset({"batch1", "batch2"}))]

    def look(arguments: dict) -> Tensor:
        given.append(arguments)
        return (arguments["batch1"] * arguments["batch2"]).sum()[None]

    left, right = torch.ones(1, 2, 2), torch.full((1, 2, 2), 3.0)
    plugins().register(Plugin(), "swirling")
    try:
        run = gnn.trace(lambda: torch.baddbmm(torch.zeros(1, 2, 2), left, right, alpha=0.5), metrics="swirl")
    finally:
        plugins.cache_clear()
    (arguments,) = given
    assert torch.equal(arguments["batch1"], left)
    assert arguments["alpha"] == 0.5
    (row,) = run.data.metric(0, "swirl")
    assert run.node(row.value.node).op == "baddbmm"
    assert row.numbers.tolist() == [12.0]
