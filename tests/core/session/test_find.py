"""Search: each kind of term against a plain look at the nodes, and what is said of a term that cannot be read."""

from collections.abc import Callable

import numpy as np
import pytest

from graphviz_nn.errors import ExpressionError, NotRecorded
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import RunData
from graphviz_nn.session import Session
from tests.core.session.test_breakpoints import nan_run
from tests.support.runs import one_step_run
from tests.support.structures import transformer


def in_attention(node: Node) -> bool:
    return node.module is not None and (node.module == "attention" or node.module.startswith("attention."))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("conv", lambda n: "conv" in n.name or "conv" in n.op),
        ("CONV", lambda n: "conv" in n.name or "conv" in n.op),
        ("op:linear", lambda n: n.op == "linear"),
        ("op:*view*", lambda n: "view" in n.op),
        ("module:attention", in_attention),
        ("module:attention.*", lambda n: in_attention(n) and n.module != "attention"),
        ("shape:2x4", lambda n: (2, 4) in [o.shape for o in n.outputs]),
        ("shape:scalar", lambda n: () in [o.shape for o in n.outputs]),
        ("shape:*x16x*", lambda n: any(16 in o.shape[1:-1] for o in n.outputs)),
        ("kind:parameter", lambda n: n.kind == "parameter"),
        ("phase:optimizer", lambda n: n.phase == "optimizer"),
        ("name:head", lambda n: n.name == "head"),
        ("dtype:float32 kind:input", lambda n: n.kind == "input"),
        ("module:attention -kind:parameter", lambda n: in_attention(n) and n.kind != "parameter"),
        ("-kind:op", lambda n: n.kind != "op"),
        ('"nan"', lambda n: "nan" in n.name),
        ("   ", lambda n: False),
        ("no_such_thing", lambda n: False),
    ],
)
def test_finds_the_nodes_that_a_plain_look_finds(session: Session, query: str, wanted: Callable[[Node], bool]):
    expected = [node.id for node in session.structure.nodes if wanted(node)]
    assert session.find(query).tolist() == expected


def test_the_source_is_a_file_and_a_line(session: Session):
    source = session.structure.by_name["head"].source
    found = session.find(f"source:conftest.py:{source.line}")
    assert session.structure.by_name["head"].id in found
    assert all(session.structure.nodes[n].source.line == source.line for n in found)


def test_gradients_and_outputs_are_compared_by_their_own_numbers(session: Session):
    order = session.step.order
    table = session.data.stats(0, "gradient")
    owner = order.node[order.kind == EventKind.GRADIENT]
    limit = float(np.median(table[:, STATS.index("l2")]))
    below = sorted(set(owner[table[:, STATS.index("l2")] < limit].tolist()))
    assert session.find(f"grad<{limit!r}").tolist() == below
    opposite = set(session.find(f"-grad<{limit!r}").tolist())
    assert opposite == set(range(len(session.structure.nodes))) - set(below)
    zeros = session.data.stats(0, "output")[:, STATS.index("zeros")]
    (row,) = (session.structure.value_offsets[session.structure.by_name["relu_"].id],)
    assert (session.structure.by_name["relu_"].id in session.find("zeros>0.1")) == (zeros[row] > 0.1)


def test_nan_and_inf_are_found_in_outputs_and_gradients():
    session = Session(nan_run())
    assert session.find("nan").tolist() == [1]
    assert session.find("inf").tolist() == [2]
    assert session.find("-nan -inf").tolist() == [0]


def test_the_call_that_failed_is_found(partial: RunData):
    session = Session(partial)
    (failed,) = session.find("error")
    assert "error" in session.structure.nodes[failed].attributes


def test_without_statistics_a_number_says_what_to_record():
    session = Session(one_step_run(transformer(layers=1)))
    with pytest.raises(NotRecorded, match="keep='stats'"):
        session.find("norm>1")
    # No gradient arrived at all, and so none is small.
    assert session.find("grad<1").tolist() == []


@pytest.mark.parametrize(
    ("query", "position", "says"),
    [
        ("conv x1:y", 5, "There are op, name"),
        ("modul:x", 0, "Did you mean 'module'"),
        ("op:", 3, r"op:\*"),
        ("relu grd<1", 5, "Did you mean 'grad'"),
        ("grad<", 5, "write grad<1e-7"),
        ("grad<=tiny", 6, "A number must follow"),
        ('relu "open', 5, 'another "'),
        ('relu -"open', 6, 'another "'),
        ("relu - conv", 5, "-relu"),
    ],
)
def test_a_term_that_cannot_be_read_is_placed_and_mended(session: Session, query: str, position: int, says: str):
    with pytest.raises(ExpressionError, match=says) as raised:
        session.find(query)
    assert raised.value.position == position
    assert f"at character {position + 1}" in str(raised.value)


def test_a_sign_that_compares_nothing_is_named(session: Session):
    with pytest.raises(ExpressionError, match="'!' compares nothing: write grad<1e-7"):
        session.find("grad!3")
    assert session.find("max-5").tolist() == []  # a name like any other
