"""Moves: on a real run at known places, and rules that hold for every run at every place."""

from collections.abc import Callable

import numpy as np

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.steps import RunData
from graphviz_nn.session import Session
from graphviz_nn.session import moves as m
from graphviz_nn.session.order import START, StepOrder
from graphviz_nn.session.spans import NOWHERE
from tests.support.recorded import run_of
from tests.support.runs import one_step_run
from tests.support.structures import transformer

Move = Callable[[StepOrder, int], int | None]
FORWARD_MOVES: list[Move] = [m.into, m.over, m.out, m.phase_end]
BACKWARD_MOVES: list[Move] = [m.into_back, m.over_back, m.out_back, m.phase_start]


def places(order: StepOrder) -> range:
    return range(START, len(order))


def seq_of(session: Session, kind: EventKind, name: str) -> int:
    order = session.step.order
    (found,) = [s for s in order.events_of(session.structure.by_name[name].id) if order.kind[s] == kind]
    return int(found)


def module_seq(session: Session, kind: EventKind, path: str) -> int:
    order = session.step.order
    calls = session.structure.module_calls
    return next(s for s in range(len(order)) if order.kind[s] == kind and calls[order.module_call[s]].path == path)


def test_over_passes_a_module_and_into_enters_it(session: Session):
    enter = module_seq(session, EventKind.MODULE_ENTER, "attention")
    leave = module_seq(session, EventKind.MODULE_EXIT, "attention")
    session.scrub(enter)
    assert session.over()
    assert session.cursor == leave
    assert session.over_back()
    assert session.cursor == enter
    session.into()
    assert session.cursor == enter + 1
    assert session.place.module == "attention"


def test_over_passes_a_composite_call_which_runs_until_it_returns(session: Session):
    name = "attention.multi_head_attention_forward"
    session.scrub(seq_of(session, EventKind.CALL, name))
    composite = session.structure.by_name[name].id
    session.into()
    assert session.place.nodes[1:] == (composite,)
    assert not session.state.value[composite]
    session.into_back()
    session.over()
    assert session.cursor == seq_of(session, EventKind.RETURN, name)
    assert session.state.value[composite]


def test_over_passes_a_whole_backward_pass(session: Session):
    order = session.step.order
    begin, end = (int(np.flatnonzero(order.kind == k)[0]) for k in (EventKind.PASS_BEGIN, EventKind.PASS_END))
    session.scrub(begin)
    session.over()
    assert session.cursor == end


def test_out_ends_the_module_call_and_reversed_goes_to_its_start(session: Session):
    enter = module_seq(session, EventKind.MODULE_ENTER, "attention")
    leave = module_seq(session, EventKind.MODULE_EXIT, "attention")
    session.scrub(enter + 5)
    session.out()
    assert session.cursor == leave
    session.out_back()
    assert session.cursor == enter
    session.scrub(leave)
    session.out()
    assert session.cursor == module_seq(session, EventKind.MODULE_EXIT, "")


def test_out_in_the_backward_pass_leaves_the_gradients_of_the_module(session: Session):
    session.scrub(seq_of(session, EventKind.GRADIENT, "head"))
    assert session.place.module == "head"
    session.out()
    assert session.place.kind == EventKind.GRADIENT
    assert session.place.module == ""
    assert session.place.nodes[0] == session.structure.by_name["mean"].id


def test_phases_end_where_the_next_begins(session: Session):
    seen = []
    while session.to_phase_end():
        seen.append((session.place.phase, session.place.kind))
    assert seen == [
        ("forward", EventKind.CALL),
        ("backward", EventKind.PASS_END),
        ("optimizer", EventKind.UPDATE),
    ]
    starts = []
    while session.to_phase_start():
        starts.append(session.place.kind)
    assert starts == [EventKind.CALL, EventKind.PASS_BEGIN, EventKind.MODULE_ENTER, None]


def test_running_to_a_node_stops_at_its_call_and_at_its_gradient_and_back(session: Session):
    node = session.structure.by_name["head"].id
    kinds = []
    while session.to_node(node):
        kinds.append(session.place.kind)
    assert kinds == [EventKind.CALL, EventKind.GRADIENT]
    assert session.to_node(node, back=True)
    assert session.place.kind == EventKind.CALL
    assert not session.to_node(node, back=True)


