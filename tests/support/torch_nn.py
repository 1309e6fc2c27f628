"""How to build each class of `torch.nn` with small arguments, and what to call it with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

Built = tuple[nn.Module, tuple[Tensor, ...]]

ENTRIES: Final[dict[str, Callable[[], Built]]] = {}

NOT_BUILT: Final = {
    "Container": "an old base class without a forward",
    "DataParallel": "works in threads of its own, one a GPU",
    "Module": "the base class: no forward",
    "ModuleDict": "holds modules: no forward",
    "ModuleList": "holds modules: no forward",
    "ParameterDict": "holds parameters: no forward",
    "ParameterList": "holds parameters: no forward",
    "RNNBase": "a base class without a forward",
    "RNNCellBase": "a base class without a forward",
}


def floats(*shape: int) -> Tensor:
    return torch.randn(*shape, requires_grad=True)


def positive(*shape: int) -> Tensor:
    return torch.rand(*shape).mul_(0.9).add_(0.05).requires_grad_()


def classes(count: int, *shape: int) -> Tensor:
    return torch.randint(0, count, shape)


def signs(*shape: int) -> Tensor:
    return torch.randint(0, 2, shape) * 2.0 - 1


def add(name: str, build: Callable[[], nn.Module], *inputs: Callable[[], Tensor]) -> None:
    """Adds an entry under the class's name."""
    ENTRIES[name] = lambda: (build(), tuple(make() for make in inputs))


def signal(dimensions: int, channels: int = 2, size: int = 6) -> Callable[[], Tensor]:
    return lambda: floats(2, channels, *([size] * dimensions))


for _name in (
    "AlphaDropout", "CELU", "Dropout", "ELU", "Flatten", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "Identity", "LeakyReLU", "LogSigmoid", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
):  # fmt: skip
    add(_name, getattr(nn, _name), partial(floats, 2, 4))
for _name in ("Softmax", "Softmin", "LogSoftmax", "GLU"):
    add(_name, partial(getattr(nn, _name), dim=-1), partial(floats, 2, 4))
for _name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "BCEWithLogitsLoss", "PoissonNLLLoss", "KLDivLoss"):
    _arguments = {"reduction": "batchmean"} if _name == "KLDivLoss" else {}
    add(_name, partial(getattr(nn, _name), **_arguments), partial(floats, 3, 4), lambda: torch.rand(3, 4))

for _d in (1, 2, 3):
    for _name in ("Conv", "ConvTranspose"):
        add(f"{_name}{_d}d", partial(getattr(nn, f"{_name}{_d}d"), 2, 4, 3, padding=1, groups=2), signal(_d))
        add(f"Lazy{_name}{_d}d", partial(getattr(nn, f"Lazy{_name}{_d}d"), 4, 3, stride=2), signal(_d))
    for _name in ("BatchNorm", "InstanceNorm"):
        add(f"{_name}{_d}d", partial(getattr(nn, f"{_name}{_d}d"), 2, affine=True), signal(_d))
        add(f"Lazy{_name}{_d}d", getattr(nn, f"Lazy{_name}{_d}d"), signal(_d))
    for _name in ("MaxPool", "AvgPool"):
        add(f"{_name}{_d}d", partial(getattr(nn, f"{_name}{_d}d"), 2), signal(_d))
    for _name in ("AdaptiveAvgPool", "AdaptiveMaxPool"):
        add(f"{_name}{_d}d", partial(getattr(nn, f"{_name}{_d}d"), 3), signal(_d))
    add(f"LPPool{_d}d", partial(getattr(nn, f"LPPool{_d}d"), 2.0, 2), partial(positive, 2, 2, *([4] * _d)))
    for _name in ("CircularPad", "ReflectionPad", "ReplicationPad", "ZeroPad"):
        add(f"{_name}{_d}d", partial(getattr(nn, f"{_name}{_d}d"), 1), signal(_d))
    add(f"ConstantPad{_d}d", partial(getattr(nn, f"ConstantPad{_d}d"), 1, 0.5), signal(_d))
    add(f"Dropout{_d}d", getattr(nn, f"Dropout{_d}d"), signal(_d))
    add(
        f"MaxUnpool{_d}d",
        partial(getattr(nn, f"MaxUnpool{_d}d"), 2),
        partial(floats, 1, 1, *([2] * _d)),
        lambda d=_d: torch.arange(2**d).view(1, 1, *([2] * d)) * 2,
    )

add("AdaptiveLogSoftmaxWithLoss", partial(nn.AdaptiveLogSoftmaxWithLoss, 4, 10, [3, 6]), partial(floats, 5, 4),
    lambda: torch.tensor([0, 9, 4, 2, 7]))  # fmt: skip
add("BCELoss", nn.BCELoss, partial(positive, 3, 4), lambda: torch.rand(3, 4))
add("Bilinear", partial(nn.Bilinear, 3, 4, 2), partial(floats, 5, 3), partial(floats, 5, 4))
add("CTCLoss", nn.CTCLoss, lambda: floats(6, 2, 4).log_softmax(-1).detach().requires_grad_(),
    lambda: torch.tensor([[1, 2], [3, 1]]), lambda: torch.tensor([6, 5]), lambda: torch.tensor([2, 1]))  # fmt: skip
