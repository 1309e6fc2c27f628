"""FSDP2 and tensor parallelism in two processes: whole shapes, local numbers, no machinery in the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import graphviz_nn as gnn
from graphviz_nn.graph.parameters import count_parameters
from graphviz_nn.run import Run

VARIANTS = ("fully_sharded", "tensor_parallel")


@pytest.fixture
def folder(sharded_folder: Path) -> Path:
    return sharded_folder


@pytest.fixture
def found(sharded_results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sharded_results


@pytest.fixture(params=VARIANTS)
def run(found: list[dict[str, Any]], folder: Path, request: pytest.FixtureRequest) -> Run:
    return gnn.load(folder / f"{request.param}.gvnn", 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_recording_changes_no_bit_on_any_rank(found, variant):
    assert [rank[variant] for rank in found] == [[], []]


def test_all_ranks_are_there_and_complete(run):
    assert (run.meta.rank, run.meta.world_size, run.meta.complete) == (1, 2, True)
    assert len(run.steps) == 3
    assert any("DTensor" in note for note in run.meta.notes)


def test_what_torch_distributed_does_by_itself_is_infrastructure(run):
    forward = [node for node in run.structure().nodes if node.phase == "forward"]
    of_network = {"linear", "relu", "batch_norm", "square", "mean"}
    of_test = {"to_local", "detach", "clone", "_ToTorchTensor", "view_as"}  # what the program does to keep its numbers
    sources = {"input", "parameter", "buffer"}
    assert {node.op for node in forward if node.kind not in sources} <= of_network | of_test
    assert not [node for node in forward if node.module is not None and node.op in of_test]
    assert any(node.phase == "infra" for node in run.structure().nodes)


def test_the_picture_shows_the_machinery_only_when_asked(run, tmp_path):
    machinery = {node.name for node in run.structure().nodes if node.phase == "infra" and node.kind == "custom"}
    assert machinery
    plain = run.export(tmp_path / "plain.svg").read_text(encoding="utf-8")
    everything = run.export(tmp_path / "all.svg", show_all=True, depth=9).read_text(encoding="utf-8")
    assert not [name for name in machinery if name.rpartition(".")[2] in plain]
    assert any(name.rpartition(".")[2] in everything for name in machinery)


def test_modules_of_one_operator_keep_their_name(run):
    assert run.node("0").op == "linear"


def test_a_parameter_has_its_name_whole_and_as_shards(found, folder):
    with gnn.load(folder / "fully_sharded.gvnn", 1) as run:
        whole, shard = run.node("0.weight"), run.node("0.weight_2")
        assert whole.names == shard.names == ("0.weight",)
        assert "shards" not in whole.attributes
        assert whole.outputs[0].shape == shard.outputs[0].shape == (8, 4)
        assert shard.attributes["shards"]["0"]["shape"] == [4, 4]
        assert all(node.names for node in run.structure().nodes if node.kind == "parameter")


def test_a_shard_is_measured_by_itself_and_all_of_them_as_the_whole(found, folder):
    path = folder / "tensor_parallel.gvnn"
    weight = torch.tensor(found[0]["weight"]).double()
    for rank in range(2):
        with gnn.load(path, rank) as run:
            node = run.node("0.weight")
            assert node.outputs[0].shape == (8, 4)
            assert node.attributes["shards"]["0"]["shape"] == [4, 4]
            own = weight[4 * rank : 4 * rank + 4]
            assert run.stats(node, step=0).mean == pytest.approx(own.mean().item(), rel=1e-5)
    with gnn.load(path, "all") as run:
        stats = run.stats("0.weight", step=0)
        assert stats.mean == pytest.approx(weight.mean().item(), rel=1e-4)
        assert stats.std == pytest.approx(weight.std(correction=0).item(), rel=1e-5)
        assert stats.l2 == pytest.approx(weight.norm().item(), rel=1e-5)


def test_a_parameter_that_stands_there_twice_counts_once(found, folder):
    with gnn.load(folder / "fully_sharded.gvnn") as run:
        assert count_parameters(run.structure()).elements == 8 * 4 + 8 + 2 * 8 + 2 * 8 + 2


def test_what_a_program_does_with_the_gradients_of_shards_belongs_to_the_update(run):
    read = [node for node in run.structure().nodes if node.op == "_ToTorchTensor" and node.phase == "optimizer"]
    assert read


def test_the_gradient_that_the_optimizer_reads_is_that_of_the_shard(found, folder):
    """All ranks' shards together are the mean of the ranks' own contributions."""
    path = folder / "fully_sharded.gvnn"
    with gnn.load(path, 0) as first, gnn.load(path, 1) as second, gnn.load(path, "all") as all_ranks:
        own = [run.stats("0.weight", "gradient", step=0).mean for run in (first, second)]
        shards = all_ranks.stats("0.weight_2", "parameter_gradient", step=0)
        assert shards.mean == pytest.approx(sum(own) / 2, rel=1e-4)
        assert first.stats("0.weight_2", "update", step=0).l2 == pytest.approx(
            0.1 * first.stats("0.weight_2", "parameter_gradient", step=0).l2, rel=1e-4
        )
