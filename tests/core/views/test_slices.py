"""A part of a kept tensor is what numpy would index out of the whole, and costs no more than that part."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import graphviz_nn as gnn
from graphviz_nn.model.slices import describe, part_bytes, read_part
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.store.reader import RunFile, open_run

TENSORS = {
    "plain": torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5),
    "channels_last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    "transposed": torch.randn(5, 4, 3).transpose(0, 2),
    "expanded": torch.randn(4, 1, 3).expand(4, 2, 3),
    "bfloat16": torch.randn(3, 4).to(torch.bfloat16),
    "empty": torch.zeros(3, 0, 2),
    "scalar": torch.tensor(3.5),
}


class KeepsInputs(torch.nn.Module):
    def forward(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        return [tensor * 1 for tensor in tensors]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> RunFile:
    path: Path = tmp_path_factory.mktemp("slices") / "run.gvnn"
    gnn.trace(KeepsInputs(), *TENSORS.values(), keep="all").save(path)
    return open_run(path)


def _key(file: RunFile, name: str) -> TensorKey:
    """The key of one of the tensors, which are the inputs in their order."""
    structure = file.structure(file.steps()[0].structure)
    inputs = [node for node in structure.nodes if node.kind == "input"]
    return TensorKey("value", inputs[list(TENSORS).index(name)].id, 0)


def _random_index(shape: tuple[int, ...], chance: random.Random) -> tuple[int | slice, ...]:
    index: list[int | slice] = []
    for size in shape[: chance.randint(0, len(shape))]:
        if size and chance.random() < 0.5:
            index.append(chance.randrange(-size, size))
        else:
            index.append(slice(chance.choice([None, 0, 1, -1]), chance.choice([None, 1, 2, 100])))
    return tuple(index)


@pytest.mark.parametrize("name", TENSORS)
def test_parts_equal_numpys(file: RunFile, name: str) -> None:
    whole: np.ndarray[Any, Any] = TENSORS[name].float().numpy()
    chance = random.Random(name)
    for _ in range(40):
        index = _random_index(whole.shape, chance)
        part = read_part(file, 0, _key(file, name), *index)
        assert part is not None
        np.testing.assert_array_equal(part, whole[index], err_msg=str(index))


def test_in_memory_and_in_a_file_are_the_same(file: RunFile) -> None:
    run = gnn.trace(KeepsInputs(), *TENSORS.values(), keep="all")
    for name in TENSORS:
        key = _key(file, name)
        np.testing.assert_array_equal(read_part(run.data, 0, key), read_part(file, 0, key))


def test_one_sample_reads_one_sample(file: RunFile, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    slices = file.tensor_slice
    monkeypatch.setattr(file, "tensor_slice", lambda p, k, a, b: (asked.append(b - a), slices(p, k, a, b))[1])
    read_part(file, 0, _key(file, "plain"), 1)
    read_part(file, 0, _key(file, "channels_last"), 0)
    read_part(file, 0, _key(file, "plain"), 0, slice(1, 2))
    assert asked == [60, 60, 20]


def test_bytes_are_told_before_reading(file: RunFile) -> None:
    found = describe(file, 0, _key(file, "plain"))
    assert found is not None
    assert part_bytes(found, 0) == 60 * 4
    assert part_bytes(found, 0, slice(0, 2)) == 40 * 4


@pytest.mark.parametrize("index", [(2,), (0, -4), (0, 0, 0, 0, 0)])
def test_outside_is_an_error(file: RunFile, index: tuple[int, ...]) -> None:
    with pytest.raises(IndexError):
        read_part(file, 0, _key(file, "plain"), *index)


def test_what_was_not_kept_is_none(file: RunFile) -> None:
    missing = TensorKey("gradient", 0, 0)
    assert read_part(file, 0, missing) is None
    assert describe(file, 0, missing) is None
