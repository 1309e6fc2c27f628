"""What autograd saved of each call for the backward pass, read off its nodes where it is asked for.

It is read right after the call: nothing has been freed or written over yet, and a step without a backward pass is no
different. Only shapes are kept. Where the program has put hooks on what autograd saves (`saved_tensors_hooks`,
`save_on_cpu`, a checkpoint that does without reentry), reading would run them, so nothing is read there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor

from graphviz_nn.model.nested import sizes
from graphviz_nn.model.nodes import Saved
from graphviz_nn.recording.identity import history
from graphviz_nn.recording.opaque import readable_name
from graphviz_nn.recording.tape import Tape

_LIMIT: Final = 10_000
"""Most autograd nodes looked at for one value; a recurrent layer makes a few for each step in time."""
_RAW: Final = "_raw_saved_"
"""An autograd node has an attribute of that prefix for each tensor, or list of tensors, that it saves."""
_FIELDS: Final[dict[type, tuple[tuple[str, str], ...]]] = {}

_hooks_on_saving = torch._C._autograd._top_saved_tensors_default_hooks


class SavedTensors:
    """Reads what was saved for each value as it is made, into `Tape.saved`."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._read: set[int] = set()
        self._found: dict[int, tuple[Saved, ...] | None] = {}
        tape.saved = self._found

    def value(self, value: int, tensor: Tensor) -> None:
        """A call made the value: `tensor`, which is bound to it already."""
        node = history(tensor)
        if node is None:
            return
        if _hooks_on_saving(True) is not None:
            self._found[value] = None
            return
        saving = [(each, saved) for each in self._nodes(node) if (saved := list(_saved_by(each)))]
        several = len(saving) > 1
        self._found[value] = tuple(
            _describe(f"{readable_name(each)}.{name}" if several else name, kept)
            for each, saved in saving
            for name, kept in saved
        )

    def _nodes(self, last: Any) -> list[Any]:
        """The autograd nodes that the call made for the value, in order of execution: back to values known before."""
        found: list[Any] = []
        pending = [last]
        last_value = self._tape.last_value
        while pending and len(found) < _LIMIT:
            node = pending.pop()
            number = node._sequence_nr()
            if number in self._read or (node is not last and last_value(number) is not None):
                continue
            self._read.add(number)
            found.append(node)
            pending.extend(before for before, _ in node.next_functions if before is not None)
        return sorted(found, key=lambda node: node._sequence_nr())


def _saved_by(node: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors that one autograd node saved, by name: "weight", "indices[1]"."""
    form = type(node)
    fields = _FIELDS.get(form)
    if fields is None:
        fields = _FIELDS[form] = tuple(_fields(form))
    for name, attribute in fields:
        try:
            saved = getattr(node, attribute)
        except Exception:  # freed, written over since, or a property of the program's own class that raises
            continue
        if isinstance(saved, Tensor):
            yield name, saved
        elif isinstance(saved, (tuple, list)):
            yield from ((f"{name}[{k}]", each) for k, each in enumerate(saved) if isinstance(each, Tensor))


def _fields(form: type) -> Iterator[tuple[str, str]]:
    """Names of what nodes of that type save, and the attributes that give it; those of a Function's have no "_"."""
    for raw in dir(form):
        if raw.startswith(_RAW):
            name = raw.removeprefix(_RAW)
            yield (name, f"_saved_{name}") if hasattr(form, f"_saved_{name}") else (f"saved_{name}", f"saved_{name}")


def _describe(name: str, tensor: Tensor) -> Saved:
    shape = tuple(size if isinstance(size, int) else -1 for size in sizes(tensor))
    return Saved(name, shape, str(tensor.dtype).removeprefix("torch."), tensor.numel() * tensor.element_size())
