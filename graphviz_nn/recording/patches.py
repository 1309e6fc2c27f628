"""Everything of torch that is replaced while a step is recorded, put in and taken out in one place.

`Patches.install` remembers each original; `remove` puts it back only where ours still stands, so that a patch that
somebody else put on top meanwhile survives.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import torch
import torch.autograd
import torch.nn.functional as F  # noqa: N812 - its usual name
import torch.utils.checkpoint
from torch import Tensor
from torch.nn import Parameter
from torch.overrides import TorchFunctionMode

_stack_length = torch._C._len_torch_function_stack
_stack_at = torch._C._get_function_stack_at
_getframe = sys._getframe

# Python functions whose body is one operator of the same name: recorded there, which saves two Python calls each.
_TRANSPARENT_FUNCTIONS: Final = (
    F.relu, F.batch_norm, F.layer_norm, F.group_norm, F.instance_norm, F.dropout, F.softmax, F.log_softmax, F.silu,
    F.leaky_relu, F.elu, F.embedding, F.hardtanh, F.mish, F.glu, F.rms_norm, F.selu, F.celu,
    Tensor.split, Tensor.__rsub__, Tensor.backward, torch.autograd.backward, torch.autograd.grad,
)  # fmt: skip
_TRANSPARENT: Final = frozenset(
    id(code)
    for function in _TRANSPARENT_FUNCTIONS
    if (code := getattr(getattr(function, "__wrapped__", function), "__code__", None)) is not None
)
_PLAIN: Final = frozenset({Tensor, Parameter})
_INHERITED: Final = object()


class Patches:
    """Attributes replaced for a while."""

    def __init__(self) -> None:
        self._installed: list[tuple[Any, str, Any, Any]] = []

    def install(self, owner: Any, name: str, replacement: Any) -> None:
        """Replaces `owner.name` until `remove`, also where the owner only inherits it."""
        original = vars(owner).get(name, _INHERITED)
        setattr(owner, name, replacement)
        self._installed.append((owner, name, original, vars(owner)[name]))

    def remove(self) -> None:
        """Puts every original back."""
        while self._installed:
            owner, name, original, ours = self._installed.pop()
            if vars(owner).get(name) is not ours:
                continue
            if original is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, original)


def override_checks(mode: TorchFunctionMode) -> list[tuple[Any, str, Callable[..., bool]]]:
    """Returns replacements of torch's override checks, as (owner, name, replacement).

    In the transparent functions above they answer "no" while ours is the only mode, so that their body runs and its
    one operator is recorded. In `nn` and `torch.overrides`, which ask before they choose a fast path, they answer as
    if we were not there: the program's numbers must not depend on us.
    """
    unary, plain, variadic = (
        torch._C._has_torch_function_unary, torch._C._has_torch_function, torch._C._has_torch_function_variadic,
    )  # fmt: skip

    def alone() -> bool:
        return _stack_length() == 1 and _stack_at(0) is mode

    def has_unary(x: Any) -> bool:
        if type(x) in _PLAIN and id(_getframe(1).f_code) in _TRANSPARENT and alone():
            return False
        return bool(unary(x))

    def has_variadic(*args: Any) -> bool:
        if id(_getframe(1).f_code) in _TRANSPARENT and alone() and not _overriding(args):
            return False
        return bool(variadic(*args))

    def has_plain(args: Any) -> bool:
        if id(_getframe(1).f_code) in _TRANSPARENT and alone() and not _overriding(args):
            return False
        return bool(plain(args))

    def as_if_absent(args: Any) -> bool:
        return _overriding(args) if alone() else bool(plain(args))

    return [
        (F, "has_torch_function_unary", has_unary),
        (F, "has_torch_function_variadic", has_variadic),
        (torch._tensor, "has_torch_function_unary", has_unary),
        (torch._tensor, "has_torch_function_variadic", has_variadic),
        (torch.autograd, "has_torch_function", has_plain),
        (torch.overrides, "has_torch_function", as_if_absent),
    ]


def _overriding(args: Any) -> bool:
    """Whether an argument itself overrides torch functions, whatever modes are on."""
    for x in args:
        if type(x) in _PLAIN or x is None:
            continue
        override = getattr(type(x), "__torch_function__", None)
        if override is not None and override is not torch._C._disabled_torch_function_impl:
            return True
    return False


def push_below(mode: TorchFunctionMode) -> None:
    """Puts the mode at the bottom of this thread's stack, below every mode of the user's.

    A mode that the user entered before us is left before us or after us; either way it takes itself off the top.
    Only the default device, which torch expects at the very bottom, stays below.
    """
    above = []
    while _stack_length():
        above.append(torch._C._pop_torch_function_stack())
    default_device = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    if above and above[-1] is default_device:
        torch._C._push_on_torch_function_stack(above.pop())
    torch._C._push_on_torch_function_stack(mode)
    for other in reversed(above):
        torch._C._push_on_torch_function_stack(other)


def is_on(mode: TorchFunctionMode) -> bool:
    """Whether the mode is on in this thread right now; it is off inside a call that it is handling."""
    length = _stack_length()
    if length and _stack_at(0) is mode:  # ours is at the bottom, but for what a program does to the stack by itself
        return True
    return any(_stack_at(place) is mode for place in range(1, length))


def take_out(mode: TorchFunctionMode) -> bool:
    """Takes the mode out of this thread's stack, wherever it stands. Returns whether it was there."""
    above = []
    found = False
    while _stack_length():
        other = torch._C._pop_torch_function_stack()
        if other is mode:
            found = True
            break
        above.append(other)
    for other in reversed(above):
        torch._C._push_on_torch_function_stack(other)
    return found
