"""`DistributedDataParallel` in two processes: nothing changes, and each rank's file says what that rank did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded

VARIANTS = ("plain", "bucket_views", "no_sync", "unused")
NAMES = ("0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias")


@pytest.fixture
def folder(parallel_folder: Path) -> Path:
    return parallel_folder


@pytest.fixture
def found(parallel_results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return parallel_results


@pytest.mark.parametrize("variant", VARIANTS)
def test_recording_changes_no_bit_on_any_rank(found, variant):
    assert [rank[variant] for rank in found] == [[], []]


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_rank_writes_a_file_of_its_own(found, folder, variant):
    path = folder / f"{variant}.gvnn"
    assert sorted(file.name for file in path.iterdir()) == ["rank0.gvnn", "rank1.gvnn"]
    for rank in range(2):
        with gnn.load(path, rank) as run:
            assert (run.meta.rank, run.meta.world_size, run.meta.complete) == (rank, 2, True)
            assert [step.index for step in run.steps] == [0, 1, 2]


@pytest.mark.parametrize("variant", ["plain", "bucket_views"])
def test_the_contribution_is_the_rank_s_own_and_the_accumulated_gradient_the_mean(found, folder, variant):
    for rank in range(2):
        with gnn.load(folder / f"{variant}_all.gvnn", rank) as run:
            for name in NAMES:
                own = torch.tensor(found[rank]["own gradient"][name])
                mean = torch.tensor(found[rank]["mean gradient"][f"0 module.{name} gradient"])
                assert torch.equal(run.gradient(f"module.{name}", step=0), own)
                assert torch.equal(run.accumulated(f"module.{name}", step=0), mean)
                assert name != "0.weight" or not torch.equal(own, mean)


@pytest.mark.parametrize("variant", ["plain", "bucket_views"])
def test_statistics_are_taken_before_the_ranks_gradients_are_averaged(found, folder, variant):
    for rank in range(2):
        with gnn.load(folder / f"{variant}.gvnn", rank) as run:
            for name in NAMES:
                own = torch.tensor(found[rank]["own gradient"][name])
                mean = torch.tensor(found[rank]["mean gradient"][f"0 module.{name} gradient"])
                assert run.stats(f"module.{name}", "gradient", step=0).l2 == pytest.approx(norm(own), rel=1e-5)
                total = run.stats(f"module.{name}", "parameter_gradient", step=0)
                assert total.l2 == pytest.approx(norm(mean), rel=1e-5)


def norm(tensor: Tensor) -> float:
    return float(tensor.double().norm())


def test_accumulation_has_two_passes_of_which_the_first_is_not_averaged(found, folder):
    with gnn.load(folder / "no_sync.gvnn") as run:
        assert run.steps[0].info.passes == 2
        first, second = (run.stats("module.0.weight", "parameter_gradient", step=0, number=k) for k in (0, 1))
        own = torch.tensor(found[0]["own gradient"]["0.weight"])
        assert first.l2 == pytest.approx(norm(own), rel=1e-5)
        assert second.l2 != first.l2


def test_no_gradient_arrives_at_a_layer_that_no_batch_reaches(found, folder):
    with gnn.load(folder / "unused.gvnn") as run:
        names = {node.name for node in run.structure().nodes}
        assert "module.first.weight" in names
        assert "module.unused.weight" not in names
        assert not any(node.op == "_DDPSink" and node.phase == "forward" for node in run.structure().nodes)


def test_merged_statistics_are_those_of_all_ranks_elements(found, folder):
    with gnn.load(folder / "plain.gvnn", "all") as run:
        for name in NAMES:
            both = torch.cat([torch.tensor(rank["own gradient"][name]).flatten() for rank in found]).double()
            stats = run.stats(f"module.{name}", "gradient", step=0)
            assert stats.mean == pytest.approx(both.mean().item(), rel=1e-4, abs=1e-8)
            assert stats.std == pytest.approx(both.std(correction=0).item(), rel=1e-4)
            assert (stats.min, stats.max) == (both.min().item(), both.max().item())
            assert stats.l2 == pytest.approx(norm(both), rel=1e-5)
            assert stats.zeros == pytest.approx((both == 0).double().mean().item())
        with pytest.raises(NotRecorded):
            run.value("module.0")
