"""Other threads and worker processes while a step is recorded."""

from __future__ import annotations

import copy
import threading

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import graphviz_nn as gnn
from tests.core.recording.programs import Training, batch, feeding, indices, passes, record


def test_another_thread_with_a_model_of_its_own_is_left_alone():
    training, other = Training(), Training()
    alone = Training(copy.deepcopy(other.model))
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with torch.device("cpu"):
                while not stop.is_set():
                    other.step()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        run = record(lambda: training.steps(20), training.model)
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert passes(run) == [1] * 20
    assert {len(step.structure.nodes) for step in run.steps} == {len(run.structure().nodes)}
    assert [m.path for m in run.structure().modules] == ["", "0", "1", "2"]
    alone.steps(len(other.losses))
    assert other.losses == alone.losses != []


def test_a_module_called_in_another_thread_is_noted():
    class Threaded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            results: list[Tensor] = []
            y = self.first(x)
            thread = threading.Thread(target=lambda: results.append(self.second(y)))
            thread.start()
            thread.join()
            return results[0]

    run = gnn.trace(Threaded(), batch(), loss=lambda y: y.square().mean())
    assert any("another thread" in note for note in run.meta.notes)
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert set(feeding(run, opaque).values()) == {"first", "second.weight", "second.bias"}
    assert [m.path for m in run.structure().modules] == ["", "first", "second"]


def test_workers_of_a_data_loader():
    training = Training()
    data = TensorDataset(torch.linspace(-1, 1, 24).reshape(8, 3))

    def loop() -> None:
        for (rows,) in DataLoader(data, batch_size=4, num_workers=2):
            training.step(rows)

    run = record(loop, training.model)
    assert indices(run) == [0, 1]
    assert run.meta.complete


def test_a_backward_pass_in_another_thread_is_noted_once():
    model = nn.Linear(3, 1)

    def program() -> None:
        for _ in range(2):
            thread = threading.Thread(target=model(batch()).sum().backward)
            thread.start()
            thread.join()

    run = gnn.trace(program)
    assert model.weight.grad is not None
    assert sum("backward pass in another thread" in note for note in run.meta.notes) == 1
