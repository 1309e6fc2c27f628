"""Dropout and its kin, random numbers, and the functions of `torch.nn.init`."""

from __future__ import annotations

from functools import partial
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn, words
from graphviz_nn.plugin.builtin.reading import attribute, is_number
from graphviz_nn.plugin.builtin.wording import number


def _label(of: LayerCall | Module, name: str) -> str:
    share = attribute(of, "p", "drop_prob", "drop_path_prob", position=1)
    return f"{name} {number(share)}" if is_number(share) else name


def _dropout(name: str, *functions: str) -> LayerType:
    return LayerType(
        name, Category.OTHER, torch_nn("dropout", name), functions, partial(_label, name=name), opened=False
    )


_RANDOM: Final = words(
    "bernoulli multinomial poisson binomial normal uniform exponential geometric cauchy log_normal random"
)

_INITIALISATION: Final = words(
    "constant_ ones_ zeros_ eye_ dirac_ trunc_normal_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_ "
    "orthogonal_ sparse_"
)

TYPES: Final = (
    _dropout("Dropout", "dropout", "native_dropout", "feature_dropout"),
    _dropout("Dropout1d", "dropout1d"),
    _dropout("Dropout2d", "dropout2d"),
    _dropout("Dropout3d", "dropout3d"),
    _dropout("AlphaDropout", "alpha_dropout"),
    _dropout("FeatureAlphaDropout", "feature_alpha_dropout"),
    LayerType(
        "Stochastic depth",
        Category.OTHER,
        ("torchvision.ops.stochastic_depth.StochasticDepth", "*DropPath"),
        label=partial(_label, name="Stochastic depth"),
        opened=False,
    ),
    LayerType("Initialisation", Category.OTHER, functions=_INITIALISATION, bookkeeping=True),
    LayerType("Random numbers", Category.OTHER, functions=_RANDOM),
)
