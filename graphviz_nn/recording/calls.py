"""The hot path: one call of an overridable function becomes one tuple on the tape.

`CallRecorder` is a `TorchFunctionMode`. Everything it does for an ordinary call stands in one method, without helper
calls, because it runs thousands of times a step; the rare cases are in `graphviz_nn.recording.special_calls`. Work of
ours that fails ends the recording and never the program.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from types import CodeType
from typing import Any, Final
from weakref import ref

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]
from torch.overrides import TorchFunctionMode

from graphviz_nn.model.nested import sizes
from graphviz_nn.recording import classify as kinds
from graphviz_nn.recording.arguments import SIMPLE, template_of
from graphviz_nn.recording.aten import AtenRecorder
from graphviz_nn.recording.classify import SILENT, SKIP
from graphviz_nn.recording.failures import ErrorMark
from graphviz_nn.recording.frames import phase_here, user_frame
from graphviz_nn.recording.identity import OUTSIDE, Identity
from graphviz_nn.recording.sources import PROGRAM, owner_of
from graphviz_nn.recording.special_calls import SpecialCalls
from graphviz_nn.recording.tape import CALL, FAILED, NOOP, PLAIN, SLOT, WRITES, Tape
from graphviz_nn.recording.writes import counters, running_statistics, targets

_KINDS: Final[dict[Any, int]] = {}
_OWNERS: Final[dict[int, int]] = {}
"""By id of a code object: whose it is, one of the constants of `sources.owner_of`."""
_CODES: Final[list[CodeType]] = []
"""Those code objects, so that no other takes the id of one."""
_SLOTS: Final = tuple((SLOT,) * count for count in range(8))
"""Templates of calls that are given tensors alone."""
CallObserver = Callable[[Any, list[int], list[Tensor], tuple[Any, ...], dict[str, Any] | None], None]
"""Takes a function, the values and the tensors that it reads, and the templates of its arguments."""

_transforms_active = torch._C._are_functorch_transforms_active
_getframe = sys._getframe


class CallRecorder(TorchFunctionMode):
    """Records every overridable call in the thread that it is entered in.

    Attributes:
        state: (entry, call, module call) of the module being called.
        phase, group: index into `tape.PHASES`; the composite or custom call that we are inside, or -1.
        aten: collects the ATen operators inside each call, or None.
        before_write: told of the tensors that a call may be about to write to, or None.
        before_call: told of each call that is about to run, or None.
        note_call: told of each custom Function whose results are about to be noted, or None.
        in_batch: told of what is read while gradients are batched, where calls are not recorded, or None.
        fail: told of an error of ours; it must make `closed` true.
    """

    def __init__(self, tape: Tape, identity: Identity, fail: Callable[[BaseException], None]) -> None:
        super().__init__()
        self.tape = tape
        self.identity = identity
        self.fail = fail
        self.closed = False
        self.state: tuple[Any, int, int] = OUTSIDE
        self.phase = 0
        self.group = -1
        self.aten: AtenRecorder | None = None
        self.before_write: Callable[[list[Tensor]], None] | None = None
        self.before_call: CallObserver | None = None
        self.note_call: CallObserver | None = None
        self.in_batch: Callable[[tuple[Any, ...], dict[str, Any] | None], None] | None = None
        self.in_transform: Callable[[Any, tuple[Any, ...], dict[str, Any] | None], None] | None = None
        self.special = SpecialCalls(self)
        self.started = perf_counter()
        self.failure: tuple[ErrorMark, int] | None = None
        self.failure_phase: tuple[ErrorMark, int] | None = None
        self._table = identity.table
        self._ops = tape.ops
        self._values = tape.values
        self._single = tape.single.setdefault
        self._forms = tape.forms.setdefault
        self._program: CodeType | None = None
        self._add_op = tape.ops.append
        self._add_time = tape.times.append
        self._add_order = tape.order.append
        identity.source_state = self._where

    def now(self) -> float:
        """Seconds, of `time.perf_counter`."""
        return perf_counter()

    def _where(self) -> tuple[tuple[Any, int, int], int, int]:
        return self.state, self.phase, self.group

    def __torch_function__(  # noqa: PLR0915 - one method on purpose, see the module's docstring
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kind = _KINDS.get(function)
        if kind is None:
            kind = _KINDS[function] = kinds.classify(function)
        if kind == SKIP or self.closed:
            if self.in_batch is not None:
                self.in_batch(args, kwargs)
            return function(*args, **kwargs) if kwargs else function(*args)
        if kind > SILENT or _transforms_active():
            return self.special.call(kind, function, args, kwargs)
        identity = self.identity
        try:
            table = self._table
            inputs: list[int] = []
            tensors: list[Tensor] = []
            template: list[Any] | None = None  # where all arguments are tensors, none has to be built
            for x in args:
                form = type(x)
                if form is Tensor or form is Parameter:
                    entry = table.get(id(x))
                    if entry is not None and entry[0]() is x and entry[1] >= identity.last_write:
                        inputs.append(entry[1])
                    else:
                        inputs.append(identity.read(x))
                    tensors.append(x)
                    if template is not None:
                        template.append(SLOT)
                else:
                    if template is None:
                        template = [SLOT] * len(tensors)
                    template.append(x if form in SIMPLE else template_of(x, identity, inputs, tensors))
            if template is not None:
                arguments = tuple(template)
            else:
                arguments = _SLOTS[len(args)] if len(args) < 8 else (SLOT,) * len(args)
            keywords: dict[str, Any] | None = None
            if kwargs:
                keywords = {name: template_of(x, identity, inputs, tensors) for name, x in kwargs.items()}
            versions: list[int] | None = None
            if self.before_call is not None:
                self.before_call(function, inputs, tensors, arguments, keywords)
            if kind > 1 or (kwargs and "out" in kwargs):
                if self.before_write is not None:
                    self.before_write(targets(function, kind, tensors))
                versions = counters(function, tensors)
        except Exception as error:
            self.fail(error)
            return function(*args, **kwargs) if kwargs else function(*args)
        aten = self.aten
        try:
            if aten is not None:
                result = aten.run(function, args, kwargs)
            else:
                result = function(*args, **kwargs) if kwargs else function(*args)
        except BaseException as error:
            self._raised(function, inputs, arguments, keywords, error)
            raise
        try:
            # The innermost frame of the user's program, as a code object and an instruction, decoded on demand.
            frame = _getframe(1)
            code: CodeType | None = frame.f_code
            lasti = 0
            phase = self.phase
            if code is self._program:
                lasti = frame.f_lasti
            else:
                while frame is not None:
                    code = frame.f_code
                    owner = _OWNERS.get(id(code))
                    if owner is None:
                        owner = _find_owner(code)
                    if owner:
                        if owner == PROGRAM:
                            lasti = frame.f_lasti
                            self._program = code
                            break
                        phase = phase_here(self.phase)
                    frame = frame.f_back  # type: ignore[assignment]
                else:
                    code = None
            count = flags = 0
            values = self._values
            first = len(values)
            if versions is not None:
                written = [x for x, v in zip(tensors, versions, strict=True) if v < 0 or x._version != v]
                if kind == SILENT:
                    uncounted = running_statistics(function, args, kwargs)
                    if written:
                        uncounted = [x for x in uncounted if not any(x is y for y in written)]
                    written += uncounted
                for x in written:
                    flags = WRITES
                    count += identity.mutated(x)
            if type(result) is Tensor:
                for x in tensors:
                    if x is result:
                        if not flags:
                            flags = NOOP
                        break
                else:
                    value = first + count if count else first  # one object, where a value is all that was made
                    count += 1
                    requires_grad = result.requires_grad
                    try:
                        shape: Sequence[int] = result.shape
                    except RuntimeError:  # a nested tensor has none
                        shape = sizes(result)
                    shape_and_type = (shape, result.dtype, result.device, requires_grad)
                    values.append(self._forms(shape_and_type, shape_and_type))
                    table[id(result)] = (ref(result), value)
                    if requires_grad:
                        node = result.grad_fn
                        if node is None:
                            identity.hook_leaf(result, value)
                        # The shared hook can serve the first output of a node that this thread made.
                        elif (
                            self.phase
                            or self._single(node._sequence_nr(), value) is not value
                            or result.output_nr
                            or result._backward_hooks is not None
                        ):
                            identity.hook(result, node, value)
                        else:
                            node._register_hook_dict(identity.carrier)  # type: ignore[arg-type]
                    if identity.observe is not None:
                        identity.observe(value, result)
            elif result is None or result is NotImplemented:
                if not flags:
                    return result
            elif isinstance(result, (int, float, complex)):
                if not inputs:
                    return result
            else:
                made = self._bind_result(result, {id(x) for x in tensors})
                if made < 0:
                    flags |= NOOP if not flags else PLAIN
                elif not made and not flags:
                    return result
                else:
                    count += made
            if aten is not None:
                self.tape.aten[len(self._ops)] = aten.inside
            self._add_op(
                (
                    function, self.state, code, lasti, phase, self.group, tuple(inputs), first, count, flags,
                    arguments, keywords,
                )
            )  # fmt: skip
            self._add_time(perf_counter())
            self._add_order(CALL)
        except Exception as error:
            self.fail(error)
        return result

    # ---- the rare cases

    def _bind_result(self, result: Any, given: set[int]) -> int:
        """Binds the new tensors in a result. Returns how many, or -1 where it only gave back its arguments.

        `given` holds the `id` of each tensor among the arguments, which are alive.
        """
        identity = self.identity
        if isinstance(result, Tensor):
            if id(result) in given:
                return -1
            if isinstance(result, UninitializedTensorMixin):  # of a lazy module: it has no shape yet
                return 0
            identity.bind(result)
            return 1
        if isinstance(result, (tuple, list)):
            count = 0
            for x in result:
                if type(x) is Tensor and id(x) not in given:
                    identity.bind(x)
                    count += 1
                elif x is not None:
                    count += max(self._bind_result(x, given), 0)
            return count
        if isinstance(result, dict):
            return sum(max(self._bind_result(x, given), 0) for x in result.values())
        return 0

    def _raised(
        self, function: Any, inputs: list[int], arguments: tuple[Any, ...], keywords: Any, error: BaseException
    ) -> None:
        """Leaves a node for the call that raised; an error that passes through several calls belongs to the first."""
        if self.failure is not None and self.failure[0].means(error):
            return
        if type(error).__name__ == "_StopRecomputationError":
            return  # how a checkpoint ends a recomputation early, not an error of the program
        index = len(self._ops)
        self.failure = (ErrorMark(error), index)
        if self.aten is not None:
            self.tape.aten[index] = self.aten.inside
        self.tape.errors[index] = f"{type(error).__name__}: {error}"[:2000]
        code, lasti = user_frame()
        self._add_op(
            (
                function, self.state, code, lasti, self.phase, self.group, tuple(inputs), len(self._values), 0, FAILED,
                arguments, keywords,
            )
        )  # fmt: skip
        self._add_time(self.now())
        self._add_order(CALL)

    def note_phase(self, error: BaseException, phase: int) -> None:
        """Notes in which phase an error came up; the innermost that notes it is right."""
        if self.failure_phase is None or not self.failure_phase[0].means(error):
            self.failure_phase = (ErrorMark(error), phase)


def _find_owner(code: CodeType) -> int:
    _CODES.append(code)
    owner = _OWNERS[id(code)] = owner_of(code.co_filename)
    return owner
