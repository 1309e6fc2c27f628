"""What `==` does not tell of arguments: 2 and 2.0, 1 and True, 0.0 and -0.0 are equal, and not the same."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Final

from graphviz_nn.recording.tape import SLOT

_NUMBERS: Final = frozenset({float, complex})
_CONTAINERS: Final = frozenset({tuple, list, dict, slice})


def form_of(argument: Any) -> Any:
    """Returns what tells an argument from others that equal it: its type, or its text where that is not enough."""
    return repr(argument) if _told_by_text(argument) else type(argument)


def _told_by_text(argument: Any) -> bool:
    form = type(argument)
    if form is tuple or form is list:
        return any(item is not SLOT for item in argument)  # tensors alone, as in `torch.cat`, are equal or not
    return form in _NUMBERS or form in _CONTAINERS


class ArgumentForms:
    """The forms of all arguments of a step's calls that are not tensors, to compare with another step's."""

    def __init__(self, ops: Sequence[tuple[Any, ...]]) -> None:
        """`ops` are tuples of the form of `graphviz_nn.recording.tape.Op`."""
        # Flat arrays and hashes: a long program has many arguments.
        self._calls = array("i")
        self._calls.extend(
            index for index, op in enumerate(ops) if op[11] or any(argument is not SLOT for argument in op[10] or ())
        )
        others = self._others(ops)
        self._types = _hash_types(others)
        self._by_text = array("i")
        self._by_text.extend(place for place, argument in enumerate(others) if _told_by_text(argument))
        self._texts = self._hash_texts(others)

    def match(self, ops: Sequence[tuple[Any, ...]]) -> bool:
        """Whether the calls of another step, which are equal by `==`, are given the very same."""
        others = self._others(ops)
        return _hash_types(others) == self._types and self._hash_texts(others) == self._texts

    def _others(self, ops: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Returns what is given beside tensors: positional arguments first."""
        others = [argument for index in self._calls for argument in ops[index][10] if argument is not SLOT]
        for index in self._calls:
            if ops[index][11]:
                others += ops[index][11].values()
        return others

    def _hash_texts(self, others: list[Any]) -> int:
        found = 0
        for place in self._by_text:
            found = hash((found, repr(others[place])))
        return found


def _hash_types(others: list[Any]) -> int:
    return hash(tuple(map(type, others)))
