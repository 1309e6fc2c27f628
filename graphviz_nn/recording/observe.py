"""What is looked at in each value and gradient while the program runs: statistics and copies.

Built once a step from the policy; where nothing but the structure is wanted there is no observer, and no cost.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from graphviz_nn.model.generators import generator_states
from graphviz_nn.recording.distributed import place_of_process
from graphviz_nn.recording.keeping import KeepPolicy, copy, copy_with_layout
from graphviz_nn.recording.statistics import Statistics
from graphviz_nn.recording.tape import TOTAL_GRADIENT, UPDATE, Tape

_unrecorded = torch._C.DisableTorchFunction


class Observations:
    """Everything observed in one step, by value; `assemble` turns values into nodes and outputs.

    Attributes:
        tensors: kept tensors by (kind, value, backward pass).
        gradients: the values whose gradients were measured, in order: row k of the gradient table.
        same_rows: rows of the table of accumulated gradients that equal a row of the table of gradients.
        over_limit: bytes that were wanted when the memory limit was met, or 0.
    """

    def __init__(self, tape: Tape, policy: KeepPolicy, context: Callable[[], tuple[str, str]]) -> None:
        self.tape = tape
        self.policy = policy
        self.statistics = Statistics() if policy.stats else None
        self.tensors: dict[tuple[str, int, int], Tensor] = {}
        self.gradients: list[int] = []
        self.over_limit = 0
        self.kept_bytes = 0
        self.current_pass = -1
        self._reduced_in_place = place_of_process() is not None
        self.same_rows: list[tuple[int, int]] = []
        self.total_count = 0
        self._leaf_rows: dict[int, tuple[int, int, int]] = {}
        self._context = context
        self._selected: set[int] = set()

    # ---- forward

    def value(self, value: int, tensor: Tensor) -> None:
        """A call made a value. Runs inside the recorder's own handler, where nothing is recorded."""
        if self.statistics is not None:
            self.statistics.add("output", value, tensor)
        if self.policy.tensors and self._wanted(value):
            self._keep("value", value, 0, copy(tensor), tensor)

    def value_observer(self) -> Callable[[int, Tensor], None]:
        """Returns what is to be told of each value: nothing but its statistics, where nothing else is wanted."""
        if self.statistics is None or self.policy.tensors:
            return self.value
        add = self.statistics.add

        def measure(value: int, tensor: Tensor) -> None:
            add("output", value, tensor)

        return measure

    def source(self, value: int, tensor: Tensor) -> None:
        """A tensor that no call made was read for the first time."""
        with _unrecorded():
            if self.statistics is not None:
                self.statistics.add("output", value, tensor)
            if self.policy.tensors and (self.policy.selects is None or self._wanted(value)):
                self._keep("value", value, 0, copy_with_layout(tensor), tensor)

    def before_write(self, tensors: list[Tensor]) -> None:
        """A call may be about to write to these tensors' memory."""
        if self.statistics is not None:
            self.statistics.before_write(tensors)

    def flush(self) -> None:
        """Much is about to be written: everything that waits is measured."""
        if self.statistics is not None:
            self.statistics.flush()

    def random_state(self, op: int) -> None:
        """The call with that op id is about to draw random numbers."""
        for number, state in generator_states().items():
            self.tensors["random_state", op, number] = state

    # ---- backward

    def gradient(self, value: int, gradient: Tensor) -> None:
        """The gradient of a value arrived, in any thread."""
        with _unrecorded():
            if self.statistics is not None:
                row = len(self.gradients)
                self.gradients.append(value)
                # An alias: holding the gradient itself would keep autograd from handing it over as the new `.grad`.
                self.statistics.add("gradient", row, gradient.detach())
            if self.policy.tensors and (self.policy.selects is None or value in self._selected):
                self._add_gradient(value, gradient)

    def leaf_gradient(self, value: int, gradient: Tensor) -> None:
        """The same for a leaf, whose gradient autograd may hand over as the new `.grad`.

        Among several processes the mean over all ranks is then written into that memory, so what arrived is copied.
        """
        if self.statistics is not None:
            with _unrecorded():
                if self._reduced_in_place:
                    gradient = gradient.detach().clone()
                    self.gradient(value, gradient)
                    return
                if gradient.layout == torch.strided:
                    self._leaf_rows[value] = (len(self.gradients), gradient.data_ptr(), gradient._version)
        self.gradient(value, gradient)

    def _add_gradient(self, value: int, gradient: Tensor) -> None:
        number = max(self.current_pass, 0)
        made = copy(gradient)
        before = self.tensors.get(("gradient", value, number))
        if before is not None and made is not None:
            made = before + made  # a parameter used in several re-entrant passes inside one
        self._keep("gradient", value, number, made, gradient)

    def totals(self, parameters: list[tuple[int, Tensor]]) -> None:
        """A backward pass ended: each of these leaf tensors got a contribution."""
        number = max(self.current_pass, 0)
        order = self.tape.order
        with _unrecorded():
            for value, parameter in parameters:
                total = parameter.grad
                order.append((TOTAL_GRADIENT, value, total is None))
                if total is None:
                    continue
                if self.statistics is not None:
                    self._measure_total(value, total)
                if self.policy.tensors and (self.policy.selects is None or value in self._selected):
                    self._keep("parameter_gradient", value, number, copy(total), total)
            if self.statistics is not None:
                self.statistics.flush()

    def _measure_total(self, value: int, total: Tensor) -> None:
        """Where autograd handed the contribution over as the new `.grad`, the numbers are the same."""
        assert self.statistics is not None
        row = self.total_count
        self.total_count += 1
        handed_over = self._leaf_rows.pop(value, None)
        if handed_over is not None and handed_over[1:] == (total.data_ptr(), total._version):
            self.same_rows.append((row, handed_over[0]))
        else:
            self.statistics.add("parameter_gradient", row, total)

    # ---- update

    def update(self, value: int, updated: int, before: Tensor | None, after: Tensor) -> None:
        """The optimizer made value `updated` of a parameter that was `value`; `before` is a copy of what it was."""
        row = len(self.tape.updates)
        self.tape.updates.append(value)
        self.tape.order.append((UPDATE, value))
        with _unrecorded(), torch.no_grad():
            if self.statistics is not None and before is not None:
                self.statistics.add("update", row, after.detach() - before)
            if self.policy.tensors and (self.policy.selects is None or value in self._selected):
                self._keep("value", updated, 0, copy(after), after)

    def release(self) -> None:
        """Lets go of everything that was observed."""
        self.tensors.clear()
        self.statistics = None

    # ---- keeping

    def _wanted(self, value: int) -> bool:
        if self.policy.selects is None:
            return True
        if self.policy.selects(*self._context()):
            self._selected.add(value)
            return True
        return False

    def _keep(self, kind: str, value: int, number: int, made: Tensor | None, like: Tensor) -> None:
        if made is None or self.over_limit:
            return
        size = made.numel() * made.element_size()
        if self.kept_bytes + size > self.policy.memory_limit:
            self.over_limit = self.kept_bytes + size
            return
        self.kept_bytes += size
        self.tensors[kind, value, number] = made
