"""A replay gives every generator the state that it had, and then its own state back."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.generators import generator_states, set_generator_states
from graphviz_nn.model.tensors import TensorKey


class DeviceGenerator:
    """Stands for the generator of a device: a CPU generator that remembers what it was set to."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(5)
        self.set_to: list[Tensor] = []

    def get_state(self) -> Tensor:
        return self.generator.get_state()

    def set_state(self, state: Tensor) -> None:
        self.set_to.append(state.clone())
        self.generator.set_state(state)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> DeviceGenerator:
    """One device in use."""
    generator = DeviceGenerator()
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "default_generators", (generator,))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    return generator


def test_states_are_numbered_from_the_cpu_on(device):
    states = generator_states()
    assert list(states) == [0, 1]
    assert torch.equal(states[0], torch.get_rng_state())
    assert torch.equal(states[1], device.get_state())


def test_without_a_device_in_use_there_is_the_cpu_s_alone():
    assert list(generator_states()) == [0]


def test_a_replay_sets_the_device_s_state_and_leaves_it_as_it_was(device):
    recorded = device.get_state()
    run = gnn.trace(nn.Dropout(0.5), torch.ones(64))
    dropout = run.node("dropout").id
    kept = [key for key in run.data.tensor_keys(0) if key.kind == "random_state"]
    assert kept == [TensorKey("random_state", dropout, 0, 0), TensorKey("random_state", dropout, 0, 1)]

    torch.rand(7, generator=device.generator)
    before, cpu_before = device.get_state(), torch.get_rng_state()
    values = run.replay()

    assert torch.equal(values[dropout, 0], run.value(dropout))
    assert torch.equal(device.set_to[0], recorded)
    assert torch.equal(device.get_state(), before)
    assert torch.equal(torch.get_rng_state(), cpu_before)


def test_the_state_of_a_device_that_is_not_there_is_left_out():
    before = torch.get_rng_state()
    set_generator_states({0: before, 1: torch.zeros(16, dtype=torch.uint8)})
    assert torch.equal(torch.get_rng_state(), before)
