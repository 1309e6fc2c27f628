"""Gradients by the batch: `is_grads_batched=True`, and `torch.autograd.functional` with `vectorize=True`.

Both run in a vmap of an older kind than `torch.func`'s. Its tensors are wrappers without numbers of their own, so what
it computes is not recorded call by call: the values that go in are collected, and what comes out is tied to them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from graphviz_nn.recording.calls import CallRecorder


class Batches:
    """Stands where torch begins and ends such a vmap."""

    def __init__(self, mode: CallRecorder, collect: Callable[[tuple[Any, ...], dict[str, Any] | None], None]) -> None:
        """`collect` takes the arguments of each call inside."""
        self._mode = mode
        self._collect = collect
        self._thread = threading.get_ident()
        self._depth = 0
        self._closed = False
        self._order = 0

    def replacements(self) -> list[tuple[Any, str, Callable[[], int]]]:
        """Returns what to replace, as (owner, name, replacement)."""
        begin, end = "_vmapmode_increment_nesting", "_vmapmode_decrement_nesting"
        return [(torch._C, begin, self._around(begin, self._begin)), (torch._C, end, self._around(end, self._end))]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What runs inside is not recorded, as in such a vmap."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def hidden(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function with nothing of what it runs recorded: hooks of ours would end a `torch.jit.trace`."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return original(*args, **kwargs)
            with self.inside():
                return original(*args, **kwargs)

        return call

    def _around(self, name: str, note: Callable[[], None]) -> Callable[[], int]:
        original: Callable[[], int] = vars(torch._C)[name]

        def nesting() -> int:
            if threading.get_ident() == self._thread:
                note()
            return original()

        return nesting

    def _begin(self) -> None:
        self._depth += 1
        if self._depth == 1 and not self._mode.closed:
            self._order = len(self._mode.tape.order)
            self._mode.closed = True
            self._mode.in_batch = self._read

    def _end(self) -> None:
        self._depth -= 1
        if self._depth == 0 and self._mode.in_batch is not None:
            self._mode.in_batch = None
            self._mode.closed = self._closed
            # Hooks have told of gradients that are none: each stands for a whole batch.
            del self._mode.tape.order[self._order :]

    def _read(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        try:
            self._collect(args, kwargs)
        except Exception as error:
            self._closed = True
            self._mode.fail(error)
