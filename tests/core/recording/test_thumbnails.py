"""Feature maps and attention weights have thumbnails; other values of four dimensions only where they are asked for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.errors import OptionError
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.thumbnails import ATTENTION_SIDE, CHANNELS, HEADS, SIDE, thumbnail
from graphviz_nn.run import Run


def pictured(run: Run, kind: str = "thumbnail") -> list[str]:
    """Names of the nodes that have thumbnails."""
    return [run.node(key.node).name for key in run.data.tensor_keys(0) if key.kind == kind]


def picture(run: Run, name: str) -> Tensor:
    data = run.data.tensor(0, TensorKey("thumbnail", run.node(name).id, 0))
    return torch.from_numpy(data.numpy().copy())


def test_they_are_small_copies_of_the_first_sample():
    x = torch.arange(2 * 70 * 40 * 100, dtype=torch.float32).reshape(2, 70, 40, 100)
    made = thumbnail(x)
    assert made.dtype == torch.bfloat16
    assert torch.equal(made, x[0, :CHANNELS, ::2, ::4].bfloat16())
    assert made.shape == (CHANNELS, 20, 25)
    assert max(made.shape[1:]) <= SIDE


@pytest.mark.parametrize(
    "tensor",
    [torch.ones(2, 3, 4), torch.ones(1, 1, 4, 4, dtype=torch.int64), torch.ones(1, 8, 1, 1), torch.ones(0, 3, 8, 8)],
    ids=["3-D", "integers", "one pixel", "no sample"],
)
def test_what_is_no_picture_has_none(tensor: Tensor):
    assert thumbnail(tensor) is None


@pytest.mark.parametrize(
    ("keep", "thumbnails", "expected"),
    [("stats", None, True), ("stats", False, False), ("all", None, False), ("all", True, True), ("none", True, False)],
)
def test_when_they_are_made(keep: str, thumbnails: bool | None, expected: bool):
    model, images = nn.Conv2d(1, 3, 3), torch.rand(2, 1, 40, 40)
    run = gnn.trace(model, images, loss=lambda y: y.square().mean(), keep=keep, thumbnails=thumbnails)
    node = run.node("conv2d").id
    for kind in ("thumbnail", "gradient_thumbnail"):
        data = run.data.tensor(0, TensorKey(kind, node, 0))
        assert (data is not None) is expected
        assert data is None or (data.shape, data.dtype) == ((3, 19, 19), "bfloat16")


def test_feature_maps_are_followed_through_the_layers_that_keep_them():
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
            self.head = nn.Linear(2 * 16, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            y = torch.relu(self.norm(y)) + y
            y = torch.cat([y, y], 1)[:, :2]
            return self.head(y.flatten(1))

    run = gnn.trace(Block(), torch.rand(2, 2, 4, 4), loss=lambda y: y.sum(), keep="stats")
    maps = ["conv", "norm", "relu", "add", "cat", "getitem"]
    assert pictured(run) == maps
    assert set(pictured(run, "gradient_thumbnail")) == set(maps)


def attention(x: Tensor) -> Tensor:
    """Two heads over a sequence, [samples, positions, 8]."""
    heads = x.view(*x.shape[:2], 2, 4).transpose(1, 2)
    weights = (heads @ heads.transpose(2, 3) * 0.5).softmax(-1)
    return (weights @ heads).transpose(1, 2).flatten(2)


def test_of_attention_only_the_weights():
    x = torch.rand(2, 5, 8)
    run = gnn.trace(attention, x, keep="stats")
    assert pictured(run) == ["softmax"]
    heads = x.view(2, 5, 2, 4).transpose(1, 2)
    expected = (heads @ heads.transpose(2, 3) * 0.5).softmax(-1)[0]
    assert torch.equal(picture(run, "softmax"), expected.bfloat16().float())


def test_attention_weights_of_many_heads_and_long_sequences_are_cut_down():
    weights = gnn.trace(lambda x: x.softmax(-1), torch.rand(1, 20, 200, 100), keep="stats")
    assert picture(weights, "softmax").shape == (HEADS, 50, 50)
    assert ATTENTION_SIDE == 64


def test_patches_of_a_vision_transformer_end_the_feature_maps():
    class Vision(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return attention(self.patches(x).flatten(2).transpose(1, 2))

    assert pictured(gnn.trace(Vision(), torch.rand(1, 3, 8, 8), keep="stats")) == ["patches", "softmax"]


def test_everything_on_request():
    run = gnn.trace(attention, torch.rand(2, 5, 8), keep="stats", thumbnails="all")
    assert len(pictured(run)) == len([n for n in run.structure().nodes if any(len(o.shape) == 4 for o in n.outputs)])


def test_a_written_view_that_is_read_later_is_not_taken_for_a_feature_map():
    def program(images: Tensor, other: Tensor) -> Tensor:
        view = other[:1]
        other.add_(1)
        nn.functional.max_pool2d(images, 2)
        return view.view(1, -1)

    run = gnn.trace(program, torch.rand(1, 1, 4, 4), torch.rand(2, 1, 4, 4), keep="stats")
    assert any(node.kind == "alias" for node in run.structure().nodes)
    assert pictured(run) == ["max_pool2d"]


def test_an_unknown_choice_names_the_known_ones():
    with pytest.raises(OptionError, match=r"thumbnails='picture' is not known.*'pictures'"):
        KeepPolicy.parse("stats", thumbnails="picture")
