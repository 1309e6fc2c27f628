"""Norms over steps are those of the tensors themselves, in every kind of run."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.series import Followed, norms
from graphviz_nn.model.steps import MemoryRun, RunData
from graphviz_nn.run import Run
from tests.core.views.conftest import STEPS


def test_norms_are_those_of_the_tensors(painter: RunData) -> None:
    run = Run(painter)
    followed = [
        Followed("output", (("first", 0),)),
        Followed("gradient", (("second", 0),)),
        Followed("parameter_gradient", (("first.weight", 0),)),
    ]
    found = norms(painter, followed)
    assert found.shape == (3, STEPS)
    for step in range(STEPS):
        gradient = run.gradient("second", step=step)
        assert gradient is not None
        expected = [run.value("first", step=step), gradient, run.accumulated("first.weight", step=step)]
        np.testing.assert_allclose(found[:, step], [tensor.norm().item() for tensor in expected], rtol=1e-5)


def test_several_values_are_taken_as_one(painter: RunData) -> None:
    run = Run(painter)
    both = norms(painter, [Followed("output", (("first", 0), ("second", 0)))], range(1))
    expected = math.hypot(run.value("first", step=0).norm().item(), run.value("second", step=0).norm().item())
    assert both[0, 0] == pytest.approx(expected, rel=1e-5)


def test_all_calls_of_a_shared_layer_count(painter: RunData) -> None:
    run = Run(painter)
    names = [node.name for node in run.structure().nodes if node.op == "linear"]
    assert len(names) == 2
    found = norms(painter, [Followed("gradient", tuple((name, 0) for name in names))], range(1))
    parts = [run.stats(name, "gradient", step=0).l2 for name in names]
    assert found[0, 0] == pytest.approx(math.hypot(*parts), rel=1e-5)


def test_an_update_is_followed(painter: RunData) -> None:
    found = norms(painter, [Followed("update", (("head.bias", 0),))])
    assert (found[0] > 0).all()


def test_what_a_step_lacks_is_nan(painter: RunData, forward_only: RunData) -> None:
    assert np.isnan(norms(painter, [Followed("output", (("nobody", 0), ("first", 7)))])).all()
    assert np.isnan(norms(forward_only, [Followed("gradient", (("first", 0),))])).all()


class Growing(nn.Module):
    """Another structure in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.extra = 0
        self.linear = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(self.extra):
            x = torch.tanh(x)
        return self.linear(x)


def test_rows_are_found_anew_where_the_structure_changes(tmp_path: object) -> None:
    model, path = Growing(), f"{tmp_path}/growing.gvnn"
    with gnn.record(path, model, every=1, keep="all") as recorder:
        for extra in (2, 0, 1, 2):
            model.extra = extra
            with recorder.step():
                model(torch.full((1, 3), 0.5)).sum().backward()
                model.zero_grad()
    with gnn.load(path) as run:
        found = norms(run.data, [Followed("gradient", (("linear", 0),)), Followed("output", (("tanh", 0),))])
    np.testing.assert_allclose(found[0], math.sqrt(3.0), rtol=1e-6)
    np.testing.assert_allclose(found[1], [math.tanh(0.5) * math.sqrt(3), np.nan] + [math.tanh(0.5) * math.sqrt(3)] * 2)


def test_memory_and_file_agree(painter: RunData) -> None:
    class Hidden:
        """The same run, without what makes a run file quick."""

        def __init__(self, data: RunData) -> None:
            self.steps, self.structure, self.events, self.stats = data.steps, data.structure, data.events, data.stats

    followed = [Followed("gradient", (("first", 0),)), Followed("output", (("head", 0),))]
    plain: RunData = Hidden(painter)  # type: ignore[assignment]
    np.testing.assert_array_equal(norms(plain, followed), norms(painter, followed))


def test_a_damaged_step_is_a_gap(painter: RunData, monkeypatch: pytest.MonkeyPatch) -> None:
    stats = painter.stats

    def damaged(position: int, table: str) -> object:
        if position == 2:
            raise DamagedRunFile("step 2 is damaged")
        return stats(position, table)

    monkeypatch.setattr(painter, "stats", damaged)
    found = norms(painter, [Followed("output", (("first", 0),))])
    assert np.isnan(found[0]).tolist() == [False, False, True, False, False]


def test_the_work_can_be_ended(painter: RunData) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        norms(painter, [Followed("output", (("first", 0),))], check=stop)


def test_a_run_without_steps_gives_no_columns() -> None:
    assert norms(MemoryRun(), [Followed("output", (("x", 0),))]).shape == (1, 0)
