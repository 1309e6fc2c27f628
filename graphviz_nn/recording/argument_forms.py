"""What `==` does not tell of arguments: 2 and 2.0, 1 and True, 0.0 and -0.0 are equal, and not the same."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Final

from graphviz_nn.recording.tape import SLOT

_TOLD_BY_TEXT: Final = frozenset({float, complex, tuple, list})


def form_of(argument: Any) -> Any:
    """Returns what tells an argument from others that equal it: its type, or its text where that is not enough."""
    form = type(argument)
    return repr(argument) if form in _TOLD_BY_TEXT else form


class ArgumentForms:
    """The forms of all arguments of a step's calls that are not tensors, to compare with another step's."""

    def __init__(self, ops: Sequence[tuple[Any, ...]]) -> None:
        """`ops` are tuples of the form of `graphviz_nn.recording.tape.Op`."""
        # Flat arrays: a long program has many arguments.
        self._calls = array("i")
        self._calls.extend(
            index for index, op in enumerate(ops) if op[11] or any(argument is not SLOT for argument in op[10] or ())
        )
        self._forms = self._read(ops)

    def match(self, ops: Sequence[tuple[Any, ...]]) -> bool:
        """Whether the calls of another step, which are equal by `==`, are given the very same."""
        return self._read(ops) == self._forms

    def _read(self, ops: Sequence[tuple[Any, ...]]) -> array[int]:
        """Returns the hash of each form: those of positional arguments first."""
        forms = array("q")
        forms.extend(hash(form_of(argument)) for index in self._calls for argument in ops[index][10])
        for index in self._calls:
            if ops[index][11]:
                forms.extend(hash(form_of(argument)) for argument in ops[index][11].values())
        return forms
