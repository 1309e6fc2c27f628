"""What `==` does not tell of arguments: 2 and 2.0, 1 and True, 0.0 and -0.0 are equal, and not the same."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final

from graphviz_nn.recording.tape import SLOT

_NUMBERS: Final = frozenset({float, complex})
_SEQUENCES: Final = frozenset({tuple, list})
_CONTAINERS: Final = frozenset({dict, slice})


def form_of(argument: Any) -> Any:
    """Returns what tells an argument from others that equal it: its type, or its text where that is not enough."""
    return repr(argument) if _told_by_text(argument) else type(argument)


def _told_by_text(argument: Any) -> bool:
    form = type(argument)
    if form in _SEQUENCES:
        return any(item is not SLOT for item in argument)  # tensors alone, as in `torch.cat`, are equal or not
    return form in _NUMBERS or form in _CONTAINERS


class ArgumentForms:
    """The forms of all arguments of a step's calls that are not tensors, to compare with another step's."""

    def __init__(self, ops: Sequence[tuple[Any, ...]]) -> None:
        """`ops` are tuples of the form of `graphviz_nn.recording.tape.Op`."""
        # Flat arrays and hashes: a long program has many arguments.
        self._calls = _places(op[11] or any(argument is not SLOT for argument in op[10] or ()) for op in ops)
        self._sequences = array("i")
        self._sequences = _places(type(other) in _SEQUENCES and _told_by_text(other) for other in self._others(ops))
        others = self._others(ops)
        opened = set(self._sequences)
        self._floats = _places(type(other) is float for other in others)
        self._by_text = _places(
            type(other) is not float and place not in opened and _told_by_text(other)
            for place, other in enumerate(others)
        )
        self._types = _hash_types(others)
        self._values = self._hash_values(others)

    def match(self, ops: Sequence[tuple[Any, ...]]) -> bool:
        """Whether the calls of another step, which are equal by `==`, are given the very same."""
        others = self._others(ops)
        return _hash_types(others) == self._types and self._hash_values(others) == self._values

    def _others(self, ops: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Returns what is given beside tensors: positional arguments first, and what stands in lists last."""
        others = [argument for index in self._calls for argument in ops[index][10] if argument is not SLOT]
        for index in self._calls:
            if ops[index][11]:
                others += ops[index][11].values()
        for place in self._sequences:
            others += others[place]
        return others

    def _hash_values(self, others: list[Any]) -> int:
        """Returns a hash of what types leave open: floats by their bits, the rest by its text."""
        found = hash(array("d", [others[place] for place in self._floats]).tobytes())
        for place in self._by_text:
            found = hash((found, repr(others[place])))
        return found


def _hash_types(others: list[Any]) -> int:
    return hash(tuple(map(type, others)))


def _places(wanted: Iterable[Any]) -> array[int]:
    """Returns the places of what is true."""
    found = array("i")
    found.extend(place for place, each in enumerate(wanted) if each)
    return found
