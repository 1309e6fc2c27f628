"""Small copies of what people look at as pictures: feature maps of image layers, and attention weights.

A value is a feature map where a convolution or a pooling layer made it, or a call that reads a feature map: a
normalisation, an activation, a sum with a skip connection. What moves or merges dimensions (`view`, `permute`,
`matmul`) ends that, so that the heads of a transformer are not taken for channels. Attention weights are what a softmax
makes of four dimensions, [samples, heads, queries, keys], that are no feature map.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from graphviz_nn.model.layer_types import Category
from graphviz_nn.plugin.layer_types import plain_names
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.recording.classify import operator_name

NONE: Final = ""
PICTURES: Final = "pictures"
ALL: Final = "all"
"""Which values have thumbnails: none, feature maps and attention weights, or everything with four dimensions."""

CHANNELS: Final = 64
SIDE: Final = 32
HEADS: Final = 16
ATTENTION_SIDE: Final = 64

_MAKES: Final = frozenset({Category.CONVOLUTION, Category.POOLING})
_ENDS: Final = frozenset({Category.LINEAR, Category.ATTENTION, Category.RECURRENT, Category.EMBEDDING})
_MOVES: Final = frozenset(
    {
        "view", "reshape", "reshape_as", "view_as", "unflatten", "flatten", "transpose", "permute", "swapaxes",
        "swapdims", "moveaxis", "movedim", "T", "mT", "H", "mH", "t", "unfold", "stack", "unsqueeze", "as_strided",
    }
)  # fmt: skip

_OTHER, _KEEPS, _IMAGE, _SOFTMAX = range(4)
"""What a call makes: no picture; a feature map where it reads one; a feature map; attention weights, or as `_KEEPS`."""


@cache
def _role(function: Any) -> int:
    op = operator_name(function)
    kind = plugins().layer_types.for_op(op)
    category = None if kind is None else kind.category
    if category in _MAKES:
        return _IMAGE
    if category in _ENDS or not _MOVES.isdisjoint(plain_names(op)):
        return _OTHER
    return _SOFTMAX if "softmax" in plain_names(op) else _KEEPS


class Thumbnails:
    """The thumbnails of one step.

    Attributes:
        made: by kind ("thumbnail", "gradient_thumbnail"), value and 0.
    """

    def __init__(self, which: str, made: dict[tuple[str, int, int], Tensor]) -> None:
        self.made = made
        self._all = which == ALL
        self._makes = _IMAGE if self._all else _OTHER
        self._maps: set[int] = set()
        self._weights: set[int] = set()

    def call(self, function: Any, values: list[int], *rest: Any) -> None:
        """A call of the function is about to run."""
        del rest
        if self._all:
            return
        try:
            role = _role(function)
        except TypeError:  # a callable that cannot be hashed
            role = _OTHER
        if role in (_KEEPS, _SOFTMAX):
            if self._maps and not self._maps.isdisjoint(values):
                role = _IMAGE
            elif role == _KEEPS:
                role = _OTHER
        self._makes = role

    def output(self, value: int, tensor: Tensor) -> None:
        """The call that is running made a value."""
        if self._makes and tensor.dim() == 4:
            if self._makes == _IMAGE:
                self._maps.add(value)
                self._keep("thumbnail", value, thumbnail(tensor))
            else:
                self._weights.add(value)
                self._keep("thumbnail", value, thumbnail(tensor, HEADS, ATTENTION_SIDE))

    def gradient(self, value: int, gradient: Tensor) -> None:
        """The gradient of a value arrived, in any thread."""
        if value in self._maps:
            self._keep("gradient_thumbnail", value, thumbnail(gradient))
        elif value in self._weights:
            self._keep("gradient_thumbnail", value, thumbnail(gradient, HEADS, ATTENTION_SIDE))

    def _keep(self, kind: str, value: int, made: Tensor | None) -> None:
        if made is not None:
            self.made[kind, value, 0] = made


def thumbnail(tensor: Tensor, channels: int = CHANNELS, side: int = SIDE) -> Tensor | None:
    """Returns the first sample's first channels, each strided down to at most `side` × `side`, as bfloat16; else None.

    Shape [channels, height, width]. bfloat16 keeps the range of float32 and two to three digits, enough for a picture.
    """
    if tensor.dim() != 4 or not tensor.is_floating_point() or tensor.is_meta or tensor.is_nested or 0 in tensor.shape:
        return None
    if tensor.shape[2] * tensor.shape[3] <= 1 or type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return None
    with torch.no_grad(), torch._C.DisableTorchFunction():
        rows = -(-tensor.shape[2] // side)
        columns = -(-tensor.shape[3] // side)
        picture = tensor.detach()[0, :channels, ::rows, ::columns]
        return picture.to(torch.bfloat16, copy=True).contiguous()
