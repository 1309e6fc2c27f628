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
    return _values_by_node(identity).get(_key(tensor.grad_fn))


def origins(identity: Identity, start: Any) -> tuple[int, ...]:
    """Returns the known values and leaves that the autograd node `start` was computed from, in order of value."""
    known = _values_by_node(identity)
    found: set[int] = set()
    seen: set[Any] = {start}
    pending = [start]
    while pending and len(seen) < _LIMIT:
        for node, _ in pending.pop().next_functions:
            if node is None or node in seen:
                continue
            seen.add(node)
            leaf = getattr(node, "variable", None)
            value = identity.read(leaf) if leaf is not None else known.get(_key(node))
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


def _values_by_node(identity: Identity) -> dict[tuple[int, type], int]:
    # Later values overwrite earlier ones: an in-place write moves a node's output to the newest version.
    return {(number, kind): value for value, number, kind in identity.tape.sequence}


def _key(node: Any) -> tuple[int, type]:
    return node._sequence_nr(), type(node)
