"""Recurrent layers and cells."""

from __future__ import annotations

from functools import partial
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import flops
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute, shape
from graphviz_nn.plugin.builtin.wording import phrase


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
    hidden = attribute(of, "hidden_size")
    if isinstance(of, LayerCall):
        state = shape(of, 1, "hx", "hx[0]")
        hidden = state[-1] if state else None
    return f"{name} {hidden}" if hidden else name


def _layer(name: str, *functions: str) -> LayerType:
    return LayerType(
        name,
        Category.RECURRENT,
        torch_nn("rnn", name),
        functions,
        partial(_layer_label, name=name),
        flops.recurrent,
        opened=False,
    )


def _cell(name: str, *functions: str) -> LayerType:
    return LayerType(
        name,
        Category.RECURRENT,
        torch_nn("rnn", name),
        functions,
        partial(_state_label, name=name),
        flops.recurrent_cell,
        opened=False,
    )


TYPES: Final = (
    _layer("RNN", "rnn_tanh", "rnn_relu", "miopen_rnn"),
    _layer("LSTM", "lstm", "quantized_lstm"),
    _layer("GRU", "gru", "quantized_gru"),
    _cell("RNNCell", "rnn_tanh_cell", "rnn_relu_cell", "quantized_rnn_tanh_cell", "quantized_rnn_relu_cell"),
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
