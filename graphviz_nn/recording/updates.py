"""What the optimizer does to each parameter: one node for its step, and one update event for each that changed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.frames import user_frame
from graphviz_nn.recording.identity import Identity
from graphviz_nn.recording.observe import Observations
from graphviz_nn.recording.tape import CALL, OPTIMIZER, UPDATE, WRITES

_unrecorded = torch._C.DisableTorchFunction


class Updates:
    """Looks at an optimizer's parameters before and after its step."""

    def __init__(self, mode: CallRecorder, identity: Identity, observations: Observations | None) -> None:
        self.mode = mode
        self.identity = identity
        self.observations = observations
        self._before: list[tuple[Tensor, int, Tensor | None]] = []

    def begin(self, optimizer: Any, *, with_closure: bool) -> None:
        """The optimizer's step is about to run; with a closure the gradients come only inside it."""
        copies = self.observations is not None and self.observations.statistics is not None
        if copies and self.observations is not None:
            self.observations.flush()
        with _unrecorded(), torch.no_grad():
            self._before = [
                (p, p._version, p.detach().clone() if copies else None)
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None or (with_closure and p.requires_grad)
            ]

    def end(self, optimizer: Any) -> None:
        """The optimizer's step has run."""
        with _unrecorded():
            self._end(optimizer)

    def _end(self, optimizer: Any) -> None:
        uncounted = _written_uncounted(optimizer)
        changed = [(p, before) for p, version, before in self._before if p._version != version or id(p) in uncounted]
        self._before = []
        if not changed:
            return
        tape, identity = self.mode.tape, self.identity
        inputs = tuple(identity.read(p) for p, _ in changed)
        first = len(tape.values)
        observe, identity.observe = identity.observe, None
        try:
            for p, _ in changed:
                tape.versions[identity.bind(p, instrument=False)] = "mutated"
        finally:
            identity.observe = observe
        code, lasti = user_frame()
        tape.ops.append(
            (
                type(optimizer), self.mode.state, code, lasti, OPTIMIZER, -1, inputs, first, len(changed), WRITES,
                None, None,
            )
        )  # fmt: skip
        tape.times.append(self.mode.now())
        tape.order.append(CALL)
        for position, (p, before) in enumerate(changed):
            self._note(inputs[position], first + position, before, p)

    def _note(self, value: int, updated: int, before: Tensor | None, parameter: Tensor) -> None:
        if self.observations is not None:
            self.observations.update(value, updated, before, parameter)
        else:
            self.mode.tape.updates.append(value)
            self.mode.tape.order.append((UPDATE, value))


def _written_uncounted(optimizer: Any) -> set[int]:
    """The ids of the parameters that a fused kernel steps, which counts no new version of what it writes."""
    groups = (group for group in optimizer.param_groups if group.get("fused"))
    return {id(p) for group in groups for p in group["params"] if p.grad is not None}
