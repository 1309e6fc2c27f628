"""What exists at a place: values, gradients, updates, and a layer as a textbook draws it."""

import numpy as np

from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.steps import RunData
from graphviz_nn.session import Session
from graphviz_nn.session.order import START
from graphviz_nn.session.state import NO_GRADIENT, NONE_GRADIENT, TENSOR_GRADIENT
from tests.support.recorded import run_of


def run_to(session: Session, kind: EventKind, node: int) -> None:
    session.scrub(START)
    while session.to_node(node) and session.place.kind != kind:
        pass
    assert session.place.kind == kind


def test_nothing_exists_before_the_first_event_and_every_call_has_ended_at_the_end(any_run: RunData):
    session = Session(any_run)
    called = np.unique(session.step.order.node[session.step.order.kind == EventKind.CALL])
    failed = [n for n in called if "error" in session.structure.nodes[n].attributes]
    assert session.state.value[np.setdiff1d(called, failed)].all()
    assert not session.state.value[failed].any()
    session.scrub(START)
    state = session.state
    assert [int(table.sum()) for table in (state.value, state.gradient, state.updated)] == [0, 0, 0]


def test_states_agree_with_a_plain_walk_over_the_events(any_run: RunData):
    session = Session(any_run)
    session.scrub(START)
    order = session.step.order
    value, gradient, updated = set(), {}, set()
    returns = set(order.node[order.kind == EventKind.RETURN].tolist())
    while session.into():
        event = order.events[session.cursor]
        node, kind = int(event["node"]), event["kind"]
        if (kind == EventKind.CALL and node not in returns) or kind == EventKind.RETURN:
            value.add(node)
        elif kind == EventKind.GRADIENT:
            said = NONE_GRADIENT if event["state"] == STATE_NONE else TENSOR_GRADIENT
            gradient[node] = max(said, gradient.get(node, NO_GRADIENT))
        elif kind == EventKind.UPDATE:
            updated.add(node)
        elif kind == EventKind.ERROR:
            value.discard(node)
        state = session.state
        failed = {n for n in value if "error" in session.structure.nodes[n].attributes}
        assert set(np.flatnonzero(state.value).tolist()) == value - failed
        assert {int(n): int(state.gradient[n]) for n in np.flatnonzero(state.gradient)} == gradient
        assert set(np.flatnonzero(state.updated).tolist()) == updated


def test_a_linear_layer_is_drawn_with_what_came_in_and_what_goes_out(session: Session):
    names = session.structure.by_name
    head, mean = names["head"].id, names["mean"].id
    weight, bias = names["head.weight"].id, names["head.bias"].id
    run_to(session, EventKind.GRADIENT, head)
    drawn = session.textbook(head)
    assert [(r.key[:2], r.argument, r.availability) for r in drawn.inputs] == [(("value", mean), "input", "available")]
    assert [r.key.node for r in drawn.parameters] == [weight, bias]
    assert [(r.key, r.availability, r.kept) for r in drawn.incoming] == [(("gradient", head, 0, 0), "available", True)]
    assert [r.key for r in drawn.outputs] == [("value", head, 0, 0)]
    assert [(r.key.node, r.availability) for r in drawn.input_gradients] == [(mean, "later")]
    assert [(r.key.node, r.argument) for r in drawn.parameter_gradients] == [(weight, "weight"), (bias, "bias")]
    # The optimizer reads the weight too, and has no share in its gradient.
    assert not any(r.shared for r in drawn.parameter_gradients)
    run_to(session, EventKind.GRADIENT, mean)
    assert session.textbook(head).input_gradients[0].availability == "available"


def test_an_input_without_gradient_never_gets_one_and_a_value_read_twice_is_shared(session: Session):
    session.scrub(len(session.step.order))
    names = session.structure.by_name
    (of_image,) = session.textbook(names["conv"].id).input_gradients
    assert (of_image.availability, of_image.seq, of_image.kept) == ("never", None, False)
    readers = [sum(e.node == node.id for n in session.structure.nodes for e in n.inputs) for node in names.values()]
    for node, count in zip(names.values(), readers, strict=True):
        if len(node.outputs) == 1 and node.kind == "op":
            assert session.textbook(node.id).incoming[0].shared == (count > 1)


def test_gradients_are_those_of_the_pass_at_the_cursor():
    session = Session(run_of("gradient_penalty").data)
    order = session.step.order
    begins = np.flatnonzero(order.kind == EventKind.PASS_BEGIN)
    assert len(begins) > 1
    of_passes = [set(order.node[(order.kind == EventKind.GRADIENT) & (order.number == p)].tolist()) for p in (0, 1)]
    node = min(n for n in of_passes[0] & of_passes[1] if session.structure.nodes[n].outputs)
    for number, begin in enumerate(begins[:2]):
        session.scrub(int(begin) + 1)
        assert session.textbook(node).number == number
        assert session.textbook(node).incoming[0].key.number == number
