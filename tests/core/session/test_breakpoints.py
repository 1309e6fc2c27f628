"""Breakpoints: where each kind stops, conditions against the run's own numbers, JSON, and what cannot be."""

import math

import numpy as np
import pytest

from graphviz_nn.errors import GraphvizNNError, NotRecorded, SelectorError, UsageError
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import RunData
from graphviz_nn.session import GradientNorm, NonFinite, Session, Shape, When
from tests.support.runs import no_stats, one_step_run
from tests.support.structures import StructureBuilder


def stops(session: Session) -> list[int]:
    """Every place at which running to breakpoints stops, from the start."""
    session.scrub(-1)
    found = []
    while session.to_breakpoint():
        found.append(session.cursor)
    return found


def gradient_norms(session: Session) -> dict[int, float]:
    """By event of a gradient its norm."""
    order = session.step.order
    table = session.data.stats(session.position, "gradient")
    seqs = np.flatnonzero(order.kind == EventKind.GRADIENT).tolist()
    return dict(zip(seqs, table[:, STATS.index("l2")], strict=True))


def test_a_node_stops_at_its_call_and_at_its_gradient(session: Session):
    session.breakpoints.add("node", "head")
    places = []
    session.scrub(-1)
    while session.to_breakpoint():
        places.append((session.place.kind, session.structure.nodes[session.place.nodes[0]].name))
        assert [each.pattern for each in session.stopped_by()] == ["head"]
    assert places == [(EventKind.CALL, "head"), (EventKind.GRADIENT, "head")]


def test_a_parameter_stops_at_its_update_and_running_back_meets_the_same_places(session: Session):
    session.breakpoints.add("node", "head.*")
    forward = stops(session)
    assert session.step.order.kind[forward[-1]] == EventKind.UPDATE
    session.scrub(len(session.step.order))
    back = [session.cursor] if session.stopped_by() else []
    while session.to_breakpoint(back=True):
        back.append(session.cursor)
    assert back == forward[::-1]


def test_a_module_stops_where_it_is_entered_forward_and_backward(session: Session):
    session.breakpoints.add("module", "attention")
    kinds = [EventKind(session.step.order.kind[seq]) for seq in stops(session)]
    assert kinds == [EventKind.MODULE_ENTER, EventKind.GRADIENT]


def test_an_operator_a_source_line_and_a_phase(session: Session):
    structure = session.structure
    session.breakpoints.add("op", "RELU?")
    ops = {structure.nodes[n].op for n in session.step.order.node[stops(session)]}
    session.breakpoints.clear()
    source = structure.by_name["head"].source
    session.breakpoints.add("source", f"conftest.py:{source.line}")
    at_line = {structure.nodes[n].name for n in session.step.order.node[stops(session)]}
    assert ops == {"relu_"}
    assert at_line == {n.name for n in structure.nodes if n.source is not None and n.source.line == source.line}
    session.breakpoints.clear()
    session.breakpoints.add("phase", "backward")
    assert session.step.order.kind[stops(session)].tolist() == [EventKind.PASS_BEGIN]


def test_conditions_stop_where_the_runs_own_numbers_say(session: Session):
    norms = gradient_norms(session)
    middle = float(np.median(list(norms.values())))
    session.breakpoints.add("anywhere", condition=GradientNorm(above=middle))
    assert stops(session) == [seq for seq, norm in norms.items() if norm > middle]
    session.breakpoints.clear()
    session.breakpoints.add("anywhere", condition=When(f"gradient.l2 < {middle!r} and not gradient.zeros == 1"))
    assert set(stops(session)) <= {seq for seq, norm in norms.items() if norm < middle}
    assert stops(session)
    session.breakpoints.clear()
    session.breakpoints.add("module", "head", Shape("2x2"))
    named = {session.structure.nodes[n].name for n in session.step.order.node[stops(session)]}
    assert named == {"head"}


