"""Recording changes nothing: results, gradients, parameters, buffers, random state and PyTorch itself stay the same."""

from __future__ import annotations

import pytest

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
    program = PROGRAMS[0]
    plain, touched = observe(program.fresh()), program.fresh()
    touched.inputs[0].data[0, 0] += 1e-7
    assert {"result[0]", "inputs[0][0]", "inputs[0][0].grad"} <= set(plain.differences(observe(touched)))
