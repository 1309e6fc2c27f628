"""Collectives that the program calls (`dist.all_reduce(loss)`): each is one node that reads and writes tensors.

They are no overridable functions, and write without autograd's knowing. Their numbers come from other processes, so
they are `opaque`: a replay takes their results as they were recorded and never starts a collective.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor

from graphviz_nn.recording.arguments import template_of
from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.frames import phase_here, user_frame
from graphviz_nn.recording.identity import Identity
from graphviz_nn.recording.patches import is_on
from graphviz_nn.recording.tape import CALL, OPAQUE, WRITES

_WRITTEN: Final = {
    "all_gather": (0, "tensor_list"),
    "all_gather_into_tensor": (0, "output_tensor"),
    "all_reduce": (0, "tensor"),
    "all_to_all": (0, "output_tensor_list"),
    "all_to_all_single": (0, "output"),
    "broadcast": (0, "tensor"),
    "gather": (1, "gather_list"),
    "irecv": (0, "tensor"),
    "recv": (0, "tensor"),
    "reduce": (0, "tensor"),
    "reduce_scatter": (0, "output"),
    "reduce_scatter_tensor": (0, "output"),
    "scatter": (0, "tensor"),
}
"""By function of `torch.distributed`: position and name of the argument whose tensors it writes."""

_unrecorded = torch._C.DisableTorchFunction


class Collectives:
    """Stands around the collectives of `torch.distributed` while a step is recorded."""

    def __init__(self, mode: CallRecorder, identity: Identity) -> None:
        self._mode = mode
        self._identity = identity

    def replacements(self) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
        """Yields what is to be replaced, as (owner, name, replacement); nothing where there is no process group."""
        distributed: Any = torch.distributed
        if not (distributed.is_available() and distributed.is_initialized()):
            return
        for name in _WRITTEN:
            original = getattr(distributed, name)
            replacement = self._around(name, original)
            for owner in (distributed, distributed.distributed_c10d):
                if vars(owner).get(name) is original:
                    yield owner, name, replacement

    def _around(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        mode = self._mode

        def collective(*args: Any, **kwargs: Any) -> Any:
            if mode.closed or not is_on(mode):
                return original(*args, **kwargs)
            inputs: list[int] = []
            try:
                with _unrecorded():
                    written = self._prepare(name, args, kwargs, inputs)
            except Exception as error:
                mode.fail(error)
                return original(*args, **kwargs)
            mode.closed = True  # the calls that it is made of are no calls of the program
            try:
                result = original(*args, **kwargs)
            finally:
                mode.closed = False
            try:
                with _unrecorded():
                    self._add_node(name, inputs, written, finished=result is None or name == "recv")
            except Exception as error:
                mode.fail(error)
            return result

        return collective

    def _prepare(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[int]) -> list[Tensor]:
        """Reads every tensor among the arguments, its value added to `inputs`. Returns those that will be written."""
        position, keyword = _WRITTEN[name]
        target = args[position] if len(args) > position else kwargs.get(keyword)
        written: list[Tensor] = []
        template_of(target, self._identity, [], written)
        read: list[Tensor] = []
        template_of((args, kwargs), self._identity, inputs, read)
        if self._mode.before_write is not None:
            self._mode.before_write(written)
        return written

    def _add_node(self, name: str, inputs: list[int], written: list[Tensor], *, finished: bool) -> None:
        mode, identity, tape = self._mode, self._identity, self._identity.tape
        first = len(tape.values)
        # One that goes on in the background has not written its result yet: it cannot be measured.
        observe, identity.observe = identity.observe, identity.observe if finished else None
        try:
            for tensor in written:
                identity.mutated(tensor)
        finally:
            identity.observe = observe
        code, lasti = user_frame()
        tape.order.append(CALL)
        tape.ops.append(
            (
                name, mode.state, code, lasti, phase_here(mode.phase), mode.group, tuple(inputs), first,
                len(tape.values) - first, OPAQUE | WRITES, None, None,
            )
        )  # fmt: skip
        tape.times.append(mode.now())
