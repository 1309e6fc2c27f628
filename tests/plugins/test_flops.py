"""FLOPs are those of `torch.utils.flop_counter`; what it overlooks is compared with an equal program that it sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pack_sequence
from torch.utils.flop_counter import FlopCounterMode

from tests.plugins.recorded_calls import record

Program = Callable[[], object]


def x(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


def counted(program: Program) -> int:
    """FLOPs of the program as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        program()
    return int(counter.get_total_flops())


def ours(program: Program) -> int:
    return sum(recorded.flops for recorded in record(program))


CONV = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
TRANSPOSED = nn.ConvTranspose3d(4, 6, 2, stride=2)
ATTENTION = nn.MultiheadAttention(8, 2)
GRU = nn.GRU(4, 5, 2, bidirectional=True)
RNN = nn.RNN(4, 5)
PROJECTED = nn.LSTM(4, 5, proj_size=2)
ENCODER = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
ADAPTIVE = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10], div_value=2.0)

SEEN: dict[str, Program] = {
    "mm": lambda: x(3, 4).mm(x(4, 5)),
    "bmm": lambda: torch.bmm(x(2, 3, 4), x(2, 4, 5)),
    "addmm": lambda: torch.addmm(x(5), x(3, 4), x(4, 5)),
    "baddbmm": lambda: torch.baddbmm(x(2, 3, 5), x(2, 3, 4), x(2, 4, 5), beta=0.5),
    "matmul": lambda: x(3, 4) @ x(4, 5),
    "matmul, row vector": lambda: x(4) @ x(4, 5),
    "matmul, batch and matrix": lambda: x(2, 3, 4) @ x(4, 5),
    "matmul, broadcast batches": lambda: torch.matmul(x(2, 1, 3, 4), x(6, 4, 5)),
    "rmatmul": lambda: x(4, 5).__rmatmul__(x(3, 4)),
    "linear": lambda: functional.linear(x(2, 3, 4), x(5, 4), x(5)),
    "linear of a vector": lambda: functional.linear(x(4), x(5, 4)),
    "inner": lambda: torch.inner(x(3, 4), x(5, 4)),
    "tensordot": lambda: torch.tensordot(x(2, 3, 4), x(4, 5, 2), dims=([0, 2], [2, 0])),
    "multi_dot": lambda: torch.linalg.multi_dot([x(20, 3), x(3, 40), x(40, 5), x(5, 7)]),
    "cov": lambda: torch.cov(x(3, 9)),
    "corrcoef": lambda: torch.corrcoef(torch.arange(12.0).reshape(3, 4)),
    "conv1d": lambda: functional.conv1d(x(2, 4, 9), x(6, 4, 3), dilation=2),
    "conv2d": lambda: CONV(x(2, 4, 8, 8)),
    "conv2d, one sample": lambda: functional.conv2d(x(4, 8, 8), x(6, 4, 3, 3)),
    "conv2d, padding by name": lambda: functional.conv2d(x(1, 4, 8, 8), x(6, 4, 3, 3), padding="same"),
    "conv3d": lambda: functional.conv3d(x(2, 4, 5, 6, 7), x(6, 4, 2, 3, 1)),
    "conv_transpose2d": lambda: functional.conv_transpose2d(x(2, 4, 8, 8), x(4, 3, 3, 3), stride=2, groups=2),
    "conv_transpose3d": lambda: TRANSPOSED(x(1, 4, 3, 4, 5)),
    "convolution": lambda: torch.convolution(
        x(2, 4, 8), x(4, 3, 3), None, [2], [0], [1], True, [0], 2
    ),
    "einsum, matrices": lambda: torch.einsum("ij,jk->ik", x(2, 3), x(3, 4)),
    "einsum, batches": lambda: torch.einsum("bhid,bhjd->bhij", x(2, 3, 4, 5), x(2, 3, 6, 5)),
    "einsum, three operands": lambda: torch.einsum("bn,anm,bm->ba", x(2, 3), x(5, 3, 4), x(2, 4)),
    "einsum, four operands": lambda: torch.einsum("ij,jk,kl,lm->im", x(2, 3), x(3, 4), x(4, 5), x(5, 6)),
    "einsum, ellipsis": lambda: torch.einsum("...i,ij->...j", x(2, 3, 4), x(4, 5)),
    "einsum, broadcast ellipsis": lambda: torch.einsum("...ij,...jk->...ik", x(2, 1, 3, 4), x(6, 4, 5)),
    "einsum, no result given": lambda: torch.einsum("ij,jk", x(2, 3), x(3, 4)),
    "einsum, summed alone": lambda: torch.einsum("ijk,jl->il", x(2, 3, 4), x(3, 5)),
    "einsum, all summed": lambda: torch.einsum("ij,ij->", x(3, 4), x(3, 4)),
    "einsum, diagonal": lambda: torch.einsum("ii,ij->j", x(3, 3), x(3, 4)),
    "einsum, elementwise": lambda: torch.einsum("ij,ij->ij", x(3, 4), x(3, 4)),
    "einsum, outer": lambda: torch.einsum("i,j->ij", x(3), x(4)),
    "einsum, dimension of size 1": lambda: torch.einsum("ij,j->i", x(3, 1), x(1)),
    "einsum, one operand": lambda: torch.einsum("ij->ji", x(3, 4)),
    "einsum, lists of indices": lambda: torch.einsum(x(2, 3), [0, 1], x(3, 4), [1, 2], [0, 2]),
    "gru": lambda: GRU(x(7, 3, 4)),
    "gru, packed": lambda: GRU(pack_sequence([x(5, 4), x(3, 4)])),
    "rnn": lambda: RNN(x(7, 3, 4)),
    "rnn, one sample": lambda: RNN(x(7, 4)),
    "lstm with a projection": lambda: PROJECTED(x(7, 3, 4)),
    "lstm_cell": lambda: torch.lstm_cell(x(3, 4), (x(3, 5), x(3, 5)), x(20, 4), x(20, 5), x(20), x(20)),
    "gru_cell": lambda: torch.gru_cell(x(3, 4), x(3, 5), x(15, 4), x(15, 5)),
    "rnn_relu_cell": lambda: torch.rnn_relu_cell(x(3, 4), x(3, 5), x(5, 4), x(5, 5)),
    "multi_head_attention_forward": lambda: ATTENTION(x(5, 2, 8), x(6, 2, 8), x(6, 2, 8)),
    "attention, wider values": lambda: functional.scaled_dot_product_attention(
        x(2, 3, 5, 8), x(2, 3, 7, 8), x(2, 3, 7, 9)
    ),
    "linear_cross_entropy": lambda: functional.linear_cross_entropy(x(6, 4), x(9, 4), torch.zeros(6, dtype=torch.long)),
    "adaptive softmax": lambda: ADAPTIVE(x(3, 16), torch.tensor([1, 6, 12])),
    "nothing to count": lambda: functional.gelu(functional.layer_norm(x(2, 8), (8,))).softmax(-1) + 1,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", SEEN)
def test_equals_the_flop_counter(name: str) -> None:
    assert ours(SEEN[name]) == counted(SEEN[name])


QUERY, KEY, VALUE = x(2, 3, 5, 8), x(2, 3, 7, 8), x(2, 3, 7, 8)
LSTM = nn.LSTM(4, 5, 2, bidirectional=True)


def without_fused_lstm() -> None:
    with torch.backends.mkldnn.flags(enabled=False):
        LSTM(x(7, 3, 4))


def without_fused_attention(query: torch.Tensor, key: torch.Tensor, causal: bool = False) -> torch.Tensor:
    """Attention over as many values as keys, as separate matrix products; fewer heads of keys serve several each."""
    with sdpa_kernel(SDPBackend.MATH):
        return functional.scaled_dot_product_attention(
            query, key, key, is_causal=causal, enable_gqa=query.shape[1] != key.shape[1]
        )


UNSEEN: dict[str, tuple[Program, Program]] = {
    "mv": (lambda: torch.mv(x(3, 4), x(4)), lambda: x(3, 4).mm(x(4, 1))),
    "dot": (lambda: torch.dot(x(4), x(4)), lambda: x(1, 4).mm(x(4, 1))),
    "addmm_": (lambda: x(3, 5).addmm_(x(3, 4), x(4, 5)), lambda: x(3, 4).mm(x(4, 5))),
    "addmv": (lambda: torch.addmv(x(3), x(3, 4), x(4)), lambda: x(3, 4).mm(x(4, 1))),
    "addbmm": (lambda: torch.addbmm(x(3, 5), x(2, 3, 4), x(2, 4, 5)), lambda: x(2, 3, 4).bmm(x(2, 4, 5))),
    "matmul, column vector": (lambda: x(2, 3, 4) @ x(4), lambda: x(2, 3, 4) @ x(4, 1)),
    "matmul, two vectors": (lambda: x(4) @ x(4), lambda: x(1, 4) @ x(4, 1)),
    "bilinear": (
        lambda: functional.bilinear(x(7, 3), x(7, 4), x(5, 3, 4)),
        lambda: torch.einsum("bi,oij,bj->bo", x(7, 3), x(5, 3, 4), x(7, 4)),
    ),
    "conv_tbc": (
        lambda: torch.conv_tbc(x(9, 2, 4), x(3, 4, 5), x(5)),
        lambda: functional.conv1d(x(2, 4, 9), x(5, 4, 3)),
    ),
    "fused lstm": (lambda: LSTM(x(7, 3, 4)), without_fused_lstm),
    "attention": (
        lambda: functional.scaled_dot_product_attention(QUERY, KEY, VALUE),
        lambda: without_fused_attention(QUERY, KEY),
    ),
    "causal attention": (
        lambda: functional.scaled_dot_product_attention(QUERY, QUERY, QUERY, is_causal=True),
        lambda: without_fused_attention(QUERY, QUERY, causal=True),
    ),
    "grouped-query attention": (
        lambda: functional.scaled_dot_product_attention(x(2, 6, 5, 8), KEY, VALUE, enable_gqa=True),
        lambda: without_fused_attention(x(2, 6, 5, 8), KEY),
    ),
    "encoder layer": (
        lambda: ENCODER(x(5, 2, 8)),
        lambda: [
            functional.linear(x(5, 2, 8), x(24, 8)),
            without_fused_attention(x(2, 2, 5, 4), x(2, 2, 5, 4)),
            functional.linear(x(5, 2, 8), x(8, 8)),
            functional.linear(x(5, 2, 8), x(16, 8)),
            functional.linear(x(5, 2, 16), x(8, 16)),
        ],
    ),
    "grouped_mm": (
        lambda: functional.grouped_mm(
            x(8, 16).bfloat16(), x(2, 16, 8).bfloat16(), offs=torch.tensor([3, 8], dtype=torch.int32)
        ),
        lambda: [x(3, 16) @ x(16, 8), x(5, 16) @ x(16, 8)],
    ),
}


@pytest.mark.filterwarnings("ignore:TF32")
@pytest.mark.parametrize("name", UNSEEN)
def test_equals_a_program_that_the_flop_counter_sees(name: str) -> None:
    program, equal = UNSEEN[name]
    assert counted(equal) > 0
    assert ours(program) == counted(equal)


def test_whole_network() -> None:
    """A convolutional network: convolutions and linear layers add up, everything else counts nothing."""
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 16, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip
    assert ours(lambda: network(x(2, 3, 16, 16))) == counted(lambda: network(x(2, 3, 16, 16)))


def test_whole_language_model() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_head=2, n_embd=16, vocab_size=50, n_positions=8, attn_implementation="eager"
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    tokens = torch.zeros(2, 6, dtype=torch.long)
    assert ours(lambda: model(tokens)) == counted(lambda: model(tokens)) > 0
