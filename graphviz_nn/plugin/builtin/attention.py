"""Attention."""

from __future__ import annotations

from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import flops
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute, shape
from graphviz_nn.plugin.builtin.wording import phrase

_HEADS: Final = ("num_heads", "num_attention_heads", "n_heads", "n_head", "nhead", "heads")


def _multihead_label(of: LayerCall | Module) -> str:
    module = of if isinstance(of, Module) else of.module
    heads = attribute(module, "num_heads") if module is not None else None
    return f"Attention {heads} heads" if isinstance(heads, int) else "Attention"


def _scaled_dot_product_label(of: LayerCall | Module) -> str:
    query = shape(of, 0, "query") if isinstance(of, LayerCall) else None
    head = f"Attention {query[-3]} heads" if query is not None and len(query) > 3 else "Attention"
    return phrase(head, "causal" if attribute(of, "is_causal", position=5) is True else None)


def _own_attention_label(of: LayerCall | Module) -> str | None:
    """ "GPT2Attention, 12 heads"."""
    heads = attribute(of, *_HEADS)
    return f"{of.type}, {heads} heads" if isinstance(of, Module) and isinstance(heads, int) else None


TYPES: Final = (
    LayerType(
        "MultiheadAttention",
        Category.ATTENTION,
        torch_nn("activation", "MultiheadAttention"),
        ("multi_head_attention_forward",),
        _multihead_label,
        opened=False,
    ),
    LayerType(
        "Scaled dot-product attention",
        Category.ATTENTION,
        functions=("scaled_dot_product_attention", "flex_attention"),
        label=_scaled_dot_product_label,
        flops=flops.attention,
    ),
    # Attention that libraries and users write themselves.
    LayerType("Attention by name", Category.ATTENTION, ("*Attention",), label=_own_attention_label),
)
