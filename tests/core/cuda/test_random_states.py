"""What a CUDA device drew is drawn again by a replay."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor

import graphviz_nn as gnn

pytestmark = pytest.mark.cuda


def draws() -> Tensor:
    x = torch.randn(64, 64, device="cuda")
    return F.dropout(x, 0.5) + torch.rand_like(x) + torch.rand(64)[None].to("cuda")


def test_a_replay_draws_the_same_numbers_and_leaves_the_generators_alone():
    torch.manual_seed(3)
    run = gnn.trace(draws)
    torch.rand(5, device="cuda")
    before = torch.cuda.get_rng_state()
    values = run.replay()  # compares each with the recorded one
    last = max(node.id for node in run.structure().nodes)
    assert torch.equal(values[last, 0].cpu(), run.value(last))
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_a_run_file_keeps_the_states(tmp_path):
    torch.manual_seed(3)
    path = gnn.trace(draws).save(tmp_path / "run.gvnn")
    torch.manual_seed(4)
    with gnn.load(path) as run:
        assert run.replay()
