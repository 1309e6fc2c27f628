"""Where a training step begins and ends, found by the recorder from the program alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import graphviz_nn as gnn
from graphviz_nn.errors import UsageError
from tests.core.recording.programs import Training, batch, indices, mlp, operators, passes, record


def test_each_optimizer_step_ends_a_step():
    training = Training()
    run = record(lambda: training.steps(4), training.model)
    assert indices(run) == [0, 1, 2, 3]
    assert passes(run) == [1, 1, 1, 1]
    assert [step.loss for step in run.steps] == pytest.approx(training.losses, abs=0)
    assert len({step.info.structure for step in run.steps}) == 1


def test_the_model_need_not_be_named():
    training = Training()
    run = record(lambda: training.steps(2))
    assert indices(run) == [0, 1]
    assert "0.weight" in {node.name for node in run.structure().nodes}


def test_without_an_optimizer_gradients_that_are_thrown_away_end_steps():
    """The first ones may belong to a step whose optimizer is still to come."""
    training = Training()

    def loop(steps: int, before: int = 0) -> None:
        for _ in range(steps):
            for _ in range(before):
                training.optimizer.zero_grad()
                training.backward()
            training.optimizer.zero_grad()
            training.backward()
            if before:
                training.optimizer.step()

    assert passes(record(lambda: loop(9), training.model)) == [4, 1, 1, 1, 1, 1]
    assert passes(record(lambda: loop(3, before=3), training.model)) == [4, 4, 4]


def test_a_step_that_no_update_ends_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("graphviz_nn.recording.beginnings._MOST_CALLS", 20)
    training = Training()

    def loop() -> None:
        for _ in range(12):
            training.backward()

    run = record(loop, training.model)
    assert len(run.steps) > 2
    assert sum(passes(run)) == 12
    assert max(len(step.structure.nodes) for step in run.steps) < 60
    assert any("No update ended the step" in note for note in run.meta.notes)


def test_accumulated_gradients_are_one_step_of_several_passes():
    training = Training()

    def loop() -> None:
        for _ in range(2):
            training.optimizer.zero_grad()
            for _ in range(3):
                training.backward()
            training.optimizer.step()

    run = record(loop, training.model)
    assert passes(run) == [3, 3]
    assert run.steps[-1].loss == training.losses[-1]


def test_two_optimizers_one_after_the_other_are_two_steps():
    """A generator and a discriminator, each with its own forward pass."""
    generator, judge = nn.Linear(3, 3), nn.Linear(3, 1)
    train_generator = torch.optim.SGD(generator.parameters(), 0.1)
    train_judge = torch.optim.SGD(judge.parameters(), 0.1)

    def loop() -> None:
        for _ in range(3):
            train_judge.zero_grad()
            judge(generator(batch()).detach()).mean().backward()
            train_judge.step()
            train_generator.zero_grad()
            judge(generator(batch())).mean().neg().backward()
            train_generator.step()

    run = record(loop)
    assert indices(run) == [0, 1, 2, 3, 4, 5]
    assert passes(run) == [1] * 6
    assert ["detach" in operators(run, step) for step in range(6)] == [True, False] * 3


def test_two_optimizers_after_one_pass_are_one_step():
    first, second = nn.Linear(3, 3), nn.Linear(3, 1)
    optimizers = [torch.optim.SGD(first.parameters(), 0.1), torch.optim.Adam(second.parameters(), 0.1)]

    def loop() -> None:
        for _ in range(3):
            second(first(batch())).mean().backward()
            for optimizer in optimizers:
                optimizer.step()

    run = record(loop)
    assert indices(run) == [0, 1, 2]
    assert [operators(run, step, "optimizer") for step in range(3)] == [["SGD", "Adam"]] * 3


def test_work_between_two_optimizers_of_one_step_is_recorded():
    """An actor and a critic share one forward pass; the second loss is made after the first optimizer's step."""
    actor, critic = nn.Linear(3, 1), nn.Linear(3, 1)
    train_actor = torch.optim.SGD(actor.parameters(), 0.1)
    train_critic = torch.optim.SGD(critic.parameters(), 0.1)

    def loop() -> None:
        for _ in range(3):
            chosen, judged = actor(batch()), critic(batch())
            judged.square().mean().backward()
            train_critic.step()
            chosen.exp().mean().backward()
            train_actor.step()

    run = record(loop)
    assert indices(run) == [0, 1, 2]
    assert passes(run) == [2, 2, 2]
    assert all("exp" in operators(run, step) for step in (1, 2))


def test_validation_between_training_steps_is_no_step():
    training = Training()

    def loop() -> None:
        for _ in range(3):
            training.step()
            training.model.eval()
            with torch.no_grad():
                training.model(batch())
                training.model(batch())
            training.model.train()

    run = record(loop, training.model)
    assert indices(run) == [0, 1, 2]
    assert len({step.info.structure for step in run.steps}) == 1


def test_validation_before_training_stays_out_of_the_first_training_step():
    training = Training()

    def loop() -> None:
        with torch.no_grad():
            training.model(batch())
        training.steps(2)

    run = record(loop, training.model)
    assert [step.info.forward_only for step in run.steps] == [True, False, False]
    assert operators(run, 1).count("linear") == 2


