"""Where no step is recorded for long, only the classes of root modules stay patched; steps are found all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.recording.module_entrance import RESTS_AFTER
from tests.core.recording.programs import Training, batch, indices, mlp, passes, record

LONG = 2 * RESTS_AFTER


class Calling(nn.Module):
    """Has a call of its own, and a child of its own class."""

    def __init__(self, *, child: bool = True) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.child = Calling(child=False) if child else None
        self.calls = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().__call__(x)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        return x if self.child is None else self.child(x)


def train(model: nn.Module, *, validate: bool = False) -> Callable[[int], None]:
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def loop(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(batch()).square().mean().backward()
            optimizer.step()
            if validate:
                with torch.no_grad():
                    model(batch())

    return loop


@pytest.mark.parametrize("validate", [False, True])
def test_a_step_after_a_long_rest_is_recorded_like_the_first(validate: bool):
    model = Calling()
    loop = train(model, validate=validate)
    run = record(lambda: loop(2 * LONG + 1), every=LONG)
    assert indices(run) == [0, LONG, 2 * LONG]
    assert len({step.info.structure for step in run.steps}) == 1
    assert [call.path for call in run.structure().module_calls] == ["", "layer", "child", "child.layer"]
    assert model.calls == (2 * LONG + 1) * (2 if validate else 1)


def test_torch_is_as_it_was_but_for_the_roots_class():
    original, loop = nn.Module.__call__, train(Calling())
    own = Calling.__call__
    with gnn.record(None, every=LONG + 2) as recording:
        loop(2)
        assert nn.Module.__call__ is not original
        loop(LONG)
        assert nn.Module.__call__ is original
        assert Calling.__call__ is not own
        loop(1)
        assert nn.Module.__call__ is not original
        assert Calling.__call__ is own
        loop(LONG)
    assert (nn.Module.__call__, Calling.__call__) == (original, own)
    assert indices(recording.run) == [0, LONG + 2]


def test_the_class_of_a_root_inherits_its_call_again():
    training = Training()
    record(lambda: training.steps(LONG), every=LONG)
    assert "__call__" not in vars(type(training.model))


def test_a_model_that_comes_later_ends_the_rest():
    first, second = train(mlp()), train(Calling())

    def loop() -> None:
        first(LONG)
        second(LONG)

    recorded = indices(record(loop, every=LONG + 4))
    assert recorded == [0, LONG + 4]


def test_two_optimizers_after_one_pass_do_not_end_the_rest():
    original, model = nn.Module.__call__, mlp()
    optimizers = [torch.optim.SGD([parameter], 0.01) for parameter in model.parameters()]
    with gnn.record(None, every=LONG) as recording:
        for step in range(LONG + 1):
            if RESTS_AFTER + 1 < step < LONG:
                assert nn.Module.__call__ is original
            model(batch()).square().mean().backward()
            for optimizer in optimizers:
                optimizer.step()
    assert indices(recording.run) == [0, LONG]


def test_steps_marked_by_hand_after_a_rest():
    training = Training()
    with gnn.record(None, every=LONG) as recording:
        for _ in range(LONG + 1):
            with recording.step():
                training.steps(2)
    assert indices(recording.run) == [0, LONG]
    assert passes(recording.run) == [2, 2]


def test_a_patch_of_the_programs_on_top_survives():
    loop, original = train(Calling()), nn.Module.__call__
    seen: list[str] = []
    with gnn.record(None, every=LONG) as recording:
        loop(1)
        ours = nn.Module.__call__

        def theirs(module: nn.Module, *args: object, **kwargs: object) -> object:
            seen.append(type(module).__name__)
            return ours(module, *args, **kwargs)

        nn.Module.__call__ = theirs  # type: ignore[method-assign]
        loop(LONG)
        assert nn.Module.__call__ is theirs
    nn.Module.__call__ = original  # type: ignore[method-assign]
    assert len(seen) == 4 * LONG
    assert indices(recording.run) == [0, LONG]
