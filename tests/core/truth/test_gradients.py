"""Every recorded gradient is the one that autograd gives when it is asked for it, bit for bit."""

from __future__ import annotations

import pytest
import torch

from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.run import Run
from tests.support.alignment import Aligned, align
from tests.support.outcome import bits
from tests.support.program import FORWARD_ONLY, REENTRANT, Program
from tests.support.programs import BY_NAME, PROGRAMS
from tests.support.recorded import NOT_RECORDED, describe, gradient_of, run_of, values_of
from tests.support.reference import EdgeKey, Reference, watched

WITH_BACKWARD = [program for program in PROGRAMS if FORWARD_ONLY not in program.traits]


def ask_autograd(program: Program) -> Reference:
    """Runs the program plainly under the reference."""
    step = program.fresh()
    with watched(without_reentry=REENTRANT in program.traits) as reference:
        step()
    return reference


def passes_of(run: Run) -> int:
    return run.steps[-1].info.passes


@pytest.mark.parametrize("program", WITH_BACKWARD, ids=[program.name for program in WITH_BACKWARD])
def test_gradients_are_those_of_autograd(program: Program):
    run = run_of(program.name)
    reference = ask_autograd(program)
    aligned = align(run.structure(), reference)
    faults, compared = list(aligned.faults), set()
    for ref, edges in aligned.edges.items():
        required = arrival_required(run, ref, edges, aligned)
        found, asked = answers(run, reference, ref, edges, program)
        faults += [
            f"{describe(run, ref)} pass {p}: {fault}"
            for p, fault in compare(found, asked, reference, arrival_required=required)
        ]
        compared |= {(ref, p) for p, gradient in found.items() if isinstance(gradient, torch.Tensor)}
    faults += unexplained(run, aligned)
    assert not faults, "\n".join(faults[:20])
    assert compared, "no gradient was compared"


def answers(run: Run, reference: Reference, ref: ValueRef, edges: set[EdgeKey], program: Program):
    """Returns by pass what was recorded for a value, and by pass what autograd answered."""
    if REENTRANT in program.traits:  # the passes inside a reentrant checkpoint are one with the pass around them
        arrived = [gradient_of(run, ref, number) for number in range(passes_of(run))]
        found = {0: next((g for g in arrived if g is not NOT_RECORDED), NOT_RECORDED)}
    else:
        found = {number: gradient_of(run, ref, number) for number in range(passes_of(run))}
    asked = {
        number: [known.gradients[edge] for edge in edges if edge in known.gradients and edge not in reference.hooked]
        for number, known in enumerate(reference.passes)
    }
    return found, asked


def compare(found, asked, reference: Reference, *, arrival_required: bool):
    """Yields (pass, fault) for each pass in which recorded and asked gradient differ."""
    for number, gradients in asked.items():
        recorded = found.get(number, NOT_RECORDED)
        required = arrival_required and not reference.passes[number].partial
        for gradient in gradients:
            if gradient is None and isinstance(recorded, torch.Tensor):
                yield number, "recorded, but autograd says that there is none"
            elif gradient is not None and recorded is None:
                yield number, "None recorded, but autograd has a gradient"
            elif gradient is not None and recorded is NOT_RECORDED and required:
                yield number, "never arrived, but autograd has a gradient"
            elif gradient is not None and isinstance(recorded, torch.Tensor) and not same(recorded, gradient):
                yield number, f"differs by {largest_difference(recorded, gradient)}"


def arrival_required(run: Run, ref: ValueRef, edges: set[EdgeKey], aligned: Aligned) -> bool:
    """Whether a gradient must be shown at this very value.

    Versions of a leaf share its edge: after a write under `no_grad` its gradient stands at the leaf's own node.
    """
    node = run.structure().nodes[ref.node]
    later_version = bool(node.outputs[ref.index].version) or node.kind == "alias"
    return not (later_version and edges & aligned.leaves)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bits(one.to_dense()) == bits(other.to_dense())


def largest_difference(one: torch.Tensor, other: torch.Tensor) -> object:
    if one.shape != other.shape or one.dtype != other.dtype:
        return (one.dtype, tuple(one.shape)), (other.dtype, tuple(other.shape))
    return (one.to_dense() - other.to_dense()).abs().max().item()


def unexplained(run: Run, aligned: Aligned) -> list[str]:
    """Returns the recorded gradients that nothing could be compared with; what only unseen work read is left out."""
    nodes = run.structure().nodes
    explained = aligned.edges.keys() | {
        ValueRef(given.node, given.output) for node in nodes if node.kind == "opaque" for given in node.inputs
    }
    return [
        f"{describe(run, ref)} pass {number}: recorded, never compared"
        for ref, _ in values_of(run.structure())
        for number in range(passes_of(run))
        if ref not in explained and isinstance(gradient_of(run, ref, number), torch.Tensor)
    ]


def test_the_gradient_shown_is_the_one_before_user_hooks():
    run = run_of("tensor_hooks_that_change_gradients")
    x, w = (t.detach().clone().requires_grad_() for t in BY_NAME["tensor_hooks_that_change_gradients"].fresh().inputs)
    y = x.sin()
    z = y * w
    at_z = 2 * z
    after_hook = at_z + 1
    at_y = torch.ones(4) + after_hook * w
    expected = {"x": at_y * 2 * x.cos(), "w": after_hook * y, "sin": at_y, "mul": at_z}
    sources = [node.name for node in run.structure().nodes if node.kind == "input"]
    names = dict(zip((*sources, "sin", "mul"), expected, strict=True))
    differing = [name for name in names if not torch.equal(run.gradient(name), expected[names[name]].detach())]
    assert differing == []
