"""Known traps of watching PyTorch from inside, one by one."""

from __future__ import annotations

import copy
import gc
import logging
import weakref
from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import Node
from graphviz_nn.run import Run
from tests.support.outcome import bits
from tests.support.program import REENTRANT, Program, leaf
from tests.support.programs import PROGRAMS
from tests.support.recorded import run_of, trace_program


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_keeping_more_records_no_other_calls(program: Program):
    """Our own statistics and copies must not turn up among the program's calls."""
    calls = {keep: _calls(trace_program(program, keep)) for keep in ("none", "stats", "all")}
    assert calls["none"] == calls["stats"] == calls["all"]


def _calls(run: Run) -> list[tuple[object, ...]]:
    # What a replay needs to know of autocast is noted only where tensors are kept for one.
    return [(n.kind, n.function, n.phase, n.inputs, n.outputs, n.parent) for n in run.structure().nodes]


def test_intermediate_tensors_die_when_they_would_without_recording():
    def step(x: Tensor) -> list[bool]:
        y = x.exp()
        z = y * 2
        references = [weakref.ref(y), weakref.ref(z)]
        z.sum().backward()
        del y, z
        return [reference() is None for reference in references]

    results = []
    gc.disable()
    try:
        assert step(leaf(4)) == [True, True]
        for keep in ("none", "stats"):
            gnn.trace(lambda: results.append(step(leaf(4))), keep=keep)
    finally:
        gc.enable()
    assert results == [[True, True]] * 2


def test_a_tensor_that_outlives_the_step_can_still_be_differentiated():
    """The step's hooks are still on its tensors, and must do nothing any more."""
    kept: list[Tensor] = []
    x = leaf(3)
    run = gnn.trace(lambda: kept.append(x.exp()))
    kept[0].sum().backward()
    assert torch.equal(x.grad, x.detach().exp())
    assert run.steps[-1].info.passes == 0
    assert not any(event["kind"] == EventKind.GRADIENT for event in run.steps[-1].events)


def test_a_user_can_add_and_remove_a_hook_beside_ours():
    """Torch's own handle of a hook keeps a weak reference to the dict, which a plain dict does not allow."""

    def step(x: Tensor) -> None:
        y = x.exp()
        removed = y.register_hook(lambda gradient: gradient * 100)
        handle = y.register_hook(lambda gradient: gradient * 2)
        removed.remove()
        y.sum().backward()
        handle.remove()

    x = leaf(3)
    gnn.trace(step, x)
    assert torch.equal(x.grad, 2 * x.detach().exp())


def test_no_hooks_on_saved_tensors_are_installed():
    """They would switch off autograd's check that saved tensors were not changed in place."""
    seen: list[Any] = []

    def step(x: Tensor) -> None:
        x.exp().sum().backward()
        seen.append(torch._C._autograd._top_saved_tensors_default_hooks(True))

    gnn.trace(step, leaf(3))
    assert seen == [None]


def test_copies_made_in_a_step_carry_nothing_of_ours():
    model = nn.Linear(3, 3)
    made: list[Any] = []

    def step(x: Tensor) -> None:
        y = model(x)
        y.sum().backward()
        made.extend([copy.deepcopy(model), copy.deepcopy(y.detach()), x.clone()])

    gnn.trace(step, torch.randn(2, 3))
    copied, detached, cloned = made
    assert all(not vars(t) for t in (*copied.parameters(), detached, cloned))
    assert all(p._backward_hooks is None for p in copied.parameters())
    assert copied.state_dict().keys() == model.state_dict().keys()


def test_garbage_collection_is_left_as_it_was_found():
    gc.disable()
    try:
        gnn.trace(lambda: leaf(3).exp())
        assert not gc.isenabled()
    finally:
        gc.enable()
    gnn.trace(lambda: leaf(3).exp())
    assert gc.isenabled()


def test_a_mode_that_the_program_leaves_open_is_not_closed_by_us():
    mode = torch.device("meta")
    gnn.trace(mode.__enter__)
    try:
        assert torch.empty(2).device.type == "meta"
    finally:
        mode.__exit__(None, None, None)
    assert torch.empty(2).device.type == "cpu"


