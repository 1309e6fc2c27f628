"""Hooks that tell of each gradient as autograd delivers it, before any hook of the program's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any
from weakref import ref

import torch
from torch import Tensor

from graphviz_nn.recording.tape import NONE_GRADIENT, Tape

Hook = Callable[[Tensor | None], None]

_current_node = torch._C._current_autograd_node


class HookDict(dict[int, Any]):
    """What torch keeps a tensor's hooks in: a dict that can be referred to weakly, as a user's later hook needs.

    An OrderedDict, which torch itself takes, is twice as large and slow to make.
    """

    __slots__ = ("__weakref__",)


def prepend(hooks: dict[int, Any], key: int, hook: Hook) -> None:
    """Puts the hook before the others, so that it sees what autograd computed and not what they made of it."""
    others = dict(hooks)
    hooks.clear()
    hooks[key] = hook
    hooks.update(others)


class LeafHooks:
    """Hooks on leaf tensors. They outlive a backward pass, so they are taken off when the step ends."""

    def __init__(self) -> None:
        self._hooked: list[tuple[ref[Tensor], dict[int, Any], int, bool]] = []

    def add(self, tensor: Tensor, value: int, hook: Hook) -> None:
        """Puts the hook before any hook of the user's, so that it sees what autograd computed."""
        hooks: dict[int, Any] | None = tensor._backward_hooks
        key = -1 - value
        created = hooks is None
        if hooks is None:
            hooks = HookDict()
            hooks[key] = hook
            tensor._backward_hooks = hooks
        else:
            prepend(hooks, key, hook)
        self._hooked.append((ref(tensor), hooks, key, created))

    def remove(self) -> None:
        """Leaves every leaf as it was found."""
        for reference, hooks, key, created in self._hooked:
            hooks.pop(key, None)
            if created and not hooks:
                tensor = reference()
                if tensor is not None and tensor._backward_hooks is hooks:
                    tensor._backward_hooks = None
        self._hooked.clear()


Arrival = Callable[[int, Tensor | None], None]
"""Takes a value and the gradient of it that autograd delivers."""


def arrival(order: Callable[[Any], None], observe: Callable[[int, Tensor], None] | None) -> Arrival:
    """Returns what notes that the gradient of a value arrived, and lets it be observed."""

    def arrive(value: int, gradient: Tensor | None) -> None:
        if gradient is None:
            order((NONE_GRADIENT, value))
        else:
            order(value)
            if observe is not None:
                observe(value, gradient)

    return arrive


def gradient_hooks(arrive: Arrival) -> Callable[[int], Hook]:
    """Returns a maker of gradient hooks, which call `arrive` with their value.

    A hook must not refer to its own tensor (that would leak it), and never returns anything (that would change it).
    """
    # A method of the value's number is a third of the size of a closure, and there may be one for every value.
    return partial(MethodType, arrive)


def carry_shared_hook(tape: Tape, observe: Callable[[int, Tensor], None] | None) -> Tensor:
    """Returns a tensor that carries one hook for all values of `Tape.single`.

    `node._register_hook_dict(carrier)` puts the hook on the first output of an autograd node, before those that the
    program may add. The hook knows whose gradient it is told from the node that autograd is evaluating, so that nothing
    has to be made for each value: a dict and a hook of its own took a fifth of the time of recording a call. Sequence
    numbers are counted by thread: only nodes made in one thread may share it.
    """
    order, value_of = tape.order.append, tape.single.get

    def arrive(gradient: Tensor | None) -> None:
        value = value_of(_current_node()._sequence_nr())
        if gradient is None:
            if value is not None:
                order((NONE_GRADIENT, value))
        elif value is not None:
            order(value)
            if observe is not None:
                observe(value, gradient)

    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():  # no mode of the program's may see it
        carrier = torch.empty(0, device="cpu")
        carrier._backward_hooks = HookDict({-1: arrive})
    return carrier
