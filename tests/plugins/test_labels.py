"""Labels say what an expert would: of modules, of calls, and of calls about which little is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from graphviz_nn.model.layer_types import LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node, Output
from graphviz_nn.plugin.builtin import register_layer_types
from tests.plugins.recorded_calls import BUILTIN, describe, record

MODULES: list[tuple[nn.Module, str]] = [
    (nn.Conv1d(4, 8, 3), "Conv1d 3, 8"),
    (nn.Conv2d(3, 64, 3), "Conv 3×3, 64"),
    (nn.Conv2d(3, 64, 3, stride=2), "Conv 3×3, 64, stride 2"),
    (nn.Conv2d(3, 8, (3, 1), stride=(2, 1), dilation=2), "Conv 3×1, 8, stride 2×1, dilation 2"),
    (nn.Conv2d(8, 8, 3, groups=8), "Depthwise conv 3×3"),
    (nn.Conv2d(8, 16, 3, groups=8), "Depthwise conv 3×3, 16"),
    (nn.Conv2d(8, 16, 3, groups=4), "Conv 3×3, 16, 4 groups"),
    (nn.Conv3d(1, 2, 3), "Conv 3×3×3, 2"),
    (nn.ConvTranspose2d(8, 4, 2, stride=2), "Transposed conv 2×2, 4, stride 2"),
    (nn.Linear(512, 10), "Linear 512 → 10"),
    (nn.Bilinear(3, 4, 5), "Bilinear 3, 4 → 5"),
    (nn.BatchNorm2d(64), "BatchNorm 64"),
    (nn.LayerNorm(768), "LayerNorm 768"),
    (nn.LayerNorm((4, 8)), "LayerNorm 4×8"),
    (nn.GroupNorm(32, 256), "GroupNorm 256, 32 groups"),
    (nn.RMSNorm(16), "RMSNorm 16"),
    (nn.LocalResponseNorm(5), "LocalResponseNorm 5"),
    (nn.MaxPool2d(2), "MaxPool 2×2"),
    (nn.MaxPool2d(3, 2), "MaxPool 3×3, stride 2"),
    (nn.AvgPool1d(3), "AvgPool 3"),
    (nn.AdaptiveAvgPool2d(1), "AvgPool to 1×1"),
    (nn.LPPool2d(2, 3), "LPPool 3×3"),
    (nn.MaxUnpool2d(2), "MaxUnpool 2×2"),
    (nn.ReLU(), "ReLU"),
    (nn.LeakyReLU(0.1), "LeakyReLU 0.1"),
    (nn.ELU(0.5), "ELU 0.5"),
    (nn.ELU(), "ELU"),
    (nn.GELU("tanh"), "GELU (tanh)"),
    (nn.Softmax(dim=-1), "Softmax dim −1"),
    (nn.Hardtanh(-2.0, 2.0), "Hardtanh −2 … 2"),
    (nn.ReLU6(), "ReLU6"),
    (nn.Threshold(0.1, 20.0), "x > 0.1, else 20"),
    (nn.PReLU(64), "PReLU 64"),
    (nn.Dropout(0.1), "Dropout 0.1"),
    (nn.LSTM(4, 128, 2, bidirectional=True), "LSTM 128 × 2, bidirectional"),
    (nn.LSTM(4, 128, proj_size=16), "LSTM 128, projected to 16"),
    (nn.GRU(4, 32), "GRU 32"),
    (nn.LSTMCell(4, 5), "LSTMCell 5"),
    (nn.Embedding(50257, 768), "Embedding 50257 × 768"),
    (nn.EmbeddingBag(7, 3), "EmbeddingBag 7 × 3, mean"),
    (nn.MultiheadAttention(24, 12), "Attention 12 heads"),
    (nn.Transformer(16, 2, 1, 1, 16, batch_first=True), "Transformer 16, 2 heads"),
    (nn.Upsample(scale_factor=2, mode="bilinear"), "Upsample × 2, bilinear"),
    (nn.Upsample(size=(4, 8)), "Upsample to 4×8"),
    (nn.PixelShuffle(2), "PixelShuffle × 2"),
    (nn.ZeroPad2d(1), "Zero pad 1"),
    (nn.ReflectionPad2d((1, 1, 2, 2)), "Reflection pad 1, 1, 2, 2"),
    (nn.Unfold(3, stride=2), "Unfold 3×3, stride 2"),
    (nn.Fold((4, 4), 2), "Fold 2×2"),
    (nn.Flatten(), "Flatten from dim 1"),
    (nn.CrossEntropyLoss(label_smoothing=0.1), "CrossEntropyLoss, label smoothing 0.1"),
    (nn.MSELoss(reduction="sum"), "MSELoss, sum"),
    (nn.TripletMarginLoss(margin=0.5), "TripletMarginLoss, margin 0.5"),
]


@pytest.mark.parametrize(("module", "expected"), MODULES, ids=lambda value: value if isinstance(value, str) else "")
def test_label_of_a_module(module: nn.Module, expected: str) -> None:
    described = describe(module)
    kind = BUILTIN.for_module(described)
    assert kind is not None
    assert kind.label(described) == expected


def x(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


LSTM = nn.LSTM(4, 5, 2)
CONV = nn.Conv2d(4, 8, 3, stride=2)
ATTENTION = nn.MultiheadAttention(8, 2)


class LayerNorm2d(nn.LayerNorm):
    """A norm that a library derives from torch's."""


