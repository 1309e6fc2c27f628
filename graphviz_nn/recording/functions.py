"""Custom `autograd.Function`s and checkpointed regions while a step is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import CheckpointFunction

from graphviz_nn.recording.arguments import template_of
from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.frames import phase_here, user_frame
from graphviz_nn.recording.identity import Identity
from graphviz_nn.recording.tape import ALIAS, CALL, CUSTOM, NOOP, OPAQUE, RECOMPUTE, SOURCE, WRITES
from graphviz_nn.recording.writes import counters

_unrecorded = torch._C.DisableTorchFunction
_UNMATCHED = SOURCE | ALIAS | OPAQUE


class CustomFunctions:
    """Turns a call of `Function.apply` into one node with the calls of its `forward` inside."""

    def __init__(self, mode: CallRecorder, identity: Identity) -> None:
        self.mode = mode
        self.identity = identity

    def apply(self, original: Callable[..., Any], cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs `cls.apply` with the call noted around it."""
        mode = self.mode
        if mode.closed or not recording_here(mode) or torch._C._are_functorch_transforms_active():
            return original(*args, **kwargs)
        inputs: list[int] = []
        tensors: list[Tensor] = []
        try:
            with _unrecorded():
                template = [template_of(x, self.identity, inputs, tensors) for x in args]
                versions = counters(cls, tensors)
            group = mode.special.open_group()
        except Exception as error:
            mode.fail(error)
            return original(*args, **kwargs)
        if cls is CheckpointFunction:
            args = (Segment(mode, args[0]), *args[1:])
        outer, mode.group = mode.group, group
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            mode.group = outer
            mode._raised(cls, inputs, tuple(template), None, error)
            mode.tape.groups[group] = mode.failure[1] if mode.failure else -1
            raise
        mode.group = outer
        try:
            with _unrecorded():
                self._close(cls, group, inputs, tensors, versions, template, result)
        except Exception as error:
            mode.fail(error)
        return result

    def _close(
        self,
        cls: Any,
        group: int,
        inputs: list[int],
        tensors: list[Tensor],
        versions: list[int],
        template: list[Any],
        result: Any,
    ) -> None:
        mode, tape, identity = self.mode, self.identity.tape, self.identity
        if mode.note_call is not None:
            mode.note_call(cls, inputs, tensors, tuple(template), None)
        made = [x for x in (result if isinstance(result, (tuple, list)) else (result,)) if isinstance(x, Tensor)]
        given = {id(x) for x in tensors}
        written = [x for x, v in zip(tensors, versions, strict=True) if v >= 0 and x._version != v]
        # What the inside made, and what it wrote: versions that the Function was not given.
        passed_on = (identity.lookup(x) for x in made if id(x) not in given or any(x is y for y in written))
        inside = [value for value in passed_on if value is not None and value not in inputs]
        first = len(tape.values)
        flags = CUSTOM
        count = 0
        for x in written:
            flags |= WRITES
            count += identity.mutated(x)
        fresh = [x for x in made if id(x) not in given]
        for x in fresh:
            if x._backward_hooks is not None and all(key < 0 for key in x._backward_hooks):
                # Ours, on the autograd node that the tensor had inside; its node is the Function's now.
                x._backward_hooks = None
            identity.bind(x)
            count += 1
        if not count and not fresh:
            flags |= NOOP
        code, lasti = user_frame()
        index = len(tape.ops)
        tape.groups[group] = index
        # Values that the inside made and that left as results come last: edges without an argument of their own.
        tape.ops.append(
            (
                cls, mode.state, code, lasti, phase_here(mode.phase), mode.group, (*inputs, *inside), first, count,
                flags, tuple(template), None,
            )
        )  # fmt: skip
        tape.times.append(mode.now())
        tape.order.append(CALL)


class Segment:
    """A checkpointed function: its first run is the original, every later one a recomputation of the same calls."""

    def __init__(self, mode: CallRecorder, function: Callable[..., Any]) -> None:
        self._mode = mode
        self._function = function
        self._begin = 0
        self._original: tuple[int, int] | None = None

    def begin(self) -> None:
        """The first run begins."""
        self._begin = len(self._mode.tape.ops)

    def end(self) -> None:
        """The first run is over."""
        self._original = (self._begin, len(self._mode.tape.ops))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._mode.closed:
            return self._function(*args, **kwargs)
        if self._original is not None:
            return self._run_again(args, kwargs)
        self.begin()
        try:
            return self._function(*args, **kwargs)
        finally:
            self.end()

    def _run_again(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        mode = self._mode
        begin = len(mode.tape.ops)
        outer, mode.phase = mode.phase, RECOMPUTE
        try:
            return self._function(*args, **kwargs)
        except BaseException as error:
            mode.note_phase(error, RECOMPUTE)
            raise
        finally:
            mode.phase = outer
            if not mode.closed:
                self._match(begin)

    def _match(self, begin: int) -> None:
        """Maps each recomputed call to its original. A recomputation may stop early, and never reorders."""
        assert self._original is not None
        ops = self._mode.tape.ops
        originals = [i for i in range(*self._original) if not ops[i][9] & _UNMATCHED]
        again = [i for i in range(begin, len(ops)) if not ops[i][9] & _UNMATCHED]
        for original, repeated in zip(originals, again, strict=False):
            if ops[original][0] is not ops[repeated][0]:
                break
            self._mode.tape.recomputed[repeated] = original


def recording_here(mode: CallRecorder) -> bool:
    """Whether the mode is on in this thread right now (it is off inside a call that it is recording)."""
    return any(torch._C._get_function_stack_at(k) is mode for k in range(torch._C._len_torch_function_stack()))
