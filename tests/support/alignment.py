"""Finds, for each recorded value, the autograd edges that a plain run of the same program had for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from graphviz_nn.model.nodes import SOURCE_KINDS, Node, ValueRef
from graphviz_nn.model.structure import Structure
from tests.support.reference import Call, EdgeKey, Reference

MATCHED_KINDS: Final = ("op", "scalar", "noop")
T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Aligned:
    """The edges of each value, those of them that are leaves, and what could not be brought into line."""

    edges: dict[ValueRef, set[EdgeKey]] = field(default_factory=lambda: defaultdict(set))
    leaves: set[EdgeKey] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def align(structure: Structure, reference: Reference, *, forward_only: bool = False) -> Aligned:
    """Walks the recorded calls and the watched ones side by side, in the order in which they ended.

    A recorder may record a Python function of torch or the calls inside it. So a watched call that makes something
    that needs a gradient must be matched itself, or lie inside a matched one, or have one inside. `forward_only` leaves
    out what was recorded in other phases.
    """
    aligned = Aligned()
    pending = iter(reference.calls)
    matched: list[Call] = []
    for node in structure.nodes:
        if node.kind not in MATCHED_KINDS or node.function.startswith("torch.optim."):
            continue
        if forward_only and node.phase != "forward":
            continue
        call = next((call for call in pending if _is_call_of(call, node)), None)
        if call is None:
            aligned.faults.append(f"{node.name} ({node.function}) was recorded, but the plain run has no such call")
            break
        matched.append(call)
        _match(structure, node, call, aligned)
    aligned.faults += [f"{name} was not recorded" for name in _missing(reference.calls, matched)]
    return aligned


def _is_call_of(call: Call, node: Node) -> bool:
    if call.raised != ("error" in node.attributes):
        return False
    if node.function and not node.function.startswith("torch._C."):
        return call.name == node.function
    return call.short_name == (node.function.rsplit(".", 1)[-1] or node.op)


def _missing(calls: Sequence[Call], matched: Sequence[Call]) -> Iterator[str]:
    spans = [(call.number, call.last_inside) for call in matched]
    for call in calls:
        if call.in_optimizer or all(edge is None for edge in (*call.makes, *call.writes)):
            continue
        covered = any(first <= call.number <= last or call.number <= first <= call.last_inside for first, last in spans)
        if not covered:
            yield call.name or call.short_name


def _match(structure: Structure, node: Node, call: Call, aligned: Aligned) -> None:
    for given, read in _pairs(node, node.inputs, call.reads, "inputs", aligned):
        source = structure.nodes[given.node]
        if read.edge is None:
            continue
        aligned.edges[ValueRef(given.node, given.output)].add(read.edge)
        if read.is_leaf:
            aligned.leaves.add(read.edge)
        elif source.kind in SOURCE_KINDS:
            aligned.faults.append(f"{source.name}, read by {node.name}, is cut off from what it was computed from")
    made = [index for index, output in enumerate(node.outputs) if not output.version]
    written = [index for index, output in enumerate(node.outputs) if output.version]
    writes: Sequence[EdgeKey | None] = call.writes
    if len(written) != len(writes):  # running statistics count as written, though no version of theirs says so
        written = [index for index in written if node.outputs[index].requires_grad]
        writes = [edge for edge in writes if edge is not None]
    pairs = (*_pairs(node, made, call.makes, "results", aligned), *_pairs(node, written, writes, "writes", aligned))
    for index, edge in pairs:
        if edge is not None:
            aligned.edges[ValueRef(node.id, index)].add(edge)


def _pairs(
    node: Node, recorded: Sequence[T], watched: Sequence[U], what: str, aligned: Aligned
) -> Iterator[tuple[T, U]]:
    if len(recorded) == len(watched):
        return zip(recorded, watched, strict=True)
    aligned.faults.append(f"{node.name} has {len(recorded)} {what}, the plain run has {len(watched)}")
    return iter(())
