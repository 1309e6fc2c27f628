"""Metrics: numbers that a rule asks for are taken of the right tensors, are right, and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.errors import OptionError
from graphviz_nn.model.findings import Check
from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.metrics import Metric
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.manager import PluginManager, plugins
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, mlp, record

ACTIVATION = frozenset({Category.ACTIVATION})
LINEAR = frozenset({"linear"})


def positive_share(x: Tensor) -> Tensor:
    return (x > 0).float().mean(tuple(range(x.dim() - 1)))


def row_norms(x: Tensor) -> Tensor:
    return x.norm(dim=1) if x.dim() == 2 else x.new_empty(0)


def distinct(x: Tensor) -> Tensor:
    return torch.tensor([float(x.unique().numel())])


class Registered:
    """A plugin that registers metrics, and one check that reads some of them."""

    def __init__(self, metrics: Iterable[Metric], read: tuple[str, ...]) -> None:
        self.metrics = list(metrics)
        self.read = read

    @hookimpl
    def register_metrics(self) -> list[Metric]:
        return self.metrics

    @hookimpl
    def register_checks(self) -> list[Check]:
        return [Check("reader", "tests", lambda context, thresholds: [], metrics=self.read)]


Register = Callable[..., None]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Returns a function that makes metrics the only registered ones; all are read by a check unless told."""

    def install(*metrics: Metric, read: tuple[str, ...] | None = None) -> None:
        names = tuple(metric.name for metric in metrics)
        manager = PluginManager()
        manager.register(Registered(metrics, names if read is None else read), "tests")
        kinds = plugins().layer_types
        monkeypatch.setattr(PluginManager, "layer_types", kinds, raising=True)
        monkeypatch.setattr("graphviz_nn.recording.metrics.plugins", lambda: manager)

    return install


def names_of(run: Run, metric: str, step: int = 0) -> list[str]:
    table = run.data.metric(step, metric)
    return [] if table is None else [run.node(row.value.node, step).name for row in table]


def traced(model: nn.Module, x: Tensor | None = None, **options: Any) -> Run:
    return gnn.trace(model, batch() if x is None else x, loss=lambda y: y.square().mean(), **options)


def test_outputs_of_a_category(register: Register) -> None:
    register(Metric("share", "output", positive_share, categories=ACTIVATION))
    run = traced(mlp())
    assert names_of(run, "share") == ["1"]
    row = run.data.metric(0, "share").row(run.node("1").id)
    assert torch.equal(torch.from_numpy(row.copy()), positive_share(run.value("1")))


def test_in_place_calls_count_as_their_plain_form(register: Register) -> None:
    register(Metric("share", "output", positive_share, operators=frozenset({"relu"})))
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 4), nn.Sigmoid())
    assert names_of(traced(model), "share") == ["1"]


def test_gradients_arrive_under_the_value_and_the_pass(register: Register) -> None:
    register(Metric("norms", "gradient", row_norms, operators=LINEAR))
    model = mlp()

    def twice() -> None:
        loss = model(batch()).square().mean()
        loss.backward(retain_graph=True)
        loss.backward()

    run = gnn.trace(twice)
    table = run.data.metric(0, "norms")
    places = [(run.node(row.value.node).op, row.number) for row in table]
    assert places == [("linear", 0), ("linear", 0), ("linear", 1), ("linear", 1)]
    for row in table:
        expected = row_norms(run.gradient(row.value.node, row.value.index, number=row.number))
        assert torch.equal(torch.from_numpy(row.numbers.copy()), expected)


def test_parameters_and_their_gradients(register: Register) -> None:
    register(
        Metric("weights", "parameter", row_norms, operators=LINEAR),
        Metric("gradients", "parameter_gradient", row_norms, operators=LINEAR),
    )
    run = traced(mlp())
    assert names_of(run, "weights") == ["0.weight", "2.weight"]
    assert names_of(run, "gradients") == ["2.weight", "0.weight"]
    for name in ("0.weight", "2.weight"):
        node = run.node(name).id
        weights, gradients = run.data.metric(0, "weights").row(node), run.data.metric(0, "gradients").row(node)
        assert torch.equal(torch.from_numpy(weights.copy()), row_norms(run.value(name)))
        assert torch.equal(torch.from_numpy(gradients.copy()), row_norms(run.gradient(name)))


def test_a_parameter_is_looked_at_once_a_version(register: Register) -> None:
    register(Metric("weights", "parameter", row_norms, operators=LINEAR))
    shared = nn.Linear(3, 3)
    assert names_of(traced(nn.Sequential(shared, shared, shared)), "weights") == ["0.weight"]


def test_an_argument_of_a_loss(register: Register) -> None:
    register(
        Metric(
            "labels",
            "input",
            distinct,
            operators=frozenset({"cross_entropy"}),
            arguments=frozenset({"target"}),
            columns=("distinct",),
        )
    )
    model, labels = nn.Linear(3, 4), torch.tensor([0, 2, 2, 0, 2])
    run = gnn.trace(model, batch(), loss=lambda y: nn.functional.cross_entropy(y, labels.view(-1)))
    table = run.data.metric(0, "labels")
    assert names_of(run, "labels") == ["view"]
    assert (table.columns, table.numbers.tolist()) == (("distinct",), [2.0])


