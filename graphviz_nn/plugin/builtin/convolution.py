"""Convolutions, plain and transposed, in one, two and three dimensions."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import flops
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute, shape
from graphviz_nn.plugin.builtin.wording import phrase, size, unless_all


class _Geometry(NamedTuple):
    kernel: Any
    inputs: int
    outputs: int
    stride: Any
    dilation: Any
    groups: int


def _of_module(module: Module) -> _Geometry | None:
    read = module.attributes.get
    kernel, inputs, outputs = read("kernel_size"), read("in_channels"), read("out_channels")
    if not kernel or not inputs or not outputs:
        return None
    return _Geometry(kernel, inputs, outputs, read("stride"), read("dilation"), read("groups") or 1)


def _of_call(call: LayerCall, transposed: bool) -> _Geometry | None:
    weight = shape(call, 1, "weight")
    if weight is None or len(weight) < 3:
        return None
    groups = attribute(call, "groups", position=6) or 1
    dilation = attribute(call, "dilation", position=7 if transposed else 5)
    inputs, outputs = (weight[0], weight[1] * groups) if transposed else (weight[1] * groups, weight[0])
    return _Geometry(weight[2:], inputs, outputs, attribute(call, "stride", position=3), dilation, groups)


def _label(of: LayerCall | Module, dimensions: int, transposed: bool) -> str | None:
    """ "Conv 3×3, 64, stride 2"; "Depthwise conv 3×3" (as many channels out as in); "Transposed conv 2×2, 32"."""
    geometry = _of_module(of) if isinstance(of, Module) else _of_call(of, transposed)
    kernel = size(geometry.kernel, dimensions) if geometry is not None else None
    if geometry is None or kernel is None:
        return None
    depthwise = geometry.groups > 1 and geometry.groups == geometry.inputs
    words = [word for word, said in (("depthwise", depthwise), ("transposed", transposed)) if said]
    head = " ".join([*words, "conv1d" if dimensions == 1 else "conv"])
    same = depthwise and geometry.inputs == geometry.outputs
    return phrase(
        f"{head[0].upper()}{head[1:]} {kernel}",
        None if same else str(geometry.outputs),
        unless_all(geometry.stride, 1, "stride"),
        unless_all(geometry.dilation, 1, "dilation"),
        f"{geometry.groups} groups" if geometry.groups > 1 and not depthwise else None,
    )


def _types(dimensions: int) -> tuple[LayerType, LayerType]:
    plain = LayerType(
        f"Conv{dimensions}d",
        Category.CONVOLUTION,
        torch_nn("conv", f"Conv{dimensions}d"),
        (f"conv{dimensions}d",),
        partial(_label, dimensions=dimensions, transposed=False),
        flops.convolution,
    )
    transposed = LayerType(
        f"ConvTranspose{dimensions}d",
        Category.CONVOLUTION,
        torch_nn("conv", f"ConvTranspose{dimensions}d"),
        (f"conv_transpose{dimensions}d",),
        partial(_label, dimensions=dimensions, transposed=True),
        flops.convolution,
    )
    return plain, transposed


TYPES: Final = (
    *_types(1),
    *_types(2),
    *_types(3),
    LayerType(
        "Convolution",
        Category.CONVOLUTION,
        functions=("convolution", "cudnn_convolution", "miopen_convolution", "miopen_depthwise_convolution"),
        flops=flops.convolution,
    ),
    LayerType("Conv TBC", Category.CONVOLUTION, functions=("conv_tbc",), flops=flops.convolution_tbc),
)
