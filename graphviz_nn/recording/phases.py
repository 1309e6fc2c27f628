"""Which part of a step each call belongs to, as far as it shows only afterwards."""

from __future__ import annotations

from graphviz_nn.recording.places import ValuePlaces
from graphviz_nn.recording.tape import INFRA, OPAQUE, OPTIMIZER, WRITES, Op, Tape


def find_phases(tape: Tape, ops: list[Op], places: ValuePlaces) -> list[int]:
    """Returns the phase of each call; work on gradients outside modules (clipping, say) belongs to the optimizer."""
    phases = []
    of_gradients: set[int] = set()
    for index, op in enumerate(ops):
        phase = op.phase
        outside = op.state[2] < 0 and phase == 0
        if (outside and tape.source_names.get(index, ("",))[0] == "gradient") or (
            outside and any(places.call(value) in of_gradients for value in op.inputs)
        ):
            phase = OPTIMIZER
        elif phase == 0 and op.flags & WRITES and _counts_batches(tape, op, places):
            phase = INFRA
        if phase == OPTIMIZER:
            of_gradients.add(index)
        phases.append(phase)
    _mark_what_only_infrastructure_reads(ops, places, phases)
    return phases


def _mark_what_only_infrastructure_reads(ops: list[Op], places: ValuePlaces, phases: list[int]) -> None:
    """Buckets and shards that nothing of the program reads belong to the machinery that reads them."""
    read_by: dict[int, bool] = {}
    for op, phase in zip(ops, phases, strict=True):
        for value in op.inputs:
            node = places.call(value)
            read_by[node] = read_by.get(node, True) and phase == INFRA
    for node, only in read_by.items():
        if only and (ops[node].function == "constant" or ops[node].flags & OPAQUE):
            phases[node] = INFRA


def _counts_batches(tape: Tape, op: Op, places: ValuePlaces) -> bool:
    """Whether the call only advances a batch norm's `num_batches_tracked`."""
    if not op.inputs or len(op.inputs) > 2:
        return False
    _, owned = tape.source_names.get(places.call(op.inputs[0]), ("", ()))
    return any(name.rsplit(".", 1)[-1] == "num_batches_tracked" for _, name in owned)
