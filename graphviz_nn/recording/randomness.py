"""Which functions draw random numbers: a replay must give them the generator state that they had."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import torch

from graphviz_nn.recording.classify import operator_name

# Python functions that draw through operators of another name.
_BY_NAME: Final = frozenset(
    [
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "alpha_dropout",
        "feature_alpha_dropout",
        "feature_dropout",
        "rrelu",
        "gumbel_softmax",
        "fractional_max_pool2d",
        "fractional_max_pool3d",
        "fractional_max_pool2d_with_indices",
        "fractional_max_pool3d_with_indices",
        "multi_head_attention_forward",
        "scaled_dot_product_attention",
        "uniform_",
        "normal_",
        "trunc_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "orthogonal_",
        "sparse_",
        "pca_lowrank",
        "svd_lowrank",
        "lobpcg",
    ]
)


@cache
def _seeded_operators() -> frozenset[str]:
    """Names of the operators that torch itself tags as drawing from the generator."""
    found = set()
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name, None)
        overloads = getattr(packet, "overloads", None)
        if overloads is None:
            continue
        if any(torch.Tag.nondeterministic_seeded in getattr(packet, o).tags for o in overloads()):
            found.add(name)
    return frozenset(found)


@cache
def draws_random_numbers(function: Any) -> bool:
    """Whether a call of the function may draw random numbers."""
    name = operator_name(function)
    plain = name.removesuffix("_")
    seeded = _seeded_operators()
    return name in _BY_NAME or plain in _BY_NAME or name in seeded or plain in seeded or plain in ("lstm", "gru")