def test_a_disabled_breakpoint_stops_nothing_and_setting_it_again_enables_it(session: Session):
    told: list[int] = []
    session.breakpoints_changed.connect(lambda: told.append(1))
    point = session.breakpoints.add("op", "linear")
    before = stops(session)
    session.breakpoints.enable(point.id, False)
    assert stops(session) == []
    assert session.breakpoints.add("op", "linear").id == point.id
    assert stops(session) == before != []
    session.breakpoints.edit(point.id, pattern="no_such_op")
    assert stops(session) == []
    session.breakpoints.remove(point.id)
    assert len(told) == 5
    with pytest.raises(SelectorError, match="no breakpoint 1"):
        session.breakpoints.remove(point.id)


def test_breakpoints_go_to_json_and_back(session: Session):
    points = session.breakpoints
    points.add("anywhere", condition=NonFinite())
    points.add("module", "head", GradientNorm(above=2.0, below=0.5))
    points.add("op", "conv2d", Shape("2x*"))
    points.enable(points.add("source", "a/b.py:3", When("value.l2 > 1")).id, False)
    before, text = list(points), points.to_json()
    points.clear()
    points.from_json(text)
    assert list(points) == before
    assert points.add("op", "relu").id == 5
    for bad in (b"{", b'[{"id":1}]', b'[{"id":1,"on":"moon"}]', b'[{"id":1,"on":"op","pattern":"x","more":1}]'):
        with pytest.raises(UsageError):
            points.from_json(bad)
    bad_expression = text.replace(b"value.l2 > 1", b"value.l2()")
    with pytest.raises(UsageError):
        points.from_json(bad_expression)
    assert len(points) == 5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nodes", "x"), "Did you mean 'node'"),
        (("anywhere",), "needs a condition"),
        (("op",), "which"),
        (("phase", "backwards"), "Did you mean 'backward'"),
        (("phase", "sideways"), "There are forward, backward"),
        (("source", "model.py"), "model.py:12"),
        (("source", "model.py:0"), "model.py:12"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(session: Session, arguments: tuple[str, ...], says: str):
    with pytest.raises(GraphvizNNError, match=says):
        session.breakpoints.add(*arguments)
    assert not len(session.breakpoints)


@pytest.mark.parametrize("limits", [{}, {"above": math.nan}])
def test_a_gradient_norm_needs_a_number(limits: dict[str, float]):
    with pytest.raises(UsageError, match="number"):
        GradientNorm(**limits)


def nan_run() -> RunData:
    """x → split(two outputs, the second with a NaN) → relu, whose gradient is infinite."""
    b = StructureBuilder()
    x = b.input("x", (4,))
    first = b.op("split", x, shapes=[(2,), (2,)])
    b.op("relu", first)
    structure = b.build()
    call, gradient = EventKind.CALL, EventKind.GRADIENT
    events = [(call, 0, 0), (call, 1, 0), (call, 2, 0), (gradient, 2, 0), (gradient, 1, 0)]
    output, gradients = np.zeros((4, len(STATS)), np.float32), np.zeros((2, len(STATS)), np.float32)
    output[2, STATS.index("nan")] = 1
    gradients[0, STATS.index("posinf")] = 3
    return one_step_run(structure, events, {"output": output, "gradient": gradients})


def test_nonfinite_numbers_stop_where_they_appear_also_in_a_second_output():
    session = Session(nan_run())
    session.breakpoints.add("anywhere", condition=NonFinite())
    assert stops(session) == [1, 3]
    session.scrub(-1)
    assert session.to_problem()
    assert session.cursor == 1
    assert session.to_problem()
    assert session.cursor == 3
    assert session.to_problem(back=True)
    assert session.cursor == 1


def test_without_statistics_a_condition_says_what_to_record_and_stops_nothing():
    b = StructureBuilder()
    b.op("relu", b.input("x", (4,)))
    session = Session(one_step_run(b.build(), [(EventKind.CALL, 0, 0), (EventKind.CALL, 1, 0)]))
    point = session.breakpoints.add("anywhere", condition=NonFinite())
    assert stops(session) == []
    with pytest.raises(NotRecorded, match="keep='stats'"):
        session.step.hits(point)


def test_numbers_that_were_not_measured_are_no_problem():
    b = StructureBuilder()
    b.op("relu", b.input("x", (4,)))
    run = one_step_run(b.build(), [(EventKind.CALL, 0, 0), (EventKind.CALL, 1, 0)], {"output": no_stats(2)})
    session = Session(run)
    session.scrub(-1)
    assert not session.to_problem()
