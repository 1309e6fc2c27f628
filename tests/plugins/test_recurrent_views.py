"""Gates, states and gradients inside recurrent layers are what PyTorch gives where it runs the cells one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded, SelectorError
from graphviz_nn.export.views import export_view
from graphviz_nn.model.views import Curves, ImageGrid, Table
from graphviz_nn.run import Run
from tests.plugins.recurrent_reference import FEATURES, UNITS, Reading, Reference, cell_by_cell
from tests.plugins.showing import fits, show

STEPS, BATCH = 7, 3
TIGHT = {"rtol": 1e-6, "atol": 1e-6}

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


VARIANTS: list[tuple[type[nn.RNNBase], dict[str, Any]]] = [
    (nn.LSTM, {}),
    (nn.LSTM, {"bidirectional": True}),
    (nn.LSTM, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    (nn.LSTM, {"num_layers": 2, "proj_size": 2, "bidirectional": True}),
    (nn.LSTM, {"num_layers": 2, "proj_size": 2, "bias": False}),
    (nn.GRU, {"batch_first": True}),
    (nn.GRU, {"num_layers": 2, "bidirectional": True}),
    (nn.GRU, {"bias": False}),
    (nn.RNN, {"num_layers": 3}),
    (nn.RNN, {"nonlinearity": "relu", "bidirectional": True}),
]


def _named(variant: tuple[type[nn.RNNBase], dict[str, Any]]) -> str:
    return "-".join([variant[0].__name__, *(f"{name}={value}" for name, value in variant[1].items())])


@dataclass
class Case:
    run: Run
    node: str
    reference: Reference
    sample: int


@pytest.fixture(scope="module", params=VARIANTS, ids=_named)
def case(request: pytest.FixtureRequest) -> Case:
    """One recorded step, and sample 1 of it run by PyTorch cell by cell, with its gradients."""
    kind, options = request.param
    torch.manual_seed(0)
    model = Reading(kind, **options)
    layer, sample = model.layer, 1
    shape = (BATCH, STEPS, FEATURES) if layer.batch_first else (STEPS, BATCH, FEATURES)
    places = layer.num_layers * (2 if layer.bidirectional else 1)
    start = [torch.randn(places, BATCH, layer.proj_size or UNITS)]
    start += [torch.randn(places, BATCH, UNITS)] if kind is nn.LSTM else []
    sequence = torch.randn(shape)
    run = gnn.trace(model, sequence, *start, loss=lambda output: output)

    one = sequence[sample] if layer.batch_first else sequence[:, sample]
    found, output = cell_by_cell(layer, one.double(), [state[:, sample].double() for state in start])
    loss = (output**2).sum()
    for strand, hidden in found.hidden.items():
        last = 0 if "reverse" in strand else -1
        loss = loss + 2 * hidden[last].sum()
        if kind is nn.LSTM:
            loss = loss + 3 * found.tracks[f"{strand} · cell" if strand else "cell"][last].sum()
    loss.backward()
    node = next(each.name for each in run.structure().nodes if each.module == "layer" and each.kind == "op")
    recorded = run.value(node)[sample] if layer.batch_first else run.value(node)[:, sample]
    torch.testing.assert_close(output.float().detach(), recorded)
    return Case(run, node, found, sample)


def _images(grid: object) -> dict[str, Any]:
    assert isinstance(grid, ImageGrid)
    assert grid.axes == ("unit", "step")
    return dict(zip(grid.labels, grid.images, strict=True))


def _expected(case: Case, names: tuple[str, ...]) -> dict[str, Any]:
    wanted = {label: each for label, each in case.reference.tracks.items() if label.split(" · ")[-1] in names}
    return {label: torch.stack(each).detach().numpy().T for label, each in wanted.items()}


def test_gates_are_those_of_the_cells(case: Case) -> None:
    expected = _expected(case, ("input", "forget", "output", "reset", "update"))
    if not expected:
        assert fits(case.run, case.node) >= {"states", "through_time"}
        assert not fits(case.run, case.node) & {"gates", "gate_table"}
        return
    images = _images(show(case.run, "gates", case.node, sample=case.sample))
    assert images.keys() == expected.keys()
    for label, numbers in expected.items():
        np.testing.assert_allclose(images[label], numbers, **TIGHT)


def test_states_are_those_of_the_cells(case: Case) -> None:
    projected = any(node.name.endswith("weight_hr_l0") for node in case.run.structure().nodes)
    expected = _expected(case, ("candidate", "cell") if projected else ("candidate", "cell", "hidden"))
    grid = show(case.run, "states", case.node, sample=case.sample)
    images = _images(grid)
    assert images.keys() == expected.keys()
    for label, numbers in expected.items():
        np.testing.assert_allclose(images[label], numbers, **TIGHT)
    assert isinstance(grid, ImageGrid)
    assert "off the recorded" not in grid.note


def test_norms_over_time_are_those_of_the_hidden_states(case: Case) -> None:
    curves = show(case.run, "through_time", case.node, sample=case.sample)
    assert isinstance(curves, Curves)
    expected = {label: each for label, each in case.reference.tracks.items() if label.endswith(("hidden", "cell"))}
    assert {curve.label for curve in curves.curves} == expected.keys()
    for curve in curves.curves:
        norms = [float(each.detach().norm()) for each in expected[curve.label]]
        np.testing.assert_allclose(curve.y, norms, rtol=1e-5)


def test_gradients_through_time_are_those_of_autograd(case: Case) -> None:
    """The kernel shows the gradient of its output alone; the way back through the steps is computed."""
    curves = show(case.run, "through_time", case.node, "gradient", sample=case.sample)
    assert isinstance(curves, Curves)
    assert len(curves.curves) == len(case.reference.hidden)
    for curve, hidden in zip(curves.curves, case.reference.hidden.values(), strict=True):
        norms = [float(each.grad.norm()) for each in hidden if each.grad is not None]
        np.testing.assert_allclose(curve.y, norms, rtol=1e-4)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_packed_sequences_are_as_long_as_they_are(kind: type[nn.RNNBase]) -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = kind(FEATURES, UNITS, bidirectional=True)

        def forward(self, sequence: Tensor) -> Tensor:
            output, _ = self.layer(pack_padded_sequence(sequence, [7, 4, 2]))
            return (output.data**2).sum()

    torch.manual_seed(0)
    model, sequence = Packed(), torch.randn(STEPS, BATCH, FEATURES)
    run = gnn.trace(model, sequence, loss=lambda output: output)
    zeros = [torch.zeros(2, UNITS, dtype=torch.float64)] * (2 if kind is nn.LSTM else 1)
    found, output = cell_by_cell(model.layer, sequence[:4, 1].double(), zeros)
    (output**2).sum().backward()
    node = next(each.name for each in run.structure().nodes if each.op == kind.__name__.lower())
    grid = show(run, "gates", node, sample=1)
    assert "counted from the longest" in grid.note
    for label, image in _images(grid).items():
        np.testing.assert_allclose(image, torch.stack(found.tracks[label]).detach().numpy().T, **TIGHT)
    curves = show(run, "through_time", node, "gradient", sample=1)
    assert isinstance(curves, Curves)
    for curve, hidden in zip(curves.curves, found.hidden.values(), strict=True):
        norms = [float(each.grad.norm()) for each in hidden if each.grad is not None]
        np.testing.assert_allclose(curve.y, norms, rtol=1e-4)


class Stepping(nn.Module):
    def __init__(self, kind: type[nn.RNNCellBase], **options: Any) -> None:
        super().__init__()
        self.cell = kind(FEATURES, UNITS, **options)
        self.other = kind(FEATURES, UNITS, **options)

    def forward(self, sequence: Tensor) -> Tensor:
        state = None
        for x in sequence:
            state = self.cell(x, state)
        other = self.other(sequence[0])
        parts = [*state, *other] if isinstance(state, tuple) else [state, other]
        return sum((part**2).sum() for part in parts)


@pytest.mark.parametrize(
    ("kind", "whole", "options"),
    [
        (nn.LSTMCell, nn.LSTM, {}),
        (nn.GRUCell, nn.GRU, {"bias": False}),
        (nn.RNNCell, nn.RNN, {"nonlinearity": "relu"}),
        (nn.RNNCell, nn.RNN, {}),
    ],
)
def test_cells_called_once_a_step_are_shown_over_their_calls(
    kind: type[nn.RNNCellBase], whole: type[nn.RNNBase], options: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    model, sequence = Stepping(kind, **options), torch.randn(STEPS, BATCH, FEATURES)
    run = gnn.trace(model, sequence, loss=lambda output: output)
    layer = whole(FEATURES, UNITS, **options)
    layer.load_state_dict({f"{name}_l0": each for name, each in model.cell.state_dict().items()})
    zeros = [torch.zeros(1, UNITS, dtype=torch.float64)] * (2 if whole is nn.LSTM else 1)
    found, _ = cell_by_cell(layer, sequence[:, 2].double(), zeros)
    sum((states[-1] ** 2).sum() for label, states in found.tracks.items() if label in ("hidden", "cell")).backward()

    node = next(each.name for each in run.structure().nodes if each.op.endswith("_cell"))
    images = _images(show(run, "states", node, sample=2))
    if whole is not nn.RNN:
        images |= _images(show(run, "gates", node, sample=2))
    assert images.keys() == found.tracks.keys()
    for label, image in images.items():
        np.testing.assert_allclose(image, torch.stack(found.tracks[label]).detach().numpy().T, **TIGHT)
    curves = show(run, "through_time", node, "gradient", sample=2)
    assert isinstance(curves, Curves)
    norms = [float(each.grad.norm()) for each in found.hidden[""] if each.grad is not None]
    np.testing.assert_allclose(curves.curves[0].y, norms, rtol=1e-4)


def test_a_gate_that_never_moves_shows_in_the_table() -> None:
    torch.manual_seed(0)
    model = Reading(nn.LSTM)
    with torch.no_grad():
        model.layer.bias_hh_l0[UNITS : 2 * UNITS] = 20.0
    zeros = torch.zeros(1, BATCH, UNITS)
    run = gnn.trace(model, torch.randn(STEPS, BATCH, FEATURES), zeros, zeros)
    table = show(run, "gate_table", "layer")
    assert isinstance(table, Table)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["forget"] == (pytest.approx(1.0), "0%", "100%", "100%")
    assert rows["input"][3] == "0%"


def test_colours_of_gates_span_0_to_1_unless_another_scale_is_asked_for() -> None:
    run = gnn.trace(Reading(nn.GRU), torch.randn(STEPS, BATCH, FEATURES), torch.zeros(1, BATCH, UNITS))
    shown = [
        show(run, view, "layer", scale=scale)
        for view, scale in (("gates", "auto"), ("gates", "each"), ("states", "auto"))
    ]
    assert [(grid.limits, grid.scale) for grid in shown if isinstance(grid, ImageGrid)] == [
        ((0.0, 1.0), "common"), (None, "each"), (None, "each"),
    ]  # fmt: skip


def _stacked_with_dropout() -> Run:
    torch.manual_seed(0)
    zeros = torch.zeros(2, BATCH, UNITS)
    model = Reading(nn.GRU, num_layers=2, dropout=0.5)
    return gnn.trace(model, torch.randn(STEPS, BATCH, FEATURES), zeros, loss=lambda output: output)


def test_behind_dropout_between_layers_nothing_is_made_up() -> None:
    run = _stacked_with_dropout()
    grid = show(run, "gates", "layer")
    assert isinstance(grid, ImageGrid)
    assert grid.labels == ("layer 0 · reset", "layer 0 · update")
    assert "dropout" in grid.note
    with pytest.raises(NotRecorded, match="eval mode"):
        show(run, "through_time", "layer", "gradient")


def test_what_was_not_kept_is_named() -> None:
    zeros = torch.zeros(1, BATCH, UNITS)
    run = gnn.trace(Reading(nn.GRU), torch.randn(STEPS, BATCH, FEATURES), zeros, keep="stats")
    with pytest.raises(NotRecorded, match=r"not kept in this step: sequence, .*layer\.weight_ih_l0.*keep='all'"):
        show(run, "gates", "layer")


def test_numbers_that_are_not_finite_stay_so() -> None:
    torch.manual_seed(0)
    sequence = torch.randn(STEPS, BATCH, FEATURES)
    sequence[3, 0, 0] = float("nan")
    run = gnn.trace(Reading(nn.GRU), sequence, torch.zeros(1, BATCH, UNITS))
    images = _images(show(run, "gates", "layer"))
    assert np.isfinite(images["reset"][:, :3]).all()
    assert np.isnan(images["reset"][:, 3:]).all()


class Translating(nn.Module):
    """Without given states, so that the layer makes zeros, and is more than one node."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(FEATURES, UNITS)
        self.decoder = nn.Sequential(nn.Linear(UNITS, UNITS), nn.GRUCell(UNITS, UNITS), nn.GRUCell(UNITS, UNITS))

    def forward(self, sequence: Tensor) -> Tensor:
        return self.decoder(self.encoder(sequence)[0][-1])


def test_a_module_stands_for_the_one_node_in_it_that_the_view_fits(tmp_path: Path) -> None:
    run = gnn.trace(Translating(), torch.randn(STEPS, BATCH, FEATURES))
    path = export_view(run.data, tmp_path / "gates.png", "gates", node="encoder")
    assert path.read_bytes() == export_view(run.data, tmp_path / "same.png", "gates", node="encoder.lstm").read_bytes()
    with pytest.raises(SelectorError, match=r"fits 2 nodes in it: name one of decoder\.1\S*, decoder\.2\S*\."):
        export_view(run.data, tmp_path / "gates.png", "gates", node="decoder")
    with pytest.raises(SelectorError, match="fits no nodes in it"):
        export_view(run.data, tmp_path / "gates.png", "attention", node="encoder")
    with pytest.raises(SelectorError, match="Did you mean 'encoder'"):
        export_view(run.data, tmp_path / "gates.png", "gates", node="encodre")
