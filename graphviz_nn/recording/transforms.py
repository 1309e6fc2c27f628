"""`torch.func` transforms (vmap, grad, jvp): what they compute inside is not recorded call by call.

While a transform is active, tensors are wrappers of it. The values that go in are collected, and what comes out later
is tied to them as one opaque node.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.identity import Identity

_functorch = torch._C._functorch


class Transforms:
    """Collects the values that calls inside a transform read."""

    def __init__(self, mode: CallRecorder, identity: Identity) -> None:
        self._mode = mode
        self._identity = identity
        self._noted = False
        self.inputs: set[int] = set()

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """A call inside a transform: its arguments that come from outside are read."""
        del function
        if not self._noted:
            self._noted = True
            self._mode.tape.notes.append(
                "A transform of torch.func or a batched gradient ran: what it computed inside is one opaque node, not "
                "recorded call by call."
            )
            self._identity.transform_inputs = self.inputs
        for x in (*args, *(kwargs or {}).values()):
            for tensor in x if isinstance(x, (tuple, list)) else (x,):
                if isinstance(tensor, Tensor):
                    self._read(tensor)

    def _read(self, tensor: Tensor) -> None:
        while _functorch.is_functorch_wrapped_tensor(tensor):
            tensor = _functorch.get_unwrapped(tensor)
        value = self._identity.lookup(tensor)
        if value is None and tensor.is_leaf and self._identity.known.is_named(tensor):
            value = self._identity.read(tensor)
        if value is not None:
            self.inputs.add(value)
