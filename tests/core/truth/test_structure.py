"""What every recorded graph must be: valid, acyclic, and connected from the parameters to the loss."""

from __future__ import annotations

import networkx as nx
import pytest

from graphviz_nn.graph.schema import validate
from graphviz_nn.model.events import STATE_TENSOR, EventKind
from graphviz_nn.model.nodes import SOURCE_KINDS
from graphviz_nn.run import Run
from tests.support.program import FORWARD_ONLY, UNSEEN, Program
from tests.support.programs import PROGRAMS
from tests.support.recorded import run_of

NAMES = [program.name for program in PROGRAMS]
WITH_BACKWARD = [program for program in PROGRAMS if FORWARD_ONLY not in program.traits]


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_the_graph_is_valid_and_acyclic(program: Program):
    graph = run_of(program.name).graph
    validate(graph)
    assert nx.is_directed_acyclic_graph(graph)
    assert all(source < target for source, target in graph.edges())


@pytest.mark.parametrize("program", WITH_BACKWARD, ids=[program.name for program in WITH_BACKWARD])
def test_every_leaf_that_got_a_gradient_leads_to_a_loss(program: Program):
    run = run_of(program.name)
    losses = loss_nodes(run)
    assert losses, "no backward pass has a known root"
    feeding = set(losses).union(*(nx.ancestors(run.graph, loss) for loss in losses))
    arrived = {
        int(e["node"]) for e in run.steps[-1].events if e["kind"] == EventKind.GRADIENT and e["state"] == STATE_TENSOR
    }
    leaves = {node.id for node in run.structure().nodes if node.kind in SOURCE_KINDS} & arrived
    assert leaves, "no leaf got a gradient"
    assert [run.structure().nodes[node].name for node in sorted(leaves - feeding)] == []


def loss_nodes(run: Run) -> list[int]:
    return sorted(
        {int(e["node"]) for e in run.steps[-1].events if e["kind"] == EventKind.PASS_BEGIN and e["node"] >= 0}
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_only_programs_with_unseen_work_have_opaque_nodes(program: Program):
    opaque = [node.name for node in run_of(program.name).structure().nodes if node.kind == "opaque"]
    assert bool(opaque) == (UNSEEN in program.traits), opaque
