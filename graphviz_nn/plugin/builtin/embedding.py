"""Embeddings, learned and rotary."""

from __future__ import annotations

from functools import partial
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute, integers
from graphviz_nn.plugin.builtin.wording import phrase, size


def _table_label(of: LayerCall | Module, name: str) -> str:
    """ "Embedding 50257 × 768": number of entries × size of each."""
    if isinstance(of, Module):
        sizes = integers([attribute(of, "num_embeddings"), attribute(of, "embedding_dim")])
    else:
        # `torch.embedding` takes the table first and `torch.nn.functional.embedding` second: the indices are integers.
        sizes = next((list(value.shape) for value in of.arguments.values() if "float" in value.dtype), None)
    if sizes is None or len(sizes) != 2:
        return name
    mode = attribute(of, "mode")
    return phrase(f"{name} {sizes[0]} × {sizes[1]}", mode if isinstance(mode, str) else None)


def _classes_label(of: LayerCall | Module) -> str:
    classes = size(attribute(of, "num_classes", position=1))
    return f"one-hot {classes}" if classes and classes != "−1" else "one-hot"


TYPES: Final = (
    LayerType(
        "Embedding",
        Category.EMBEDDING,
        torch_nn("sparse", "Embedding"),
        ("embedding",),
        partial(_table_label, name="Embedding"),
        opened=False,
    ),
    LayerType(
        "EmbeddingBag",
        Category.EMBEDDING,
        torch_nn("sparse", "EmbeddingBag"),
        ("embedding_bag",),
        partial(_table_label, name="EmbeddingBag"),
        opened=False,
    ),
    LayerType("One-hot", Category.EMBEDDING, functions=("one_hot",), label=_classes_label),
    LayerType("Embeddings of Transformers", Category.EMBEDDING, ("transformers.*Embeddings",)),
    LayerType(
        "Position by name",
        Category.EMBEDDING,
        ("*RotaryEmbedding", "*PositionalEncoding", "*PositionalEmbedding", "*PositionEmbedding"),
        opened=False,
    ),
)
