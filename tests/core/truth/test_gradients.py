"""Every recorded gradient is the one that autograd gives when it is asked for it, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from graphviz_nn.model.nodes import ValueRef
from tests.support.gradients import compare_gradients
from tests.support.program import FORWARD_ONLY, Program
from tests.support.programs import BY_NAME, PROGRAMS
from tests.support.recorded import NOT_RECORDED, gradient_of, run_of, values_of

WITH_BACKWARD = [program for program in PROGRAMS if FORWARD_ONLY not in program.traits]
WITHOUT_BACKWARD = [program for program in PROGRAMS if FORWARD_ONLY in program.traits]


@pytest.mark.parametrize("program", WITH_BACKWARD, ids=[program.name for program in WITH_BACKWARD])
def test_gradients_are_those_of_autograd(program: Program):
    comparison = compare_gradients(program, run_of(program.name))
    assert not comparison.faults, "\n".join(comparison.faults[:20])
    assert comparison.compared > 0


@pytest.mark.parametrize("program", WITHOUT_BACKWARD, ids=[program.name for program in WITHOUT_BACKWARD])
def test_no_gradient_arrives_without_a_backward_pass(program: Program):
    run = run_of(program.name)
    assert run.steps[-1].info.forward_only
    assert run.steps[-1].info.passes == 0
    assert all(gradient_of(run, ref, 0) is NOT_RECORDED for ref, _ in values_of(run.structure()))


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


def test_none_and_never_arrived_stay_apart():
    """Autograd says None for an output of a node whose other output was used; for an unused branch it says nothing."""
    run = run_of("unused_outputs")
    split, cosine = run.node("split"), run.node("cos")
    assert isinstance(run.gradient(split, 0), torch.Tensor)
    assert [gradient_of(run, ValueRef(split.id, index), 0) for index in (1, 2)] == [None, None]
    assert gradient_of(run, ValueRef(cosine.id, 0), 0) is NOT_RECORDED


def test_a_gradient_off_by_one_bit_is_seen(monkeypatch: pytest.MonkeyPatch):
    def off_by_one_bit(*where: Any) -> Any:
        gradient = gradient_of(*where)
        return torch.nextafter(gradient, torch.tensor(9.0)) if isinstance(gradient, torch.Tensor) else gradient

    monkeypatch.setattr("tests.support.gradients.gradient_of", off_by_one_bit)
    comparison = compare_gradients(BY_NAME["fan_out"], run_of("fan_out"))
    assert len([fault for fault in comparison.faults if "differs by" in fault]) >= comparison.compared > 0


def test_a_gradient_that_is_missing_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.support.gradients.gradient_of", lambda *where: NOT_RECORDED)
    comparison = compare_gradients(BY_NAME["fan_out"], run_of("fan_out"))
    assert comparison.faults
    assert all("never arrived" in fault for fault in comparison.faults)
