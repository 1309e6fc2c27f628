"""What a run is, in numbers: gathered once, shown as a table or as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from graphviz_nn.errors import OptionError
from graphviz_nn.graph.cost import Costs, costs
from graphviz_nn.model.events import STATE_TENSOR, EventKind
from graphviz_nn.model.nodes import SOURCE_KINDS, Node, Output, ValueRef
from graphviz_nn.model.stats import STATS, StatTable
from graphviz_nn.model.steps import ErrorInfo, EventTable, RunData, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.plugin.manager import plugins

_L2 = STATS.index("l2")


class ModuleSummary(msgspec.Struct, frozen=True):
    """One module in the summarised step.

    Attributes:
        path: dotted path, "" the root. type: its class. calls: how often it was called.
        output: shape of what its last call gave back (the first of several), None where that was no tensor.
        parameters: elements, those of its children included, tied ones once.
        flops: floating-point operations of all its calls, forward, children included; a multiply-add counts 2.
        activation, gradient: L2 norm of that output, and of its gradient; None where not recorded.
    """

    path: str
    type: str
    calls: int
    output: tuple[int, ...] | None
    parameters: int
    flops: int
    activation: float | None
    gradient: float | None


class ErrorSummary(msgspec.Struct, frozen=True):
    """An exception that ended a step, and the name of the node where it was raised."""

    step: int
    type: str
    message: str
    node: str | None
    phase: str


class StepSummary(msgspec.Struct, frozen=True):
    """One recorded step: `index` is the number of the training step; FLOPs are those of the forward phase."""

    index: int
    passes: int
    forward_only: bool
    nodes: int
    values: int
    parameters: int
    flops: int
    modules: tuple[ModuleSummary, ...]


class Summary(msgspec.Struct, frozen=True):
    """A run, and one of its steps (None: it has none).

    `created` is in seconds since 1970 (UTC); `seconds` is the time in recorded steps, recording included. `structures`
    counts the different graphs that the steps had.
    """

    path: str | None
    created: float
    complete: bool
    command: tuple[str, ...]
    device: str
    keep: str
    versions: Mapping[str, str]
    notes: tuple[str, ...]
    steps: int
    last_step: int | None
    seconds: float
    loss_first: float | None
    loss_last: float | None
    structures: int
    errors: tuple[ErrorSummary, ...]
    step: StepSummary | None


def summarise(data: RunData, position: int = -1) -> Summary:
    """Returns the summary of a run, and of the step at `position` in `data.steps()`.

    Raises:
        OptionError: there is no such step.
    """
    steps = data.steps()
    losses = [step.loss for step in steps if step.loss is not None]
    meta = data.meta
    return Summary(
        path=str(data.path) if data.path else None,
        created=meta.created,
        complete=meta.complete,
        command=meta.command,
        device=meta.device,
        keep=meta.keep,
        versions={name: str(version) for name, version in meta.versions.items()},  # torch's is a subclass of str
        notes=meta.notes,
        steps=len(steps),
        last_step=steps[-1].index if steps else None,
        seconds=sum(step.duration for step in steps),
        loss_first=losses[0] if losses else None,
        loss_last=losses[-1] if losses else None,
        structures=len({step.structure for step in steps}),
        errors=_errors(data, steps),
        step=_step(data, position) if steps else None,
    )


def _step(data: RunData, position: int) -> StepSummary:
    steps = data.steps()
    if not -len(steps) <= position < len(steps):
        raise OptionError(f"There is no step {position}: the run holds {len(steps)}, numbered 0 to {len(steps) - 1}.")
    info = steps[position]
    structure = data.structure(info.structure)
    cost = costs(structure, plugins().layer_types)
    return StepSummary(
        index=info.index,
        passes=info.passes,
        forward_only=info.forward_only,
        nodes=len(structure.nodes),
        values=structure.value_count,
        parameters=cost.parameters,
        flops=cost.flops,
        modules=_modules(data, position % len(steps), structure, cost),
    )


def _modules(data: RunData, position: int, structure: Structure, cost: Costs) -> tuple[ModuleSummary, ...]:
    calls: dict[str, int] = {}
    for call in structure.module_calls:
        calls[call.path] = max(calls.get(call.path, 0), call.call)
    outputs = module_outputs(structure)
    activations = _activation_norms(structure, data.stats(position, "output"))
    gradients = _gradient_norms(data.events(position), data.stats(position, "gradient"))
    rows = []
    for path, count in calls.items():
        ref = outputs.get(path)
        module = structure.modules_by_path.get(path)
        rows.append(
            ModuleSummary(
                path=path,
                type=module.type if module else "",
                calls=count,
                output=_output(structure, ref).shape if ref else None,
                parameters=cost.module_parameters.get(path, 0),
                flops=cost.module_flops.get(path, 0),
                activation=activations.get(ref) if ref else None,
                gradient=gradients.get(ref) if ref else None,
            )
        )
    return tuple(rows)


def module_outputs(structure: Structure) -> dict[str, ValueRef]:
    """Returns, by module path, the value that the module's last forward call gave back (the first of several).

    That is the last value made inside the call that something outside reads, or that the program ends with.
    """
    ancestors = _ancestors(structure)
    leaving: dict[int, tuple[bool, int, int]] = {}

    def leaves(node: Node, index: int, reader: Node | None) -> None:
        inside = ancestors[reader.module_call] if reader is not None and reader.module_call is not None else frozenset()
        wanted = reader is not None or node.outputs[index].role != ""
        for call in ancestors[node.module_call] - inside if node.module_call is not None else ():
            leaving[call] = max(leaving.get(call, (False, -1, 0)), (wanted, node.id, -index))

    forward = [node for node in structure.nodes if node.phase == "forward"]
    read = set()
    for reader in forward:
        for edge in reader.inputs:
            producer = structure.nodes[edge.node]
            read.add((edge.node, edge.output))
            if producer.kind not in SOURCE_KINDS:
                leaves(producer, edge.output, reader)
    for node in forward:
        for index, output in enumerate(node.outputs):
            unread = (node.id, index) not in read or output.role != ""
            if unread and node.kind not in SOURCE_KINDS:
                leaves(node, index, None)
    calls = structure.module_calls
    return {calls[call].path: ValueRef(node, -index) for call, (_, node, index) in sorted(leaving.items())}


def _ancestors(structure: Structure) -> list[frozenset[int]]:
    """For each module call the calls that it stands in, itself included."""
    found: list[frozenset[int]] = []
    for index, call in enumerate(structure.module_calls):
        above = found[call.parent] if call.parent is not None else frozenset()
        found.append(above | {index})
    return found


def _output(structure: Structure, ref: ValueRef) -> Output:
    return structure.nodes[ref.node].outputs[ref.index]


def _activation_norms(structure: Structure, table: StatTable | None) -> dict[ValueRef, float]:
    if table is None:
        return {}
    refs = (ValueRef(node.id, index) for node in structure.nodes for index in range(len(node.outputs)))
    return _norms(refs, table[:, _L2].tolist())


def _gradient_norms(events: EventTable, table: StatTable | None) -> dict[ValueRef, float]:
    """L2 norm by value, of the last backward pass that delivered one."""
    if table is None:
        return {}
    gradients = events[events["kind"] == EventKind.GRADIENT]
    rows = [
        (ValueRef(node, index), norm)
        for node, index, state, norm in zip(
            gradients["node"].tolist(),
            gradients["index"].tolist(),
            gradients["state"].tolist(),
            table[:, _L2].tolist(),
            strict=True,
        )
        if state == STATE_TENSOR
    ]
    return _norms((ref for ref, _ in rows), [norm for _, norm in rows])


def _norms(refs: Iterable[ValueRef], norms: list[float]) -> dict[ValueRef, float]:
    """The norms that were measured: a row of NaN stands for a tensor that was not."""
    return {ref: norm for ref, norm in zip(refs, norms, strict=True) if not math.isnan(norm)}


def _errors(data: RunData, steps: Sequence[StepInfo]) -> tuple[ErrorSummary, ...]:
    def node_name(step: StepInfo, error: ErrorInfo) -> str | None:
        return data.structure(step.structure).nodes[error.node].name if error.node is not None else None

    return tuple(
        ErrorSummary(step.index, step.error.type, step.error.message, node_name(step, step.error), step.error.phase)
        for step in steps
        if step.error is not None
    )
