"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute, shape
from graphviz_nn.plugin.builtin.wording import size

_Label = Callable[[LayerCall | Module], str | None]


def _channels(of: LayerCall | Module) -> int | None:
    if isinstance(of, Module):
        found = attribute(of, "num_features", "num_channels")
        return found if isinstance(found, int) else None
    inputs = shape(of, 0, "input")
    return inputs[1] if inputs is not None and len(inputs) > 1 else None


def _channel_label(of: LayerCall | Module, name: str) -> str | None:
    channels = _channels(of)
    return f"{name} {channels}" if channels else name


def _group_label(of: LayerCall | Module) -> str | None:
    groups, channels = attribute(of, "num_groups", position=1), _channels(of)
    return f"GroupNorm {channels}, {groups} groups" if groups and channels else None


def _shape_label(of: LayerCall | Module, name: str) -> str | None:
    normalized = size(attribute(of, "normalized_shape", position=1))
    return f"{name} {normalized}" if normalized else name


def _window_label(of: LayerCall | Module) -> str | None:
    window = attribute(of, "size", position=1)
    return f"LocalResponseNorm {window}" if window else None


def _own_label(of: LayerCall | Module) -> str | None:
    """ "LayerNorm2d 96": the class's own name, and its size where an attribute tells."""
    if isinstance(of, Module):
        extent = size(attribute(of, "normalized_shape", "num_features", "hidden_size", "dim"))
        return f"{of.type} {extent}" if extent else of.type
    return None


def _normalize_label(of: LayerCall | Module) -> str | None:
    power = attribute(of, "p", position=1)
    return f"L{power:g} normalize" if isinstance(power, (int, float)) else None


def _type(name: str, modules: tuple[str, ...], functions: tuple[str, ...], label: _Label) -> LayerType:
    return LayerType(name, Category.NORMALISATION, modules, functions, label, opened=False)


_BATCH_NORMS: Final = ("batch_norm", "native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm", "batch_norm_elemt")

TYPES: Final = (
    _type(
        "BatchNorm",
        torch_nn("batchnorm", "_BatchNorm"),
        (*_BATCH_NORMS, "quantized_batch_norm"),
        partial(_channel_label, name="BatchNorm"),
    ),
    _type("SyncBatchNorm", torch_nn("batchnorm", "SyncBatchNorm"), (), partial(_channel_label, name="SyncBatchNorm")),
    _type(
        "InstanceNorm",
        torch_nn("instancenorm", "_InstanceNorm"),
        ("instance_norm",),
        partial(_channel_label, name="InstanceNorm"),
    ),
    _type("GroupNorm", torch_nn("normalization", "GroupNorm"), ("group_norm", "native_group_norm"), _group_label),
    _type(
        "LayerNorm",
        torch_nn("normalization", "LayerNorm"),
        ("layer_norm", "native_layer_norm"),
        partial(_shape_label, name="LayerNorm"),
    ),
    _type(
        "RMSNorm",
        torch_nn("normalization", "RMSNorm"),
        ("rms_norm", "fused_rms_norm"),
        partial(_shape_label, name="RMSNorm"),
    ),
    _type(
        "LocalResponseNorm",
        torch_nn("normalization", "LocalResponseNorm", "CrossMapLRN2d"),
        ("local_response_norm",),
        _window_label,
    ),
    _type("Normalize", (), ("normalize", "renorm", "norm_except_dim", "weight_norm"), _normalize_label),
    # Norms that libraries and users write themselves, several operators each.
    LayerType(
        "Norm by name",
        Category.NORMALISATION,
        ("*RMSNorm", "*RmsNorm", "*RMSNormGated", "*LayerNorm", "*.LayerNorm2d", "*FrozenBatchNorm2d", "*.ScaleNorm"),
        label=_own_label,
        opened=False,
    ),
)
