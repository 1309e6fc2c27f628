"""Recurrent layers and cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from graphviz_nn.model.layer_types import Category, Healthy, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import flops
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute
from graphviz_nn.plugin.builtin.wording import phrase


class _Label(Protocol):
    def __call__(self, of: LayerCall | Module, name: str) -> str: ...


_GATES: Final = {"LSTM": 4, "GRU": 3, "RNN": 1}


def _layer_label(of: LayerCall | Module, name: str) -> str:
    """ "LSTM 128 × 2, bidirectional": size of the hidden state × number of layers."""
    module = of if isinstance(of, Module) else of.module
    if module is None or not isinstance(hidden := attribute(module, "hidden_size"), int):
        return _state_label(of, name)
    layers, projected = attribute(module, "num_layers"), attribute(module, "proj_size")
    return phrase(
        f"{name} {hidden}" + (f" × {layers}" if isinstance(layers, int) and layers > 1 else ""),
        f"projected to {projected}" if projected else None,
        "bidirectional" if attribute(module, "bidirectional") is True else None,
    )


def _state_label(of: LayerCall | Module, name: str) -> str:
    """The size of the hidden state alone: of a cell, or of a call outside a recurrent module."""
    if isinstance(of, Module):
        hidden = attribute(of, "hidden_size")
    else:
        weights = flops.recurrent_weights(of)
        hidden = weights[0][0] // _GATES[name.removesuffix("Cell")] if weights else None
    return f"{name} {hidden}" if hidden else name


_BOUNDED: Final = Healthy(flat=(-0.975, 0.975))
"""The hidden state is a tanh, or a mean of several, times a gate."""


def _type(name: str, functions: tuple[str, ...], label: _Label) -> LayerType:
    write = partial(label, name=name)
    of = torch_nn("rnn", name)
    return LayerType(name, Category.RECURRENT, of, functions, write, flops.recurrent, opened=False, healthy=_BOUNDED)


def _layer(name: str, *functions: str) -> LayerType:
    return _type(name, functions, _layer_label)


def _cell(name: str, *functions: str) -> LayerType:
    return _type(name, functions, _state_label)


def _unbounded(name: str, functions: tuple[str, ...], label: Callable[[LayerCall | Module], str | None]) -> LayerType:
    return LayerType(name, Category.RECURRENT, (), functions, label, flops.recurrent, opened=False)


TYPES: Final = (
    _layer("RNN", "rnn_tanh"),
    _unbounded("RNN with ReLU", ("rnn_relu", "miopen_rnn"), partial(_layer_label, name="RNN")),
    _layer("LSTM", "lstm", "quantized_lstm"),
    _layer("GRU", "gru", "quantized_gru"),
    _cell("RNNCell", "rnn_tanh_cell", "quantized_rnn_tanh_cell"),
    _unbounded(
        "RNNCell with ReLU", ("rnn_relu_cell", "quantized_rnn_relu_cell"), partial(_state_label, name="RNNCell")
    ),
    _cell("LSTMCell", "lstm_cell", "quantized_lstm_cell"),
    _cell("GRUCell", "gru_cell", "quantized_gru_cell"),
    LayerType("Recurrent layer", Category.RECURRENT, torch_nn("rnn", "RNNBase", "RNNCellBase")),
    LayerType(
        "Packed sequence",
        Category.SHAPE,
        functions=("pack_padded_sequence", "pad_packed_sequence", "pad_sequence"),
        bookkeeping=True,
    ),
)