add("ChannelShuffle", partial(nn.ChannelShuffle, 2), signal(2, channels=4))
add("CosineEmbeddingLoss", nn.CosineEmbeddingLoss, partial(floats, 3, 4), partial(floats, 3, 4), partial(signs, 3))
add("CosineSimilarity", nn.CosineSimilarity, partial(floats, 3, 4), partial(floats, 3, 4))
add("CrossEntropyLoss", nn.CrossEntropyLoss, partial(floats, 3, 4), partial(classes, 4, 3))
add("CrossMapLRN2d", partial(nn.CrossMapLRN2d, 2), signal(2))
add("Embedding", partial(nn.Embedding, 7, 3), partial(classes, 7, 2, 4))
add("EmbeddingBag", partial(nn.EmbeddingBag, 7, 3, mode="max"), partial(classes, 7, 2, 4))
add("FeatureAlphaDropout", nn.FeatureAlphaDropout, signal(2))
add("Fold", lambda: nn.Fold((4, 4), 2, stride=2), partial(floats, 2, 8, 4))
add("FractionalMaxPool2d", partial(nn.FractionalMaxPool2d, 2, output_size=3), signal(2))
add("FractionalMaxPool3d", partial(nn.FractionalMaxPool3d, 2, output_size=3), signal(3))
add("GRU", partial(nn.GRU, 3, 4, num_layers=2), partial(floats, 5, 2, 3))
add("GRUCell", partial(nn.GRUCell, 3, 4), partial(floats, 2, 3), partial(floats, 2, 4))
add("GaussianNLLLoss", nn.GaussianNLLLoss, partial(floats, 3, 4), lambda: torch.rand(3, 4), partial(positive, 3, 4))
add("GroupNorm", partial(nn.GroupNorm, 2, 4), signal(1, channels=4))
add("HingeEmbeddingLoss", nn.HingeEmbeddingLoss, partial(floats, 3, 4), partial(signs, 3, 4))
add("LSTM", partial(nn.LSTM, 3, 4, bidirectional=True), partial(floats, 5, 2, 3))
add("LSTMCell", partial(nn.LSTMCell, 3, 4), partial(floats, 2, 3))
add("LayerNorm", partial(nn.LayerNorm, 4), partial(floats, 3, 4))
add("LazyLinear", partial(nn.LazyLinear, 3), partial(floats, 2, 4))
add("Linear", partial(nn.Linear, 4, 3), partial(floats, 2, 4))
add("LinearCrossEntropyLoss", partial(nn.LinearCrossEntropyLoss, 4, 5), partial(floats, 3, 4), partial(classes, 5, 3))
add("LocalResponseNorm", partial(nn.LocalResponseNorm, 2), signal(2))
add("MarginRankingLoss", nn.MarginRankingLoss, partial(floats, 4), partial(floats, 4), partial(signs, 4))
add("MultiLabelMarginLoss", nn.MultiLabelMarginLoss, partial(floats, 1, 4), lambda: torch.tensor([[3, 0, -1, 1]]))
add("MultiLabelSoftMarginLoss", nn.MultiLabelSoftMarginLoss, partial(floats, 2, 3), lambda: torch.ones(2, 3))
add("MultiMarginLoss", nn.MultiMarginLoss, partial(floats, 3, 4), partial(classes, 4, 3))
add("MultiheadAttention", partial(nn.MultiheadAttention, 4, 2), *[partial(floats, 3, 2, 4)] * 3)
add("NLLLoss", nn.NLLLoss, partial(floats, 3, 4), partial(classes, 4, 3))
add("NLLLoss2d", nn.NLLLoss2d, partial(floats, 2, 3, 2, 2), partial(classes, 3, 2, 2, 2))
add("PairwiseDistance", nn.PairwiseDistance, partial(floats, 3, 4), partial(floats, 3, 4))
add("PixelShuffle", partial(nn.PixelShuffle, 2), signal(2, channels=4))
add("PixelUnshuffle", partial(nn.PixelUnshuffle, 2), signal(2))
add("RMSNorm", partial(nn.RMSNorm, 4), partial(floats, 3, 4))
add("RNN", partial(nn.RNN, 3, 4), partial(floats, 5, 2, 3))
add("RNNCell", partial(nn.RNNCell, 3, 4, nonlinearity="relu"), partial(floats, 2, 3))
add("Sequential", lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()), partial(floats, 2, 4))
add("SoftMarginLoss", nn.SoftMarginLoss, partial(floats, 3, 4), partial(signs, 3, 4))
add("Softmax2d", nn.Softmax2d, signal(2))
add("SyncBatchNorm", lambda: nn.SyncBatchNorm(2).eval(), signal(2))
add("Threshold", partial(nn.Threshold, 0.1, 0.5), partial(floats, 2, 4))
add("Transformer", partial(nn.Transformer, 4, 2, 1, 1, 8, batch_first=True), partial(floats, 2, 3, 4),
    partial(floats, 2, 5, 4))  # fmt: skip
add("TransformerDecoder", lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2),
    partial(floats, 3, 2, 4), partial(floats, 5, 2, 4))  # fmt: skip
add("TransformerDecoderLayer", partial(nn.TransformerDecoderLayer, 4, 2, 8), *[partial(floats, 3, 2, 4)] * 2)
add("TransformerEncoder", lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2),
    partial(floats, 2, 3, 4))  # fmt: skip
add("TransformerEncoderLayer", partial(nn.TransformerEncoderLayer, 4, 2, 8), partial(floats, 3, 2, 4))
add("TripletMarginLoss", nn.TripletMarginLoss, *[partial(floats, 3, 4)] * 3)
add("TripletMarginWithDistanceLoss", nn.TripletMarginWithDistanceLoss, *[partial(floats, 3, 4)] * 3)
add("Unflatten", lambda: nn.Unflatten(1, (2, 2)), partial(floats, 3, 4))
add("Unfold", partial(nn.Unfold, 2), signal(2))
add("Upsample", partial(nn.Upsample, scale_factor=2, mode="bicubic"), signal(2))
add("UpsamplingBilinear2d", partial(nn.UpsamplingBilinear2d, scale_factor=2), signal(2))
add("UpsamplingNearest2d", partial(nn.UpsamplingNearest2d, scale_factor=2), signal(2))
