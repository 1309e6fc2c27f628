"""Activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from graphviz_nn.model.layer_types import Category, Healthy, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn, words
from graphviz_nn.plugin.builtin.reading import attribute, is_number
from graphviz_nn.plugin.builtin.wording import number

_Label = Callable[[LayerCall | Module], str | None]


def _named(of: LayerCall | Module, name: str) -> str:
    del of
    return name


def _with_number(of: LayerCall | Module, name: str, key: str, word: str = "", usual: float | None = None) -> str:
    """ "LeakyReLU 0.1", "Softmax dim −1"; the name alone where the number is the usual one or not known."""
    value: Any = attribute(of, key, position=1)
    if not is_number(value) or value == usual:
        return name
    return f"{name} {word}{number(value)}"


def _gelu_label(of: LayerCall | Module) -> str:
    return "GELU (tanh)" if attribute(of, "approximate") == "tanh" else "GELU"


def _range_label(of: LayerCall | Module) -> str:
    low, high = attribute(of, "min_val", position=1), attribute(of, "max_val", position=2)
    return f"Hardtanh {number(low)} … {number(high)}" if is_number(low) and is_number(high) else "Hardtanh"


def _threshold_label(of: LayerCall | Module) -> str:
    threshold, value = attribute(of, "threshold", position=1), attribute(of, "value", position=2)
    return (
        f"x > {number(threshold)}, else {number(value)}" if is_number(threshold) and is_number(value) else "Threshold"
    )


def _library_label(of: LayerCall | Module) -> str | None:
    return of.type.removesuffix("Activation") if isinstance(of, Module) else None


def _type(name: str, functions: str, label: _Label | None = None, healthy: Healthy | None = None) -> LayerType:
    return LayerType(
        name,
        Category.ACTIVATION,
        torch_nn("activation", name),
        words(functions),
        label or partial(_named, name=name),
        opened=False,
        healthy=healthy or Healthy(),
    )


def _parametrised(
    name: str,
    functions: str,
    key: str,
    word: str = "",
    usual: float | None = None,
    healthy: Healthy | None = None,
) -> LayerType:
    return _type(name, functions, partial(_with_number, name=name, key=key, word=word, usual=usual), healthy)


_RECTIFIER: Final = Healthy(sparse=True, reach=(0.0, math.inf))
_SHARE: Final = Healthy(reach=(0.0, 1.0))

TYPES: Final = (
    _type("ReLU", "relu", healthy=_RECTIFIER),
    _type("ReLU6", "relu6", healthy=Healthy(sparse=True, reach=(0.0, 6.0))),
    _parametrised("LeakyReLU", "leaky_relu", "negative_slope"),
    _parametrised("PReLU", "prelu", "num_parameters", usual=1),
    _type("RReLU", "rrelu rrelu_with_noise"),
    _parametrised("ELU", "elu", "alpha", usual=1),
    _parametrised("CELU", "celu", "alpha", usual=1),
    _type("SELU", "selu"),
    _type("GELU", "gelu", _gelu_label),
    _type("SiLU", "silu"),
    _type("Mish", "mish"),
    _type("Hardswish", "hardswish"),
    _type("Sigmoid", "sigmoid special_expit", healthy=Healthy(flat=(0.0127, 0.9873), reach=(0.0, 1.0))),
    _type("Hardsigmoid", "hardsigmoid", healthy=Healthy(flat=(0.0, 1.0), reach=(0.0, 1.0))),
    _type("LogSigmoid", "logsigmoid log_sigmoid", healthy=Healthy(reach=(-math.inf, 0.0))),
    _type("Tanh", "tanh", healthy=Healthy(flat=(-0.975, 0.975), reach=(-1.0, 1.0))),
    _type("Hardtanh", "hardtanh", _range_label, Healthy(flat=(-1.0, 1.0))),
    _type("Tanhshrink", "tanhshrink"),
    _parametrised("Hardshrink", "hardshrink", "lambd", usual=0.5),
    _parametrised("Softshrink", "softshrink", "lambd", usual=0.5),
    _parametrised("Softplus", "softplus", "beta", usual=1, healthy=Healthy(reach=(0.0, math.inf))),
    _type("Softsign", "softsign", healthy=Healthy(flat=(-0.776, 0.776), reach=(-1.0, 1.0))),
    _type("Threshold", "threshold", _threshold_label),
    _parametrised("GLU", "glu", "dim", "dim ", usual=-1),
    _parametrised("Softmax", "softmax special_softmax", "dim", "dim ", healthy=_SHARE),
    _parametrised("Softmin", "softmin", "dim", "dim ", healthy=_SHARE),
    _parametrised("LogSoftmax", "log_softmax special_log_softmax", "dim", "dim "),
    _type("Softmax2d", ""),
    LayerType(
        "Gumbel softmax",
        Category.ACTIVATION,
        functions=("gumbel_softmax",),
        label=partial(_with_number, name="Gumbel softmax", key="tau", word="τ ", usual=1),
    ),
    # Transformers writes most of its activations as modules of several operators.
    LayerType(
        "Activation of Transformers",
        Category.ACTIVATION,
        ("transformers.activations.*",),
        label=_library_label,
        opened=False,
    ),
)