def test_results_of_a_custom_function(register: Register) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.relu() * 2

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient * 2

    register(Metric("share", "output", positive_share, operators=frozenset({"Double"})))
    x = batch().requires_grad_()
    run = gnn.trace(lambda: Double.apply(x).sum().backward())
    assert names_of(run, "share") == ["Double"]


def test_a_written_view_that_is_read_later_is_no_output_of_the_call_before(register: Register) -> None:
    register(Metric("first", "output", lambda x: x.flatten()[:1], operators=frozenset({"add_"})))

    def program() -> None:
        x = torch.ones(4)
        view = x[:2]
        x.add_(1)
        view.mul(3)

    run = gnn.trace(program)
    assert any(node.kind == "alias" for node in run.structure().nodes)
    assert set(names_of(run, "first")) == {"add_"}


def test_numbers_are_those_before_a_later_write(register: Register) -> None:
    register(Metric("first", "output", lambda x: x.flatten()[:2], operators=frozenset({"mul"})))

    def program() -> None:
        x = torch.ones(2) * 3
        x.zero_()

    assert gnn.trace(program).data.metric(0, "first").numbers.tolist() == [3.0, 3.0]


def test_only_what_checks_read_is_taken(register: Register) -> None:
    share = Metric("share", "output", positive_share, operators=LINEAR)
    register(share, Metric("other", "output", positive_share, operators=LINEAR), read=("share",))
    assert list(traced(mlp()).data.metric_names(0)) == ["share"]
    assert list(traced(mlp(), metrics=()).data.metric_names(0)) == []
    assert list(traced(mlp(), keep="none").data.metric_names(0)) == []
    assert list(traced(mlp(), keep="none", metrics="other").data.metric_names(0)) == ["other"]
    assert set(traced(mlp(), metrics=["other", "share"]).data.metric_names(0)) == {"other", "share"}


def test_an_unknown_metric_names_the_nearest(register: Register) -> None:
    register(Metric("share", "output", positive_share))
    with pytest.raises(OptionError, match=r"no metric 'shar'.*share"):
        traced(mlp(), metrics=["shar"])


def test_a_check_that_reads_an_unknown_metric_is_said(register: Register, caplog: pytest.LogCaptureFixture) -> None:
    register(Metric("share", "output", positive_share, operators=LINEAR), read=("share", "shere"))
    assert list(traced(mlp()).data.metric_names(0)) == ["share"]
    assert "no plugin registers the metric 'shere'" in caplog.text


@pytest.mark.parametrize(
    ("compute", "problem"),
    [
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: torch.rand(2), "draws random numbers"),
        (lambda x: x, "returned a Tensor of shape"),
        (lambda x: 3.0, "returned a float; it must return a one-dimensional tensor"),
        (lambda x: torch.zeros(5000), "returned 5000 numbers; at most 4096"),
        (lambda x: torch.zeros(2, device="meta"), "on meta for one on cpu"),
    ],
)
def test_a_metric_that_breaks_its_rules_is_off_and_training_goes_on(
    register: Register, caplog: pytest.LogCaptureFixture, compute: Callable[[Tensor], Any], problem: str
) -> None:
    register(
        Metric("broken", "output", compute, operators=LINEAR),
        Metric("share", "output", positive_share, operators=LINEAR),
    )
    torch.manual_seed(1)
    training, plain = Training(), Training()
    plain.model.load_state_dict(training.model.state_dict())
    before = torch.get_rng_state()
    run = record(lambda: training.steps(3), training.model)
    plain.steps(3)
    assert training.losses == plain.losses
    assert torch.equal(torch.get_rng_state(), before)
    assert [record.getMessage().count("'broken' is off") for record in caplog.records] == [1]
    assert problem in caplog.text
    assert any("'broken' is off" in note for note in run.meta.notes)
    assert [list(run.data.metric_names(step)) for step in range(3)] == [["share"]] * 3


def test_it_is_computed_out_of_sight_of_autocast_autograd_and_recording(register: Register) -> None:
    seen: list[tuple[bool, bool, torch.dtype]] = []

    def look(x: Tensor) -> Tensor:
        seen.append((x.requires_grad, torch.is_grad_enabled(), (x.float() @ x.float().T).dtype))
        return x.flatten()[:1]

    register(Metric("look", "output", look, operators=LINEAR))
    model = mlp()

    def program() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            model(batch())

    run = gnn.trace(program)
    assert seen == [(False, False, torch.float32)] * 2
    assert not any(node.op == "matmul" for node in run.structure().nodes)


def test_a_file_gives_back_what_memory_holds(register: Register, tmp_path: Any) -> None:
    register(Metric("share", "output", positive_share, operators=LINEAR))
    run = traced(mlp())
    run.save(tmp_path / "run.gvnn")
    with gnn.load(tmp_path / "run.gvnn") as loaded:
        kept, found = run.data.metric(0, "share"), loaded.data.metric(0, "share")
        assert [(row.value, row.number, row.numbers.tolist()) for row in found] == [
            (row.value, row.number, row.numbers.tolist()) for row in kept
        ]
