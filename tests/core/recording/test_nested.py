"""Nested tensors, whose parts have different sizes, and sparse ones beside them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.run import Run


def parts() -> list[Tensor]:
    return [torch.ones(2, 3), torch.ones(4, 3)]


def shapes(run: Run, op: str) -> list[tuple[int, ...]]:
    return [node.outputs[0].shape for node in run.structure().nodes if node.op == op]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("keep", ["none", "stats", "all"])
def test_the_fast_path_of_a_masked_encoder_is_recorded(keep: str, tmp_path):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).eval()
    x = torch.randn(2, 5, 8)
    mask = torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]).bool()
    expected = []

    def program() -> None:
        with torch.no_grad():
            expected.append(encoder(x, src_key_padding_mask=mask))

    program()
    run = gnn.trace(program, keep=keep)
    assert torch.equal(*expected)
    assert shapes(run, "_transformer_encoder_layer_fwd") == [(2, -1, 8), (2, -1, 8)]
    assert shapes(run, "to_padded_tensor") == [(2, 5, 8)]
    run.save(tmp_path / "run.gvnn")
    assert gnn.load(tmp_path / "run.gvnn").structure() == run.structure()
    if keep == "all":
        run.replay()


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_train(layout: torch.layout):
    linear = nn.Linear(3, 3)

    def program() -> None:
        nested = torch.nested.nested_tensor(parts(), layout=layout)
        y = linear(nested) * 2
        (y.to_padded_tensor(0.0) if layout is torch.strided else y.values()).sum().backward()

    program()
    expected = linear.weight.grad
    linear.zero_grad()
    run = gnn.trace(program, keep="stats")
    assert torch.equal(linear.weight.grad, expected)
    assert shapes(run, "mul")[0] == (2, -1, 3)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_metrics_leave_sparse_tensors_alone():
    """An unexpected record in the log fails the test."""
    linear = nn.Linear(4, 4)

    def program() -> None:
        matrix = torch.eye(4).to_sparse_csr()
        linear((matrix * 2).matmul(torch.ones(4, 4))).sum().backward()

    run = gnn.trace(program, keep="stats", metrics="auto")
    assert shapes(run, "linear") == [(4, 4)]