MODULES.append((LayerNorm2d(96), "LayerNorm2d 96"))
CALLS: list[tuple[Callable[[], object], str, str | None]] = [
    (lambda: functional.conv2d(x(1, 4, 8, 8), x(6, 2, 3, 3), groups=2), "conv2d", "Conv 3×3, 6, 2 groups"),
    (lambda: functional.conv2d(x(1, 4, 8, 8), x(4, 1, 3, 3), None, 2, 1, 1, 4), "conv2d",
     "Depthwise conv 3×3, stride 2"),
    (lambda: functional.conv_transpose2d(x(1, 4, 8, 8), x(4, 6, 3, 3), stride=2), "conv_transpose2d",
     "Transposed conv 3×3, 6, stride 2"),
    (lambda: CONV(x(1, 4, 8, 8)), "conv2d", "Conv 3×3, 8, stride 2"),
    (lambda: functional.linear(x(2, 4), x(5, 4)), "linear", "Linear 4 → 5"),
    (lambda: functional.max_pool2d(x(1, 1, 8, 8), 3, stride=2), "max_pool2d", "MaxPool 3×3, stride 2"),
    (lambda: functional.adaptive_avg_pool2d(x(1, 1, 8, 8), (1, None)), "adaptive_avg_pool2d", "AvgPool to 1×·"),
    (lambda: functional.layer_norm(x(2, 8), (8,)), "layer_norm", "LayerNorm 8"),
    (lambda: functional.group_norm(x(2, 8, 4), 2), "group_norm", "GroupNorm 8, 2 groups"),
    (lambda: functional.leaky_relu(x(2), 0.2), "leaky_relu", "LeakyReLU 0.2"),
    (lambda: functional.relu(x(2), inplace=True), "relu_", "ReLU"),
    (lambda: x(2, 3).softmax(-1), "softmax", "Softmax dim −1"),
    (lambda: functional.embedding(torch.tensor([1]), x(5, 3)), "embedding", "Embedding 5 × 3"),
    (lambda: LSTM(x(7, 3, 4)), "lstm", "LSTM 5 × 2"),
    (lambda: torch.gru_cell(x(3, 4), x(3, 5), x(15, 4), x(15, 5)), "gru_cell", "GRUCell 5"),
    (lambda: functional.scaled_dot_product_attention(x(2, 12, 5, 8), x(2, 12, 5, 8), x(2, 12, 5, 8), is_causal=True),
     "scaled_dot_product_attention", "Attention 12 heads, causal"),
    (lambda: ATTENTION(x(5, 2, 8), x(5, 2, 8), x(5, 2, 8)), "multi_head_attention_forward", "Attention 2 heads"),
    (lambda: torch.einsum("b i j, b j k -> b i k", x(2, 3, 4), x(2, 4, 5)), "einsum", "einsum bij,bjk → bik"),
    (lambda: x(2) * 0.125, "mul", "× 0.125"),
    (lambda: 0.5 * x(2), "mul", "× 0.5"),
    (lambda: x(2) / 8, "div", "÷ 8"),
    (lambda: 1 - x(2), "rsub", "1 − x"),
    (lambda: x(2).add_(1), "add_", "+ 1"),
    (lambda: x(2) + x(2), "add", None),
    (lambda: x(2) ** 2, "pow", "x²"),
    (lambda: x(2).pow(1.5), "pow", "x ^ 1.5"),
    (lambda: x(2) > 0, "gt", "> 0"),
    (lambda: x(2).clamp(0, 6), "clamp", "clamp 0 … 6"),
    (lambda: x(2).clamp(max=1), "clamp", "clamp ≤ 1"),
    (lambda: x(2).masked_fill(x(2) > 0, float("-inf")), "masked_fill", "masked_fill −∞"),
    (lambda: x(2, 3).mean((0, 1)), "mean", "mean dim 0, 1"),
    (lambda: x(2, 3).sum(), "sum", None),
    (lambda: torch.max(x(2), x(2)), "max", None),
    (lambda: x(2, 3).topk(2), "topk", "topk 2"),
    (lambda: x(2, 3, 4).transpose(1, 2), "transpose", "transpose 1, 2"),
    (lambda: x(2, 3, 4).permute(0, 2, 1), "permute", "permute 0, 2, 1"),
    (lambda: torch.cat([x(2), x(2)]), "cat", "cat dim 0"),
    (lambda: torch.stack([x(2), x(2)], dim=-1), "stack", "stack dim −1"),
    (lambda: torch.split(x(4, 6), 2, 1), "split", "split 2, dim 1"),
    (lambda: torch.split_with_sizes(x(4), [1, 3]), "split_with_sizes", "split 1, 3, dim 0"),
    (lambda: x(2, 6).chunk(3, dim=1), "chunk", "chunk 3, dim 1"),
    (lambda: x(2, 3)[:, -1], "getitem", "x[:, −1]"),
    (lambda: x(2, 3)[..., None], "getitem", "x[…, None]"),
    (lambda: x(2, 6)[0, 1:5:2], "getitem", "x[0, 1:5:2]"),
    (lambda: x(2, 3)[torch.tensor([0, 1])], "getitem", "x[·]"),
    (lambda: x(2, 3, 4).flatten(1, 2), "flatten", "Flatten from dim 1 to 2"),
    (lambda: functional.pad(x(2, 3), (1, 2)), "pad", "pad 1, 2"),
    (lambda: functional.pad(x(1, 2, 3), (1, 1), mode="reflect"), "pad", "pad 1, reflect"),
    (lambda: functional.unfold(x(1, 1, 4, 4), 3), "unfold", "Unfold 3×3"),
    (lambda: x(2, 6).unfold(1, 3, 1), "unfold", "unfold 1, 3, 1"),
    (lambda: x(2).to(torch.float64), "to", "to float64"),
    (lambda: functional.one_hot(torch.tensor([1]), 4), "one_hot", "one-hot 4"),
    (lambda: functional.interpolate(x(1, 1, 4, 4), scale_factor=2), "interpolate", "Upsample × 2"),
    (lambda: functional.dropout(x(2), 0.3), "dropout", "Dropout 0.3"),
    (lambda: functional.mse_loss(x(2), x(2)), "mse_loss", "MSELoss"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "op", "expected"), CALLS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_label_of_a_call(program: Callable[[], object], op: str, expected: str | None) -> None:
    calls = [recorded for recorded in record(program) if recorded.call.node.op == op]
    assert calls, f"no call of {op} was recorded"
    assert calls[-1].kind is not None
    assert calls[-1].label == expected


@pytest.mark.parametrize("kind", register_layer_types(), ids=lambda kind: kind.name)
def test_nothing_known_is_no_error(kind: LayerType) -> None:
    """Labels and FLOPs answer for a module without attributes and for a call of which only the name was kept."""
    module = Module("layer", "Own", (), {}, (), training=True)
    assert isinstance(kind.label(module), str | None)
    for op in kind.functions or ("unknown",):
        for outputs in ((), (Output((), "float32", "cpu", False, 4),)):
            call = bare_call(op, outputs)
            assert isinstance(kind.label(call), str | None)
            assert kind.flops is None or kind.flops(call) == 0


def bare_call(op: str, outputs: tuple[Output, ...]) -> LayerCall:
    node = Node(0, "op", op, op, None, 0, None, None, "forward", None, "", None, {}, (), outputs)
    return LayerCall(node, None, {})
