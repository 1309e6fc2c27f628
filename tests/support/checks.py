"""The three checks that every program must pass: nothing changed, gradients are autograd's, replay gives the same."""

from __future__ import annotations

from graphviz_nn.run import Run
from tests.support.gradients import compare_gradients
from tests.support.outcome import bits, observe
from tests.support.program import Program
from tests.support.recorded import describe, record, values_of


def check_all(program: Program) -> Run:
    """Records the program with everything kept, makes the three checks, and returns the run."""
    plain = observe(program.fresh())
    assert "error" not in plain.facts, plain.facts["error"]
    recorded = record(program.fresh())
    assert plain.differences(recorded.outcome) == [], recorded.outcome.facts.get("error")
    assert recorded.run is not None
    comparison = compare_gradients(program, recorded.run)
    assert not comparison.faults, "\n".join(comparison.faults[:20])
    assert comparison.compared > 0
    check_replay(recorded.run)
    return recorded.run


def check_replay(run: Run) -> None:
    """Runs the graph again and compares every value, bit for bit."""
    replayed = run.replay()
    everything = {ref for ref, _ in values_of(run.structure())}
    assert [describe(run, ref) for ref in everything - replayed.keys()] == []
    differing = [ref for ref in everything if bits(replayed[ref]) != bits(run.value(*ref))]
    assert [describe(run, ref) for ref in differing] == []
