"""Ties a tensor that unseen code made (TorchScript, C++, another thread) to the values that it was made of.

Autograd knows its history: the walk goes back from its `grad_fn` until each path meets a value or a leaf that is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Tensor

    from graphviz_nn.recording.identity import Identity

_LIMIT: Final = 100_000
"""Most autograd nodes looked at for one tensor; beyond it the ties found so far are used."""


def find(identity: Identity, tensor: Tensor) -> int | None:
    """Returns the value whose autograd node is the tensor's own, if any: the same value in another Python object.

    It happens where autograd unpacks a saved output in a backward pass.
    """
    return _output_of(identity, tensor.grad_fn, tensor.output_nr)


def origins(identity: Identity, start: Any) -> tuple[int, ...]:
    """Returns the known values and leaves that the autograd node `start` was computed from, in order of value."""
    found: set[int] = set()
    seen: set[Any] = {start}
    pending = [start]
    while pending and len(seen) < _LIMIT:
        for node, number in pending.pop().next_functions:
            if node is None or node in seen:
                continue
            seen.add(node)
            leaf = getattr(node, "variable", None)
            value = identity.read(leaf) if leaf is not None else _output_of(identity, node, number)
            if value is None:
                pending.append(node)
            else:
                found.add(value)
    return tuple(sorted(found))


def readable_name(node: Any) -> str:
    """Returns the operator behind an autograd node: `ThMulBackward0` → "mul", a scripted graph → "opaque"."""
    name = re.sub(r"(Backward)?\d*$", "", str(node.name()).rsplit("::", 1)[-1])
    name = re.sub(r"Backward$", "", name)
    if not name or "Differentiable" in name or "Error" in name:
        return "opaque"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _output_of(identity: Identity, node: Any, number: int) -> int | None:
    """Returns the value that is output `number` of an autograd node, or None where no recorded call made it.

    Sequence numbers are counted by thread, so one from another thread may coincide with one of ours: shapes must agree.
    """
    last = identity.tape.last_value(node._sequence_nr())
    if last is None:
        return None
    shapes = [tuple(meta.shape) for meta in node._input_metadata]
    values = identity.tape.values
    first = last - len(shapes) + 1
    for value in (first + number, last):
        if 0 <= value < len(values) and number < len(shapes) and tuple(values[value][0]) == shapes[number]:
            return value
    return None
