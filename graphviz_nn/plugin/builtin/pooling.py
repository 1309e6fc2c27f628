"""Pooling, unpooling and resampling."""

from __future__ import annotations

from functools import partial
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute
from graphviz_nn.plugin.builtin.wording import amount, phrase, size


def _window_label(of: LayerCall | Module, name: str, dimensions: int, kernel_position: int = 1) -> str:
    """ "MaxPool 3×3, stride 2"; the stride is left out where it is the window's size, the default."""
    kernel = attribute(of, "kernel_size", position=kernel_position)
    stride = attribute(of, "stride", position=kernel_position + 1)
    window = size(kernel, dimensions)
    if window is None:
        return name
    differs = stride not in (None, []) and size(stride, dimensions) != window
    return phrase(f"{name} {window}", f"stride {amount(stride)}" if differs else None)


def _output_label(of: LayerCall | Module, name: str, dimensions: int) -> str:
    output = size(attribute(of, "output_size", position=1), dimensions)
    return f"{name} to {output}" if output else name


def _upsample_label(of: LayerCall | Module) -> str:
    """ "Upsample × 2, bilinear", "Upsample to 32×32"."""
    target, factor = attribute(of, "size", position=1), attribute(of, "scale_factor", position=2)
    mode = attribute(of, "mode", position=3)
    head = "Upsample"
    if size(target) is not None:
        head += f" to {size(target)}"
    elif size(factor) is not None:
        head += f" × {size(factor)}"
    return phrase(head, mode if isinstance(mode, str) and mode != "nearest" else None)


def _pool_types(dimensions: int) -> tuple[LayerType, ...]:
    d = f"{dimensions}d"

    def pool(name: str, *functions: str, label: str, position: int = 1) -> LayerType:
        write = partial(_window_label, name=label, dimensions=dimensions, kernel_position=position)
        return LayerType(name, Category.POOLING, torch_nn("pooling", name), functions, write, opened=False)

    def adaptive(name: str, *functions: str, label: str) -> LayerType:
        write = partial(_output_label, name=label, dimensions=dimensions)
        return LayerType(name, Category.POOLING, torch_nn("pooling", name), functions, write, opened=False)

    maximum, average = f"max_pool{d}", f"avg_pool{d}"
    return (
        pool(f"MaxPool{d}", maximum, f"{maximum}_with_indices", f"quantized_{maximum}", label="MaxPool"),
        pool(f"AvgPool{d}", average, label="AvgPool"),
        pool(f"LPPool{d}", f"lp_pool{d}", label="LPPool", position=2),
        pool(f"MaxUnpool{d}", f"max_unpool{d}", label="MaxUnpool", position=2),
        adaptive(f"AdaptiveMaxPool{d}", f"adaptive_{maximum}", f"adaptive_{maximum}_with_indices", label="MaxPool"),
        adaptive(f"AdaptiveAvgPool{d}", f"adaptive_{average}", label="AvgPool"),
    )


def _fractional(dimensions: int) -> LayerType:
    name, function = f"FractionalMaxPool{dimensions}d", f"fractional_max_pool{dimensions}d"
    return LayerType(
        name,
        Category.POOLING,
        torch_nn("pooling", name),
        (function, f"{function}_with_indices"),
        partial(_window_label, name="FractionalMaxPool", dimensions=dimensions),
        opened=False,
    )


TYPES: Final = (
    *_pool_types(1),
    *_pool_types(2),
    *_pool_types(3),
    _fractional(2),
    _fractional(3),
    LayerType(
        "Upsample",
        Category.POOLING,
        torch_nn("upsampling", "Upsample"),
        ("interpolate", "upsample", "upsample_nearest", "upsample_bilinear"),
        _upsample_label,
        opened=False,
    ),
    LayerType(
        "Grid sample",
        Category.POOLING,
        functions=("grid_sample", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d"),
    ),
)
