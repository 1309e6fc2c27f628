"""What a recording keeps: nothing but structure, numbers, tensors, selected tensors, and up to which limit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.errors import MemoryLimit, NotRecorded, OptionError
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, indices, mlp, record


def trace(keep: Any, **options: Any) -> Run:
    torch.manual_seed(1)
    return gnn.trace(mlp(), batch(), loss=lambda y: y.square().mean(), keep=keep, **options)


def kept(run: Run, kind: str = "value") -> set[str]:
    """Names of the nodes of which a tensor was kept."""
    return {run.structure().nodes[key.node].name for key in run.data.tensor_keys(0) if key.kind == kind}


def test_none_keeps_structure_and_which_gradients_arrived():
    run = trace("none")
    assert run.data.tensor_keys(0) == []
    assert run.data.stats(0, "output") is None
    assert run.structure().nodes == trace("stats", saved=False).structure().nodes
    with pytest.raises(NotRecorded, match=r"keep='none'.*record with keep='all'"):
        run.value("0")
    with pytest.raises(NotRecorded, match="arrived, but its tensor was not kept"):
        run.gradient("0")
    with pytest.raises(NotRecorded, match="No gradient arrived"):
        run.gradient("input")


def test_stats_keeps_numbers_and_no_tensors():
    run, everything = trace("stats"), trace("all")
    assert run.data.tensor_keys(0) == []
    assert run.stats("0").l2 == pytest.approx(everything.value("0").norm().item(), rel=1e-6)
    assert run.stats("0", "gradient").l2 == pytest.approx(everything.gradient("0").norm().item(), rel=1e-6)
    with pytest.raises(NotRecorded, match="keep='stats'"):
        run.value("0")


def test_all_keeps_every_value_and_gradient():
    run = trace("all")
    assert kept(run) == {node.name for node in run.structure().nodes if node.outputs}
    assert kept(run, "gradient") == kept(run) - {"input"}
    assert kept(run, "parameter_gradient") == {"0.weight", "0.bias", "2.weight", "2.bias"}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("2", {"2", "2.weight", "2.bias"}),
        (["0", "1"], {"0", "0.weight", "0.bias", "1"}),
        ("op:relu", {"1"}),
        (["op:lin*", "op:mean"], {"0", "2", "mean"}),
    ],
)
def test_patterns_select_modules_and_operators(keep: str | list[str], expected: set[str]):
    run = trace(keep)
    calls = {node.name for node in run.structure().nodes if node.kind == "op"}
    assert kept(run) & calls == expected & calls
    assert kept(run, "gradient") & calls == expected & calls
    assert run.stats("1").l2 > 0, "statistics are taken of everything"


def test_patterns_of_modules_select_their_parameters():
    run = trace("2")
    assert {"2.weight", "2.bias"} <= kept(run)
    assert not {"0.weight", "0.bias"} & kept(run)
    assert run.gradient("2.weight").shape == (1, 4)


def test_a_pattern_of_paths_reaches_nested_modules():
    model = nn.Sequential(mlp(), mlp_of_one())
    run = gnn.trace(model, batch(), keep=["0.*"])
    assert kept(run) >= {"0.0", "0.1", "0.2"}
    assert not any(name.startswith("1") for name in kept(run))


def mlp_of_one() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 2), nn.Tanh())


def test_a_predicate_is_asked_with_module_path_and_operator():
    asked: set[tuple[str, str]] = set()

    def wanted(module: str, op: str) -> bool:
        asked.add((module, op))
        return op == "relu"

    run = trace(wanted)
    assert "1" in kept(run)
    assert not {"0", "2", "mean"} & kept(run)
    assert {("0", "linear"), ("1", "relu"), ("2", "linear"), ("", "mean")} <= asked


def test_a_predicate_that_raises_ends_the_recording_and_not_the_program(caplog: pytest.LogCaptureFixture):
    training = Training()

    def wanted(module: str, op: str) -> bool:
        raise RuntimeError("no idea")

    run = record(lambda: training.steps(2), training.model, keep=wanted)
    assert len(training.losses) == 2
    assert list(run.steps) == []
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize("keep", ["stat", "al", "nonee", ["all", "2"]])
def test_an_unknown_word_is_refused_with_the_nearest(keep: str | list[str]):
    with pytest.raises(OptionError, match=r"is not known.*Did you mean"):
        trace(keep)


def test_kept_tensors_are_copies():
    def step(x: Tensor) -> Tensor:
        y = x * 2
        y.add_(1)
        return y.sum()

    x = torch.ones(3)
    run = gnn.trace(step, x)
    x.zero_()
    assert run.value("input").tolist() == [1, 1, 1]
    assert run.value("mul").tolist() == [2, 2, 2]
    assert run.value("add_").tolist() == [3, 3, 3]


def test_the_optimizer_leaves_new_values():
    training = Training()
    before = training.model[0].weight.detach().clone()
    run = gnn.trace(training.model, batch(), loss=lambda y: y.square().mean(), optimizer=training.optimizer)
    assert torch.equal(run.value("0.weight"), before)
    assert torch.equal(run.updated("0.weight"), training.model[0].weight)
    change = (training.model[0].weight.detach() - before).norm().item()
    assert run.stats("0.weight", "update").l2 == pytest.approx(change, rel=1e-6)


def test_the_last_of_several_updates_is_the_one_that_counts():
    training = Training()
    with gnn.record(None, training.model, every=1, keep="all") as recording, recording.step():
        training.steps(3)
    assert torch.equal(recording.run.updated("0.weight"), training.model[0].weight)


def test_accumulated_gradients_are_kept_beside_the_contribution():
    training = Training()

    def loop() -> None:
        training.backward()
        training.backward()
        training.optimizer.step()

    run = record(loop, training.model, keep="all")
    first, second = (run.gradient("2.bias", number=number) for number in (0, 1))
    assert torch.equal(run.accumulated("2.bias", number=0), first)
    assert torch.equal(run.accumulated("2.bias", number=1), first + second)


# ---- the memory limit


def test_trace_refuses_to_exceed_the_memory_limit():
    with pytest.raises(MemoryLimit, match=r"limit of 100 bytes.*memory_limit=.*keep='stats'"):
        trace("all", memory_limit=100)


def test_record_goes_on_beyond_the_memory_limit_and_says_so():
    training = Training()
    run = record(lambda: training.steps(3), training.model, keep="all", memory_limit=200)
    assert indices(run) == [0, 1, 2]
    assert any("memory limit of 200 bytes" in note and "memory_limit=" in note for note in run.meta.notes)
    assert run.stats("mean").mean == pytest.approx(training.losses[-1])
    for step in range(3):
        sizes = [run.data.tensor(step, key).nbytes for key in run.data.tensor_keys(step) if key.kind != "random_state"]
        assert 0 < sum(sizes) <= 200


# ---- the policy by itself


def test_selectors_measure_everything():
    policy = KeepPolicy.parse(["layer3.*", "op:relu"])
    assert (policy.stats, policy.tensors) == (True, True)
    assert policy.selects("layer3.0.conv1", "conv2d")
    assert policy.selects("layer1", "relu")
    assert not policy.selects("layer1", "conv2d")
    assert not policy.selects("relu", "conv2d")
