"""The ATen operators that run inside each recorded call, forward and backward, where they are asked for.

A `TorchDispatchMode` sees every operator that reaches a kernel. It is on around each recorded call, and around the
engine while a backward pass runs. There the autograd node that is being evaluated tells the call: autograd numbers its
nodes as the forward pass makes them, so the first recorded result with the same number or a higher one came out of the
call that made the node.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from graphviz_nn.recording.tape import Tape

_unrecorded = torch._C.DisableTorchFunction
_current_node = torch._C._current_autograd_node
_DETACH: Final = torch.ops.aten.detach.default


def hidden(observer: Callable[..., None] | None) -> Callable[..., None] | None:
    """Returns the observer with what it computes kept out of the lists."""
    if observer is None:
        return None

    def observe(*told: Any) -> None:
        with torch._C._DisableTorchDispatch():
            observer(*told)

    return observe


def _without_saving(names: list[str], function: Any) -> tuple[str, ...]:
    """Autograd shows each result that it saves as a `detach`, which is none when nobody looks."""
    if "detach" in getattr(function, "__name__", "detach"):
        return tuple(names)
    return tuple(name for name in names if name != str(_DETACH))


class AtenRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects operators by call.

    Attributes:
        inside: the operators of the last call that `run` ran, in order: "aten.addmm.default".
    """

    def __init__(self, tape: Tape) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.inside: tuple[str, ...] = ()
        self._tape = tape
        self._on = False
        self._found: list[str] | None = None
        self._backward: list[tuple[int, str]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self._found is not None:
            self._found.append(str(func))
        else:
            node = _current_node()
            if node is not None and func is not _DETACH:
                self._backward.append((node._sequence_nr(), str(func)))
        with _unrecorded():  # the operator itself is no call of the program's
            return func(*args, **(kwargs or {}))

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        """Calls the function, and leaves the operators that ran in `inside`."""
        outer, self._found = self._found, []
        try:
            return self._with_mode(function, args, kwargs or {})
        finally:
            self.inside, self._found = _without_saving(self._found, function), outer

    def backward(self, engine: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs the autograd engine."""
        outer, self._found = self._found, None
        try:
            return self._with_mode(engine, args, kwargs)
        finally:
            self._found = outer

    def attribute_backward(self) -> None:
        """Sorts what backward passes ran by the values whose calls it belongs to, into the tape."""
        tape = self._tape
        numbers = sorted({*tape.sequence, *tape.single})
        for number, name in self._backward:
            place = bisect_left(numbers, number)
            value = tape.last_value(numbers[place]) if place < len(numbers) else None
            if value is not None:  # what adds up `.grad` of a leaf has a number beyond all
                tape.aten_backward.setdefault(value, []).append(name)
        self._backward.clear()

    def _with_mode(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._on:  # a call of the program's inside a backward pass
            return function(*args, **kwargs)
        self._on = True
        try:
            with self:
                return function(*args, **kwargs)
        finally:
            self._on = False
