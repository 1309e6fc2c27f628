"""Containers and whole blocks, distances, transforms, quantisation: what has no colour of its own."""

from __future__ import annotations

from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn, words
from graphviz_nn.plugin.builtin.reading import attribute
from graphviz_nn.plugin.builtin.wording import phrase


def _transformer_label(of: LayerCall | Module) -> str | None:
    width, heads = attribute(of, "d_model"), attribute(of, "nhead")
    return phrase(f"Transformer {width}", f"{heads} heads") if width and heads else None


def _stack_label(of: LayerCall | Module) -> str | None:
    layers = attribute(of, "num_layers")
    return f"{of.type}, {layers} layers" if isinstance(of, Module) and isinstance(layers, int) else None


_FOURIER: Final = words(
    "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft hfft2 ihfft2 hfftn ihfftn "
    "fftshift ifftshift"
)
_QUANTISATION: Final = words(
    "quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic dequantize int_repr q_scale q_zero_point "
    "q_per_channel_axis q_per_channel_scales q_per_channel_zero_points qscheme choose_qparams_optimized "
    "fake_quantize_per_channel_affine fake_quantize_per_tensor_affine fused_moving_avg_obs_fake_quant"
)

TYPES: Final = (
    LayerType("Identity", Category.OTHER, torch_nn("linear", "Identity"), bookkeeping=True),
    LayerType(
        "Container",
        Category.OTHER,
        torch_nn("container", "Container", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"),
    ),
    LayerType("Transformer", Category.OTHER, torch_nn("transformer", "Transformer"), label=_transformer_label),
    LayerType(
        "Transformer stack",
        Category.OTHER,
        torch_nn("transformer", "TransformerEncoder", "TransformerDecoder"),
        label=_stack_label,
    ),
    LayerType(
        "Transformer layer",
        Category.OTHER,
        torch_nn("transformer", "TransformerEncoderLayer", "TransformerDecoderLayer"),
    ),
    LayerType("DataParallel", Category.OTHER, ("torch.nn.parallel.data_parallel.DataParallel",)),
    LayerType(
        "Distance",
        Category.OTHER,
        torch_nn("distance", "CosineSimilarity", "PairwiseDistance"),
        ("cosine_similarity", "pairwise_distance", "cdist", "pdist", "dist"),
        opened=False,
    ),
    LayerType(
        "Fourier transform",
        Category.OTHER,
        functions=(*(f"fft_{name}" for name in _FOURIER), "stft", "istft"),
    ),
    LayerType("Quantisation", Category.OTHER, functions=_QUANTISATION),
)
