"""The recorded graph, run again node by node, gives the recorded values, bit for bit."""

from __future__ import annotations

import pytest

from tests.support.outcome import bits
from tests.support.program import Program
from tests.support.programs import PROGRAMS
from tests.support.recorded import describe, run_of, values_of


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_replay_gives_the_recorded_values(program: Program):
    run = run_of(program.name)
    replayed = run.replay()
    everything = {ref for ref, _ in values_of(run.structure())}
    assert [describe(run, ref) for ref in everything - replayed.keys()] == []
    differing = [ref for ref in everything if bits(replayed[ref]) != bits(run.value(*ref))]
    assert [describe(run, ref) for ref in differing] == []