def test_the_fast_path_of_a_transformer_gives_the_same_numbers():
    """It is taken only where no function mode is on: the answer to that question must leave us out."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = torch.randn(2, 4, 8)
    results = []
    with torch.inference_mode():
        plain = encoder(x)
        gnn.trace(lambda: results.append(encoder(x)))
    assert bits(results[0]) == bits(plain)


def opaque_nodes(run: Run) -> list[Node]:
    return [node for node in run.structure().nodes if node.kind == "opaque"]


def made_by(run: Run, node: Node) -> list[str]:
    """Returns the operators (or kinds of source) whose values the node reads."""
    nodes = run.structure().nodes
    return sorted(nodes[given.node].op for given in node.inputs)


def test_a_scripted_function_is_one_opaque_node_between_its_neighbours():
    run = run_of("scripted_activation")
    (node,) = opaque_nodes(run)
    assert made_by(run, node) == ["linear"]
    assert {run.structure().nodes[reader].op for reader in run.graph.successors(node.id)} == {"linear"}
    assert isinstance(run.gradient(node.id), Tensor)


def test_work_of_another_thread_is_tied_to_what_it_read():
    run = run_of("work_in_another_thread")
    nodes = opaque_nodes(run)
    assert len(nodes) == 1
    assert made_by(run, nodes[0]) == ["linear", "parameter"]
    assert run.structure().nodes[nodes[0].inputs[-1].node].phase == "forward"


def test_a_tensor_made_in_cpp_is_tied_to_its_leaf():
    run = run_of("tensor_made_in_cpp")
    (node,) = opaque_nodes(run)
    assert made_by(run, node) == ["input"]
    step = next(p for p in PROGRAMS if p.name == "tensor_made_in_cpp").fresh()
    step()
    assert bits(run.gradient(node.inputs[0].node)) == bits(step.inputs[0].grad)


def test_an_opaque_node_has_a_readable_name():
    names = {name: opaque_nodes(run_of(name))[0].name for name in ("work_in_another_thread", "tensor_made_in_cpp")}
    assert names == {"work_in_another_thread": "add", "tensor_made_in_cpp": "mul"}


@pytest.mark.parametrize("program", [p for p in PROGRAMS if REENTRANT in p.traits], ids=lambda p: p.name)
def test_a_recomputed_call_says_what_it_computes_again(program: Program):
    nodes = run_of(program.name).structure().nodes
    again = [node for node in nodes if "recompute_of" in node.attributes]
    assert again
    assert all(node.phase == "recompute" for node in again)
    assert [node.op for node in again] == [nodes[node.attributes["recompute_of"]].op for node in again]
    assert all(nodes[node.attributes["recompute_of"]].phase == "forward" for node in again)


def test_a_parameter_with_two_names_is_one_node():
    run = run_of("tied_weights")
    parameters = {node.names for node in run.structure().nodes if node.kind == "parameter"}
    assert ("embedding.weight", "head.weight") in parameters
    assert len(parameters) == 3


def test_a_failure_of_ours_ends_the_recording_and_not_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from graphviz_nn.recording.identity import Identity

    def broken(self: Identity, tensor: Tensor) -> int:
        raise RuntimeError("a fault of the recorder")

    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    x = torch.randn(2, 3)
    plain = torch.autograd.grad(model(x).sum(), list(model.parameters()))
    monkeypatch.setattr(Identity, "read", broken)
    with caplog.at_level(logging.ERROR, "graphviz_nn"):
        run = gnn.trace(model, x, loss=torch.sum)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert any("a fault of the recorder" in note for note in run.meta.notes)
    assert not run.meta.complete
    assert [bits(p.grad) for p in model.parameters()] == [bits(g) for g in plain]
    assert all(p._backward_hooks is None for p in model.parameters())


def test_a_long_chain_is_recorded_without_recursion():
    def step(x: Tensor) -> Tensor:
        y = x
        for _ in range(5_000):
            y = y * 1.0001
        y.sum().backward()
        return y

    run = gnn.trace(step, leaf(2), keep="none")
    assert sum(node.op == "mul" for node in run.structure().nodes) == 5_000
    assert nx.dag_longest_path_length(run.graph, default_weight=1) == 5_001
