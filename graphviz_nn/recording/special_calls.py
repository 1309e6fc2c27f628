"""Calls that need more than a look at their tensors before and after: those that have an inside, or change a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphviz_nn.recording import classify as kinds
from graphviz_nn.recording.arguments import template_of
from graphviz_nn.recording.frames import user_frame
from graphviz_nn.recording.identity import history
from graphviz_nn.recording.reenter import without_override_check
from graphviz_nn.recording.tape import CALL, GROUP, GROUP_BEGIN, WRITES

if TYPE_CHECKING:
    from graphviz_nn.recording.calls import CallRecorder

_transforms_active = torch._C._are_functorch_transforms_active


class SpecialCalls:
    """Runs the rare calls for a `CallRecorder`, which takes the ordinary ones itself."""

    def __init__(self, mode: CallRecorder) -> None:
        self._mode = mode

    def call(self, kind: int, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        """Runs a call that needs more than a look at its tensors before and after, and returns its result."""
        mode = self._mode
        if _transforms_active():
            try:
                if mode.in_transform is not None:
                    mode.in_transform(function, args, kwargs)
            except Exception as error:
                mode.fail(error)
            return function(*args, **(kwargs or {}))
        if kind == kinds.REENTER:
            with Reentered(self._mode):
                return without_override_check(function)(*args, **(kwargs or {}))
        if kind == kinds.COMPOSITE:
            return self._composite(function, args, kwargs or {})
        if kind == kinds.SETS_REQUIRES_GRAD:
            return self._set_requires_grad(function, args, kwargs or {})
        return self._set_data(function, args)

    def _composite(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        mode = self._mode
        group = self.open_group()
        outer, mode.group = mode.group, group
        try:
            with Reentered(mode):
                return without_override_check(function)(*args, **kwargs)
        finally:
            mode.group = outer
            self.close_group(group, function)

    def open_group(self) -> int:
        """Begins a call that has an inside. Returns the group's number; `close_group` ends it."""
        tape = self._mode.tape
        group = len(tape.groups)
        tape.groups.append(-1)
        tape.order.append((GROUP_BEGIN, group))
        return group

    def close_group(self, group: int, function: Any) -> None:
        """Ends a composite: its node stands after the nodes inside it and makes no values itself."""
        mode, tape = self._mode, self._mode.tape
        code, lasti = user_frame()
        tape.groups[group] = len(tape.ops)
        tape.order.append(CALL)
        tape.ops.append(
            (function, mode.state, code, lasti, mode.phase, mode.group, (), len(tape.values), 0, GROUP, None, None)
        )
        tape.times.append(mode.now())

    def _set_requires_grad(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = function(*args, **kwargs)
        try:
            tensor = args[0]
            identity, values = self._mode.identity, self._mode.tape.values
            value = identity.lookup(tensor)
            if value is not None and tensor.requires_grad and history(tensor) is None:
                shape, dtype, device, _ = values[value]
                values[value] = (shape, dtype, device, True)
                identity.hook_leaf(tensor, value)
        except Exception as error:
            self._mode.fail(error)
        return result

    def _set_data(self, function: Any, args: tuple[Any, ...]) -> Any:
        """`x.data = y`: x is a new version of itself that holds y's numbers.

        Where y is the first that is known of x, the parameter of a lazy module is materialized.
        """
        return self.set_memory(function, args, {}, least=len(args))

    def set_memory(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, least: int = 1) -> Any:
        """Runs a call that gives its first argument other memory; with fewer than `least` tensors it is no node."""
        mode, identity = self._mode, self._mode.identity
        try:
            inputs: list[int] = []
            tensors: list[Tensor] = []
            template = tuple(template_of(x, identity, inputs, tensors) for x in args)
            keywords = {name: template_of(x, identity, inputs, tensors) for name, x in kwargs.items()} or None
            if mode.before_write is not None:
                mode.before_write(tensors)
        except Exception as error:
            mode.fail(error)
            return function(*args, **kwargs)
        result = function(*args, **kwargs)
        if len(inputs) < least:
            return result
        try:
            self._close_set_memory(function, args[0], tuple(inputs), template, keywords)
        except Exception as error:
            mode.fail(error)
        return result

    def _close_set_memory(
        self, function: Any, target: Tensor, inputs: tuple[int, ...], template: tuple[Any, ...], keywords: Any
    ) -> None:
        mode, tape = self._mode, self._mode.tape
        first = len(tape.values)
        count = mode.identity.mutated(target)
        code, lasti = user_frame()
        tape.order.append(CALL)
        tape.ops.append(
            (
                function, mode.state, code, lasti, mode.phase, mode.group, inputs, first, count, WRITES, template,
                keywords,
            )
        )  # fmt: skip
        tape.times.append(mode.now())


class Reentered:
    """Puts the mode back on while one of its own handlers runs more of the user's program."""

    def __init__(self, mode: CallRecorder) -> None:
        self._mode = mode

    def __enter__(self) -> None:
        torch._C._push_on_torch_function_stack(self._mode)

    def __exit__(self, *exception: object) -> None:
        torch._C._pop_torch_function_stack()