def test_each_move_goes_on_its_way_or_nowhere_and_ends_inside_the_step(any_run: RunData):
    order = Session(any_run).step.order
    for seq in places(order):
        for move in FORWARD_MOVES:
            target = move(order, seq)
            assert (target is None) == (seq == len(order) - 1), (move, seq)
            assert target is None or seq < target < len(order)
        for move in BACKWARD_MOVES:
            target = move(order, seq)
            assert (target is None) == (seq == START), (move, seq)
            assert target is None or START <= target < seq


def test_into_and_back_are_inverse_everywhere(any_run: RunData):
    order = Session(any_run).step.order
    for seq in places(order)[:-1]:
        assert m.into_back(order, m.into(order, seq)) == seq


def test_over_and_back_are_inverse_but_where_a_span_was_left(any_run: RunData):
    """Over the end of the span around comes back at its start, for then the whole span is what lies behind."""
    order = Session(any_run).step.order
    for seq in places(order)[:-1]:
        target = m.over(order, seq)
        assert target is not None
        opener = order.spans.partner[target]
        ends_span = opener != NOWHERE and opener < target
        unclosed = seq > START and order.spans.beyond[seq] >= 0 and order.spans.partner[seq] == NOWHERE
        if not unclosed:
            assert m.over_back(order, target) == (opener if ends_span else seq)
            assert seq == START or ends_span or order.spans.around[target] == order.spans.around[seq]


def test_spans_nest_and_name_each_other(any_run: RunData):
    order = Session(any_run).step.order
    spans = order.spans
    for opener in np.flatnonzero(spans.beyond >= 0):
        inside = np.flatnonzero(spans.around == opener)
        assert ((inside > opener) & (inside < spans.beyond[opener])).all()
        closer = spans.partner[opener]
        if closer != NOWHERE:
            assert spans.partner[closer] == opener
            assert spans.around[closer] == spans.around[opener]


def test_scrubbing_and_stepping_reach_the_same_place_and_state(any_run: RunData):
    stepping, scrubbing = Session(any_run), Session(any_run)
    stepping.scrub(START)
    state = stepping.state
    while stepping.into():
        scrubbing.scrub(stepping.cursor)
        assert scrubbing.place == stepping.place
        now = scrubbing.state
        differs = (state.value != now.value) | (state.gradient != now.gradient) | (state.updated != now.updated)
        assert np.flatnonzero(differs).tolist() == stepping.changed(state.seq, now.seq).tolist()
        state = now


def test_a_span_that_nothing_closed_ends_with_the_one_around_it_or_with_the_step():
    structure = transformer(layers=1)
    enter, leave, call = EventKind.MODULE_ENTER, EventKind.MODULE_EXIT, EventKind.CALL
    closed = one_step_run(structure, [(enter, 0, 0), (enter, 1, 0), (call, 0, 0), (leave, 0, 0), (call, 1, 0)])
    order = Session(closed).step.order
    assert m.over(order, 1) == 3
    assert m.over(order, 0) == 3
    assert m.out(order, 2) == 3
    stray = one_step_run(structure, [(enter, 0, 0), (leave, 2, 0), (call, 0, 0)])
    order = Session(stray).step.order
    assert m.over(order, 0) == 2
    assert m.over_back(order, 1) == 0
    assert m.over(order, 1) == 2


def test_an_error_is_a_problem_to_run_to(partial: RunData):
    session = Session(partial)
    session.scrub(START)
    assert session.to_problem()
    assert session.place.kind == EventKind.ERROR
    assert "error" in session.structure.nodes[session.place.nodes[0]].attributes
    assert not session.state.value[session.place.nodes[0]]
    assert not session.to_problem()


def test_back_to_back_passes_are_phases_of_their_own():
    session = Session(run_of("several_losses_over_one_graph").data)
    ends = []
    session.scrub(START)
    while session.to_phase_end():
        ends.append(session.place.kind)
    assert ends.count(EventKind.PASS_END) == int((session.step.order.kind == EventKind.PASS_END).sum()) > 1
