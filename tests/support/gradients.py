"""Compares every recorded gradient with autograd's own answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.run import Run
from tests.support.alignment import Aligned, align
from tests.support.outcome import bits
from tests.support.program import REENTRANT, Program
from tests.support.recorded import NOT_RECORDED, describe, gradient_of, values_of
from tests.support.reference import EdgeKey, Reference, watched


@dataclass(frozen=True)
class Comparison:
    """What did not agree, in words, and how many recorded gradients were compared."""

    faults: list[str]
    compared: int


def compare_gradients(program: Program, run: Run) -> Comparison:
    """Runs the program plainly under the reference and compares every gradient of every pass, bit for bit."""
    step = program.fresh()
    reentrant = REENTRANT in program.traits
    with watched(without_reentry=reentrant) as reference:
        step()
    aligned = align(run.structure(), reference, forward_only=reentrant)
    faults, compared = list(aligned.faults), 0
    for ref, edges in aligned.edges.items():
        recorded = recorded_gradients(run, ref, one_pass=reentrant)
        required = _arrival_required(run, ref, edges, aligned)
        differing = _differing(recorded, edges, reference, required=required)
        faults += [f"{describe(run, ref)} pass {number}: {fault}" for number, fault in differing]
        compared += sum(isinstance(gradient, Tensor) for gradient in recorded.values())
    return Comparison(faults + _unexplained(run, aligned, forward_only=reentrant), compared)


def recorded_gradients(run: Run, ref: ValueRef, *, one_pass: bool) -> Mapping[int, Tensor | object | None]:
    """Returns what was recorded for a value, by pass.

    With `one_pass` the passes inside a reentrant checkpoint count as one with the pass around them.
    """
    found = {number: gradient_of(run, ref, number) for number in range(run.steps[-1].info.passes)}
    if not one_pass:
        return found
    return {0: next((gradient for gradient in found.values() if gradient is not NOT_RECORDED), NOT_RECORDED)}


def _differing(
    recorded: Mapping[int, Tensor | object | None], edges: set[EdgeKey], reference: Reference, *, required: bool
) -> Iterator[tuple[int, str]]:
    for number, known in enumerate(reference.passes):
        found = recorded.get(number, NOT_RECORDED)
        for edge in edges & known.gradients.keys() - reference.hooked:
            asked = known.gradients[edge]
            if asked is None:
                if isinstance(found, Tensor):
                    yield number, "recorded, but autograd says that there is none"
            elif found is None:
                yield number, "None recorded, but autograd has a gradient"
            elif isinstance(found, Tensor):
                if bits(found.to_dense()) != bits(asked.to_dense()):
                    yield number, f"differs by {_largest_difference(found, asked)}"
            elif required and not known.partial:
                yield number, "never arrived, but autograd has a gradient"


def _arrival_required(run: Run, ref: ValueRef, edges: set[EdgeKey], aligned: Aligned) -> bool:
    """Whether a gradient must be shown at this very value.

    Versions of a leaf share its edge: after a write under `no_grad` its gradient stands at the leaf's own node.
    """
    node = run.structure().nodes[ref.node]
    later_version = bool(node.outputs[ref.index].version) or node.kind == "alias"
    return not (later_version and edges & aligned.leaves)


def _unexplained(run: Run, aligned: Aligned, *, forward_only: bool) -> list[str]:
    """Returns the recorded gradients that nothing could be compared with; what only unseen work read is left out."""
    nodes = run.structure().nodes
    explained = aligned.edges.keys() | {
        ValueRef(given.node, given.output) for node in nodes if node.kind == "opaque" for given in node.inputs
    }
    return [
        f"{describe(run, ref)} pass {number}: recorded, never compared"
        for ref, node in values_of(run.structure())
        for number in range(run.steps[-1].info.passes)
        if ref not in explained
        and not (forward_only and node.phase != "forward")
        and isinstance(gradient_of(run, ref, number), Tensor)
    ]


def _largest_difference(one: Tensor, other: Tensor) -> str:
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"{one.dtype}{list(one.shape)} and {other.dtype}{list(other.shape)}"
    return str(torch.max(torch.abs(one.to_dense() - other.to_dense())).item())