def test_a_pass_without_gradients_inside_a_step_belongs_to_it():
    """A target from the same network, as in Q-learning."""
    training = Training()

    def loop() -> None:
        for _ in range(2):
            value = training.model(batch())
            with torch.no_grad():
                target = training.model(batch() + 1)
            (value - target).square().mean().backward()
            training.optimizer.step()

    run = record(loop, training.model)
    assert indices(run) == [0, 1]
    assert operators(run).count("linear") == 4


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_inference_is_one_forward_only_step_a_call(context: Callable[[], torch.no_grad]):
    model = mlp()

    def loop() -> None:
        with context():
            for _ in range(3):
                model(batch())

    run = record(loop, model)
    assert indices(run) == [0, 1, 2]
    assert all(step.info.forward_only and step.loss is None for step in run.steps)
    assert any("no backward pass" in note for note in run.meta.notes)


def test_a_training_step_is_not_said_to_lack_gradients():
    training = Training()
    assert record(lambda: training.steps(2), training.model).meta.notes == ()


def test_a_step_marked_by_hand_holds_several_optimizer_steps():
    training = Training()
    with gnn.record(None, training.model, every=1) as recording:
        for _ in range(2):
            with recording.step():
                training.steps(3)
    assert passes(recording.run) == [3, 3]
    assert operators(recording.run, phase="optimizer") == ["SGD"] * 3


def test_steps_marked_by_hand_need_no_module():
    weight = torch.ones(3, 1, requires_grad=True)
    with gnn.record(None, every=1) as recording:
        for _ in range(2):
            with recording.step():
                (batch() @ weight).square().mean().backward()
                with torch.no_grad():
                    weight -= 0.1 * weight.grad
    assert passes(recording.run) == [1, 1]
    assert {"matmul", "square", "mean", "sub_"} <= set(operators(recording.run))


def test_every_third_step():
    training = Training()

    def loop() -> None:
        for _ in range(10):
            training.step()
            with torch.no_grad():
                training.model(batch())

    assert indices(record(loop, training.model, every=3)) == [0, 3, 6, 9]


def test_every_second_step_of_accumulated_gradients():
    training = Training()

    def loop() -> None:
        for _ in range(5):
            for _ in range(3):
                training.backward()
            training.optimizer.step()

    run = record(loop, training.model, every=2)
    assert indices(run) == [0, 2, 4]
    assert passes(run) == [3, 3, 3]


def test_every_second_step_marked_by_hand():
    training = Training()
    with gnn.record(None, training.model, every=2) as recording:
        for _ in range(5):
            with recording.step():
                training.step()
    assert indices(recording.run) == [0, 2, 4]


def test_a_program_without_modules_is_told_how_to_mark_steps():
    weight = torch.ones(3, requires_grad=True)
    run = record(lambda: weight.sum().backward())
    assert list(run.steps) == []
    assert any("recorder.step()" in note for note in run.meta.notes)


def test_a_named_model_without_parameters_is_recorded():
    model = nn.Sequential(nn.ReLU(), nn.Softmax(-1))

    def loop() -> None:
        with torch.no_grad():
            for _ in range(2):
                model(batch())

    run = record(loop, model)
    assert indices(run) == [0, 1]
    assert operators(run) == ["relu", "softmax"]


def test_a_second_recording_in_one_process_is_refused():
    training = Training()
    with gnn.record(None, training.model, every=1) as recording:
        with pytest.raises(UsageError, match="already running"), gnn.record(None, training.model):
            pass
        with pytest.raises(UsageError, match="already running"):
            gnn.trace(training.model, batch())
        training.steps(2)
    assert indices(recording.run) == [0, 1]
    assert len(gnn.trace(training.model, batch()).steps) == 1


def test_what_is_called_after_the_recording_is_not_recorded():
    training = Training()
    run = record(lambda: training.steps(2), training.model)
    training.steps(3)
    assert indices(run) == [0, 1]


def test_each_recorded_step_is_handed_over():
    training = Training()
    seen: list[int] = []
    record(lambda: training.steps(3), training.model, on_step=lambda record: seen.append(record.info.index))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_of_the_whole_model_begins_its_step(reentrant: bool):
    """The model's own call is inside the checkpoint; what runs again in the backward pass leads to its original."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def loop() -> None:
        for _ in range(3):
            optimizer.zero_grad()
            x = batch().requires_grad_()
            for _ in range(2):
                checkpoint(model, x, use_reentrant=reentrant).sum().backward()
            optimizer.step()

    run = record(loop, model)
    assert indices(run) == [0, 1, 2]
    assert passes(run) == [2, 2, 2]
    for step in range(3):
        nodes = run.structure(step).nodes
        linears = [node for node in nodes if node.op == "linear"]
        forward = [node.id for node in linears if node.phase == "forward"]
        again = [node.attributes.get("recompute_of") for node in linears if node.phase == "recompute"]
        # Without reentry a recomputation ends as soon as it has what was saved: before the last layer.
        assert again == (forward if reentrant else forward[::2])


def test_a_recording_that_ends_inside_a_step_takes_all_its_patches_out():
    before = torch.jit.trace
    model = mlp()
    record(lambda: model(batch()), model)
    assert torch.jit.trace is before
