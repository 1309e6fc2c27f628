"""Running a recorded step again, call by call: "what if this value were …"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from graphviz_nn.errors import NotRecorded, ReplayError, ReplayMismatch
from graphviz_nn.graph.calling import call_again, may_be_written
from graphviz_nn.graph.compare import difference
from graphviz_nn.graph.environment import Autocast, undisturbed
from graphviz_nn.graph.kept import KeptValues
from graphviz_nn.graph.overrides import resolve_overrides
from graphviz_nn.graph.recorded import Load, RecordedValues
from graphviz_nn.graph.schedule import Action, Task, schedule
from graphviz_nn.model.generators import set_generator_states
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.model.structure import Structure

if TYPE_CHECKING:
    from torch import Tensor

Functions = Mapping[int, Callable[..., Any]]

_RESIZING: Final = frozenset({"resize_", "resize_as_"})
"""Operators that leave whatever was in memory in the elements that they add."""


def replay(
    structure: Structure,
    load: Load,
    overrides: Mapping[Any, Tensor] | None = None,
    functions: Functions | None = None,
    *,
    check: bool = True,
    keep: Callable[[ValueRef], bool] | None = None,
) -> Mapping[ValueRef, Tensor]:
    """Runs the recorded calls of a step again and returns the values.

    Calls run in their recorded order on live tensors, so views share memory and in-place calls write as they did in
    the program, with the grad mode, autocast and random state that each had; `torch.autograd.grad` is a call like
    any other. Taken as recorded: sources, `opaque` nodes, calls that read no tensor and cannot be made again, and all
    phases but the forward one. The inside of a composite runs in its place; a custom function runs itself, or, where
    its code or an argument is not at hand, by what is inside it. The program's own random state stays as it is.

    Args:
        load: gives a kept tensor of the step, or None where it was not kept.
        overrides: by `ValueRef`, `(node, index)`, node id or node name, a tensor of the same shape and dtype to use
            instead of that value.
        functions: the live functions by node id, in the process that recorded; otherwise names of torch's operators
            are looked up, and no code of a user's is ever imported.
        check: compare every replayed value with the recorded one, if kept and if no override could have changed it.
        keep: which values to return; all of them where None. The others are freed after their last use.

    Returns:
        By `ValueRef` each value as it was when it was made: detached, on the device that it was recorded on. A value
        that was neither replayed nor kept is left out, and so is one taken as recorded that an override would change.

    Raises:
        ReplayMismatch: a value differs from the recorded one, bit for bit (any NaN equals any NaN).
        ReplayError: a call cannot be run again, or raised.
        NotRecorded: a value that is needed was not kept.
        SelectorError, UsageError: an override names no value, or its tensor does not fit.
    """
    replaced = resolve_overrides(structure, overrides or {})
    tasks = schedule(structure, functions, replaced)
    recorded = RecordedValues(structure, load)
    return _Replay(structure, tasks, recorded, replaced, check=check, keep=keep).run()


class _Replay:
    """One replay. `_live` holds the tensors as the program held them: a version that was overwritten is gone."""

    def __init__(
        self,
        structure: Structure,
        tasks: Sequence[Task],
        recorded: RecordedValues,
        overrides: Mapping[ValueRef, Tensor],
        *,
        check: bool,
        keep: Callable[[ValueRef], bool] | None,
    ) -> None:
        self._structure = structure
        self._tasks = tasks
        self._recorded = recorded
        self._overrides = overrides
        self._check = check
        self._kept = KeptValues(keep)
        self._live: dict[ValueRef, Tensor] = {}
        self._autocast = Autocast()
        self._last_reader = {
            ValueRef(edge.node, edge.output): position for position, task in enumerate(tasks) for edge in task.reads
        }

    def run(self) -> Mapping[ValueRef, Tensor]:
        with undisturbed():
            try:
                for position, task in enumerate(self._tasks):
                    self._perform(task)
                    self._settle(task)
                    self._free(position, task)
            finally:
                self._autocast.close()
        return self._kept.values

    # ---- one node

    def _perform(self, task: Task) -> None:
        match task.action:
            case Action.CALL:
                self._call(task)
            case Action.ALIAS:
                self._read_again(task.node)
            case Action.INSIDE:
                made = [self._need(ValueRef(edge.node, edge.output), task.node) for edge in task.reads]
                self._bind(task.node, "", made)

    def _call(self, task: Task) -> None:
        node = task.node
        tensors = [self._need(ValueRef(edge.node, edge.output), node) for edge in task.reads]
        self._kept.copy_before_write(may_be_written(node, tensors))
        states = self._recorded.random_states(node)
        if states:
            set_generator_states(states)
        try:
            self._autocast.set(node.attributes.get("autocast"))
            made = call_again(task, tensors)
        except Exception as error:
            raise ReplayError(f"{_title(node)} raised when run again: {type(error).__name__}: {error}") from error
        self._bind(node, "", made.new)
        self._bind(node, "mutated", made.written)
        self._bind_bases(node)

    def _read_again(self, node: Node) -> None:
        """Reads an older view of memory that was written through another one."""
        written, view = (self._need(ValueRef(edge.node, edge.output), node) for edge in node.inputs[:2])
        if view.untyped_storage()._cdata == written.untyped_storage()._cdata:
            self._bind(node, "", [view])

    # ---- values

    def _bind(self, node: Node, version: str, tensors: Sequence[Tensor]) -> None:
        """Makes the tensors the values of the node that have that version, in order."""
        places = [index for index, output in enumerate(node.outputs) if output.version == version]
        if len(places) != len(tensors):
            raise ReplayError(f"{_title(node)} gave {len(tensors)} tensors when run again, and {len(places)} before.")
        for index, tensor in zip(places, tensors, strict=True):
            if node.outputs[index].requires_grad and not tensor.requires_grad and tensor.is_leaf:
                # The program said so by `requires_grad_()`, which is no call of its own.
                tensor.requires_grad_()
            self._live[ValueRef(node.id, index)] = tensor

    def _bind_bases(self, node: Node) -> None:
        """Each written view is followed by the new version of what it is a view of."""
        for index, output in enumerate(node.outputs):
            base = self._live[ValueRef(node.id, index - 1)]._base if output.version == "base" else None
            if base is not None:
                self._live[ValueRef(node.id, index)] = base

    def _need(self, ref: ValueRef, reader: Node) -> Tensor:
        """The live tensor of a value, or the recorded one."""
        tensor = self._live.get(ref)
        if tensor is not None:
            return tensor
        node, task = self._structure.nodes[ref.node], self._tasks[ref.node]
        if task.changed and ref not in self._overrides:
            raise ReplayError(
                f"{_title(node)} depends on an override and cannot be run again, so {reader.name!r} has nothing to "
                f"read. Override {node.name!r} as well."
            )
        tensor = self._recorded.tensor(ref)
        if tensor is None:
            raise NotRecorded(
                f"The value of {_title(node)}, which {reader.name!r} reads, was not kept. {_way_out(node, ref.index)}"
            )
        self._live[ref] = tensor
        return tensor

    # ---- after a node

    def _settle(self, task: Task) -> None:
        """Checks, replaces and keeps the values of a node."""
        node = task.node
        refs = [ValueRef(node.id, index) for index in range(len(node.outputs))]
        if node.op in _RESIZING and not task.changed:
            self._fill(refs)
        if self._check and not task.changed and task.action is not Action.RECORDED:
            for ref in refs:
                self._compare(ref)
        for ref in refs:
            if ref in self._overrides:
                self._replace(ref)
        for ref in refs:
            self._keep(ref, task)

    def _fill(self, refs: Sequence[ValueRef]) -> None:
        """Gives resized memory the recorded numbers."""
        import torch

        for ref in refs:
            recorded = self._recorded.numbers(ref)
            if recorded is not None and ref in self._live:
                with torch.no_grad():
                    self._live[ref].copy_(recorded)

    def _compare(self, ref: ValueRef) -> None:
        replayed = self._live.get(ref)
        recorded = None if replayed is None or ref in self._overrides else self._recorded.numbers(ref)
        if replayed is None or recorded is None:
            return
        found = difference(recorded, replayed)
        if found is not None:
            node = self._structure.nodes[ref.node]
            raise ReplayMismatch(f"Replaying {_title(node)}, output {ref.index}, gave another value: {found}.")

    def _replace(self, ref: ValueRef) -> None:
        import torch

        output = self._structure.nodes[ref.node].outputs[ref.index]
        tensor = self._overrides[ref].detach().to(output.device, copy=True)
        live = self._live.get(ref)
        if output.version and live is not None:
            # Other views of the memory read what is written there, so it is written there.
            self._kept.copy_before_write([live])
            with torch.no_grad():
                live.copy_(tensor)
        else:
            self._live[ref] = tensor.requires_grad_() if output.requires_grad else tensor

    def _keep(self, ref: ValueRef, task: Task) -> None:
        if not self._kept.wants(ref):
            return
        tensor = self._live.get(ref)
        if tensor is None and not task.changed:
            tensor = self._recorded.tensor(ref)
            if tensor is not None and ref in self._last_reader:
                self._live[ref] = tensor
        if tensor is not None:
            self._kept.add(ref, tensor)

    def _free(self, position: int, task: Task) -> None:
        for ref in (
            *(ValueRef(edge.node, edge.output) for edge in task.reads),
            *(ValueRef(task.node.id, index) for index in range(len(task.node.outputs))),
        ):
            if self._last_reader.get(ref, -1) <= position:
                self._live.pop(ref, None)


def _way_out(node: Node, index: int) -> str:
    """What to do about a value that the run does not hold; -1 is the size that differs within a nested tensor."""
    if -1 in node.outputs[index].shape:
        return f"No run keeps nested tensors: override {node.name!r} with one."
    return "Record with keep='all'."


def _title(node: Node) -> str:
    return f"{node.name!r} (node {node.id}, {node.op})"
