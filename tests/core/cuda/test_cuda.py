"""The same truth on a GPU, where the backward pass runs in threads of the engine's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.model.events import EventKind
from tests.support.checks import check_all
from tests.support.outcome import observe
from tests.support.program import Program, Step
from tests.support.recorded import record

pytestmark = pytest.mark.cuda


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    yield
    torch.use_deterministic_algorithms(False)


def convolutional_network() -> Step:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(8 * 64, 4),
    ).cuda()  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(4, 3, 8, 8, device="cuda"), torch.randint(0, 4, (4,), device="cuda")

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return Step(step, (x, y), state=(model, optimizer))


def attention_in_half_precision() -> Step:
    model = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).cuda()
    x = torch.randn(2, 5, 16, device="cuda")

    def step(x: Tensor) -> Tensor:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(x).float().square().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


def views_written() -> Step:
    x = torch.randn(4, 4, device="cuda", requires_grad=True)

    def step(x: Tensor) -> Tensor:
        base = x * 2
        row = base[0]
        base[1].mul_(3)
        row.add_(base[:, 0])
        loss = (row * 2).sum() + base.square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


def recurrent_layers() -> Step:
    model = nn.LSTM(4, 8, num_layers=2).cuda()
    x = torch.randn(5, 2, 4, device="cuda")

    def step(x: Tensor) -> Tensor:
        y, (h, _) = model(x)
        loss = y.square().mean() + h.sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


PROGRAMS = [
    Program(build.__name__, build)
    for build in (convolutional_network, attention_in_half_precision, views_written, recurrent_layers)
]
NAMES = [program.name for program in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_program_is_recorded_replayed_and_equal(program: Program):
    run = check_all(program)
    devices = {output.device for node in run.structure().nodes for output in node.outputs}
    assert any(device.startswith("cuda") for device in devices)


@pytest.mark.parametrize("keep", ["none", "stats"])
@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_recording_changes_no_bit(program: Program, keep: str):
    before = torch.cuda.get_rng_state()
    plain = observe(program.fresh())
    after_plain = torch.cuda.get_rng_state()
    torch.cuda.set_rng_state(before)
    recorded = record(program.fresh(), keep)
    assert plain.differences(recorded.outcome) == []
    assert torch.equal(torch.cuda.get_rng_state(), after_plain)


@pytest.mark.parametrize("keep", ["none", "stats"])
def test_no_synchronisation_inside_the_step(keep: str):
    step = Program("warm", convolutional_network).fresh()
    step()

    def strict() -> None:
        torch.cuda.set_sync_debug_mode("error")
        try:
            step()
        finally:
            torch.cuda.set_sync_debug_mode("default")

    run = gnn.trace(strict, keep=keep)
    assert run.meta.complete
    assert any(e["kind"] == EventKind.GRADIENT for e in run.steps[-1].events)


def test_statistics_are_those_of_the_tensors():
    run = gnn.trace(convolutional_network(), keep="all")
    for node in run.structure().nodes:
        if node.kind != "op" or node.phase != "forward" or node.outputs[0].dtype != "float32":
            continue
        value, stats = run.value(node).double(), run.stats(node)
        assert stats.min == value.min().item()
        assert stats.max == value.max().item()
        assert stats.l2 == pytest.approx(value.norm().item(), rel=1e-4, abs=1e-6)
        assert stats.zeros == pytest.approx((value == 0).double().mean().item(), abs=1e-6)


def test_gradients_of_the_engine_s_threads_are_in_one_order_with_the_calls():
    run = gnn.trace(convolutional_network(), keep="none")
    events = run.steps[-1].events
    kinds = [EventKind(int(kind)) for kind in events["kind"]]
    first_gradient = kinds.index(EventKind.GRADIENT)
    last_gradient = len(kinds) - 1 - kinds[::-1].index(EventKind.GRADIENT)
    assert kinds.index(EventKind.PASS_BEGIN) < first_gradient
    assert last_gradient < kinds.index(EventKind.PASS_END)
    order = [int(e["node"]) for e in events[first_gradient : last_gradient + 1] if e["kind"] == EventKind.GRADIENT]
    ops = [node for node in order if run.structure().nodes[node].kind == "op"]
    assert ops == sorted(ops, reverse=True)


def test_an_exception_in_the_engine_s_thread_passes_unchanged():
    def refuse(gradient: Tensor) -> None:
        raise ValueError("refused")

    def step() -> None:
        x = torch.randn(3, device="cuda", requires_grad=True)
        y = x.exp()
        y.register_hook(refuse)
        y.sum().backward()

    with pytest.raises(ValueError, match="refused"):
        gnn.trace(step)
    partial = gnn.partial_run()
    assert partial is not None
    assert partial.steps[-1].info.error.phase == "backward"
