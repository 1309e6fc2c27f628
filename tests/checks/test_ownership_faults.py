"""Layers and parameters that no module owns, wherever they hang: shown with plain PyTorch, found, gone when mended."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphviz_nn.run import Run
from tests.checks.training import fit, only, recorded, rules

CLASSES = 4


class Encoder(nn.Module):
    """Two layers, one of them in a container."""

    def __init__(self, *, registered: bool) -> None:
        super().__init__()
        layers = [nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 8), nn.Tanh())]
        self.layers = nn.ModuleList(layers) if registered else layers

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x).relu()
        return x


class Whole(nn.Module):
    def __init__(self, *, registered: bool) -> None:
        super().__init__()
        self.encoder, self.head = Encoder(registered=registered), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x))


class Anew(nn.Module):
    """Makes its last layer, or the weight of it, in each forward call."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what, self.enter = what, nn.Linear(8, 8)
        if what == "once":
            self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x).relu()
        if self.what == "once":
            return self.head(x)
        return nn.Linear(8, CLASSES)(x) if self.what == "layer" else x @ nn.Parameter(torch.randn(8, CLASSES))


class Plainly(nn.Module):
    """A registered layer that is called as its class is."""

    def __init__(self) -> None:
        super().__init__()
        self.Linear, self.head = nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.Linear(x).relu())


def trained(model: nn.Module, parameters=None) -> Run:
    def program() -> None:
        inputs = torch.randn(24, 8)
        optimizer = torch.optim.SGD(parameters or model.parameters(), lr=0.05)
        for _ in range(4):
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), inputs[:, :CLASSES].argmax(1)).backward()
            optimizer.step()

    return recorded(program)


def test_layers_in_a_plain_list_of_an_inner_module():
    assert [name for name, _ in Whole(registered=False).named_parameters()] == ["head.weight", "head.bias"]
    run = trained(Whole(registered=False))
    assert rules(run) == {"registered_nowhere"}
    assert [f.module for f in run.findings()] == ["encoder.Linear", "encoder.Sequential.0"]
    assert rules(trained(Whole(registered=True))) == set()


@pytest.mark.parametrize("what", ["layer", "weight"])
def test_a_layer_that_each_forward_call_makes_anew(what):
    model, inputs = Anew(what), torch.randn(3, 8)
    assert not torch.equal(model(inputs), model(inputs))
    found = only(trained(Anew(what)), "registered_nowhere")
    assert found.module == ""
    assert "anew" in found.cause
    assert rules(trained(Anew("once"))) == set()


def test_a_layer_named_as_its_class_is_no_stranger():
    model = Plainly()
    assert only(trained(model, list(model.head.parameters())), "not_in_optimizer").module == "Linear"
    assert rules(trained(Plainly())) == set()


def test_a_lazy_layer_makes_its_parameters_once():
    def program() -> None:
        model = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.Linear(8, 3))
        model(torch.randn(2, 8))
        fit(model, torch.randn(16, 8), torch.randn(16, 3))

    assert rules(recorded(program)) == set()
