"""The values that a replay returns, safe from what the program writes over them later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from graphviz_nn.model.nodes import ValueRef

if TYPE_CHECKING:
    from torch import Tensor


class KeptValues:
    """Keeps tensors without copying them, until a call is about to write to their memory.

    Attributes:
        values: the kept tensors by value, detached.
    """

    def __init__(self, wants: Callable[[ValueRef], bool] | None) -> None:
        self.values: dict[ValueRef, Tensor] = {}
        self._wants = wants
        self._sharing: dict[int, list[ValueRef]] = {}

    def wants(self, ref: ValueRef) -> bool:
        """Whether the value is to be kept."""
        return self._wants is None or self._wants(ref)

    def add(self, ref: ValueRef, tensor: Tensor) -> None:
        """Keeps the tensor as it is now."""
        plain = tensor.detach()
        memory = _memory(plain)
        if memory is None:
            plain = plain.clone()
        else:
            self._sharing.setdefault(memory, []).append(ref)
        self.values[ref] = plain

    def copy_before_write(self, tensors: Iterable[Tensor]) -> None:
        """Copies the kept values that share memory with these tensors, which are about to be written."""
        for tensor in tensors:
            memory = _memory(tensor)
            if memory is not None:
                for ref in self._sharing.pop(memory, ()):
                    self.values[ref] = self.values[ref].clone()


def _memory(tensor: Tensor) -> int | None:
    """The address of the tensor's storage, or None where it has none of its own (sparse tensors)."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):
        return None
