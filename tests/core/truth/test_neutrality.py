"""Recording changes nothing: results, gradients, parameters, buffers, random state and PyTorch itself stay the same."""

from __future__ import annotations

import pytest
import torch

from tests.support.outcome import observe
from tests.support.program import Program
from tests.support.programs import PROGRAMS
from tests.support.recorded import record

NAMES = [program.name for program in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_the_programs_are_deterministic(program: Program):
    first, second = observe(program.fresh()), observe(program.fresh())
    assert "error" not in first.facts, first.facts["error"]
    assert first.differences(second) == []


@pytest.mark.parametrize("keep", ["none", "stats", "all"])
@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_recording_changes_no_bit(program: Program, keep: str):
    plain = observe(program.fresh())
    recorded = record(program.fresh(), keep)
    assert plain.differences(recorded.outcome) == [], recorded.outcome.facts.get("error")
    assert recorded.run is not None
    assert len(recorded.run.structure().nodes) > 0


def test_a_difference_in_one_bit_is_seen():
    plain, touched = observe(PROGRAMS[0].fresh()), PROGRAMS[0].fresh()
    x = touched.inputs[0].data
    x[0, 0] = torch.nextafter(x[0, 0], torch.tensor(9.0))
    assert "inputs[0][0]" in plain.differences(observe(touched))


def test_a_random_number_drawn_is_seen():
    plain, touched = observe(PROGRAMS[0].fresh()), PROGRAMS[0].fresh()
    torch.rand(1)
    assert plain.differences(observe(touched)) == ["random.torch"]


def test_a_hook_left_behind_is_seen():
    plain, touched = observe(PROGRAMS[0].fresh()), PROGRAMS[0].fresh()
    touched.inputs[0].register_hook(lambda gradient: None)
    assert set(plain.differences(observe(touched))) == {"inputs[0][0].hooks", "state[0].hooks"}
