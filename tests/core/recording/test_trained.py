"""What is trained and by which optimizer, and in which mode each module ran."""

from __future__ import annotations

import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.model.modules import Parameter
from tests.core.recording.programs import Training, batch, mlp, record


def by_name(run: gnn.Run, step: int = -1) -> dict[str, Parameter]:
    return run.structure(step).parameters_by_name


def test_parameters_that_no_call_read_are_listed() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used = nn.Linear(3, 1)
            self.unused = nn.Linear(7, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    found = by_name(gnn.trace(Idle(), batch()))
    assert list(found) == ["used.weight", "used.bias", "unused.weight", "unused.bias"]
    assert (found["unused.weight"].shape, found["unused.weight"].dtype) == ((2, 7), "float32")


def test_frozen_parameters_and_groups() -> None:
    model = mlp()
    model[0].bias.requires_grad_(False)
    groups = [{"params": [model[0].weight]}, {"params": [model[2].weight], "lr": 0.5, "weight_decay": 0.01}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    run = gnn.trace(model, batch(), loss=lambda y: y.sum(), optimizer=optimizer)
    found = by_name(run)
    assert {name: p.requires_grad for name, p in found.items()} == {
        "0.weight": True,
        "0.bias": False,
        "2.weight": True,
        "2.bias": True,
    }
    assert [(p.optimizer, p.group) for p in found.values()] == [(0, 0), (None, None), (0, 1), (None, None)]
    (info,) = run.steps[-1].info.optimizers
    assert info.type == "SGD"
    assert [(g["lr"], g["weight_decay"], g["momentum"]) for g in info.groups] == [(0.1, 0, 0.9), (0.5, 0.01, 0.9)]


def test_tied_parameters_have_all_their_names() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert by_name(gnn.trace(model, batch()))["1.weight"].names == ("0.weight", "1.weight")


def test_the_learning_rate_is_that_of_the_step_and_leaves_the_structure_alone() -> None:
    training = Training(rate=1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(training.optimizer, 0.5)

    def loop() -> None:
        for _ in range(3):
            training.step()
            scheduler.step()

    run = record(loop, training.model)
    assert [step.info.optimizers[0].groups[0]["lr"] for step in run.steps] == [1.0, 0.5, 0.25]
    assert len({step.info.structure for step in run.steps}) == 1


def test_several_optimizers_keep_their_order() -> None:
    first, second = mlp(), nn.Linear(1, 1)
    optimizers = [torch.optim.Adam(first.parameters()), torch.optim.SGD(second.parameters(), 0.1)]

    def program() -> None:
        second(first(batch())).sum().backward()
        for optimizer in optimizers:
            optimizer.step()

    run = gnn.trace(program)
    assert [info.type for info in run.steps[0].info.optimizers] == ["Adam", "SGD"]
    assert {p.optimizer for name, p in by_name(run).items() if name.startswith("first")} == {0}
    assert {p.optimizer for name, p in by_name(run).items() if name.startswith("second")} == {1}


def test_freezing_between_steps_makes_another_structure() -> None:
    training = Training()

    def loop() -> None:
        training.step()
        training.model[0].requires_grad_(False)
        training.step()

    run = record(loop, training.model)
    assert [by_name(run, step)["0.weight"].requires_grad for step in (0, 1)] == [True, False]


def test_a_step_without_an_optimizer_knows_those_of_the_last() -> None:
    training = Training()

    with gnn.record(None, training.model, every=1) as recorder:
        with recorder.step():
            training.step()
        with recorder.step():
            training.backward()
    assert [step.info.optimizers[0].type for step in recorder.run.steps] == ["SGD", "SGD"]
    assert by_name(recorder.run)["0.weight"].optimizer == 0


def test_each_call_says_whether_its_module_was_training() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    model[1].eval()
    calls = gnn.trace(model, batch()).structure().module_calls
    assert {call.path: call.training for call in calls} == {"": True, "0": True, "1": False}


def test_a_lazy_module_has_no_shape_until_it_is_called() -> None:
    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used = nn.Linear(3, 1)
            self.later = nn.LazyLinear(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    assert by_name(gnn.trace(Lazy(), batch()))["later.weight"].shape == ()
