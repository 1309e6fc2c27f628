"""How long it takes to look at a step of 100,000 nodes: opening it, every move, the state, a search, breakpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np

from benchmarks.timing import show
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import MemoryRun
from graphviz_nn.model.structure import Structure
from graphviz_nn.session import GradientNorm, Session, When, moves
from tests.support.runs import EventRow, one_step_run
from tests.support.structures import StructureBuilder

BLOCKS = 14_300
MOVES = 2_000


def large_run() -> MemoryRun:
    """Blocks of a linear layer, an activation and a sum, each a module call with one inside; 100,000 nodes."""
    b, events = StructureBuilder(), list[EventRow]()
    x = b.input("x", (4, 8))
    with b.module("", "Net"):
        for block in range(BLOCKS):
            with b.module(f"layer{block % 8}.{block}", "Block"):
                hidden = b.linear("fc", x, 8)
                x = b.op("add", x, b.op("relu", b.op("dropout", b.op("layer_norm", hidden))))
    structure = b.build()
    events += _forward(structure)
    events += [(EventKind.PASS_BEGIN, x.node, 0)]
    events += [(EventKind.GRADIENT, n.id, 0) for n in reversed(structure.nodes)]
    events += [(EventKind.PASS_END, x.node, 0)]
    generator = np.random.default_rng(0)
    output, gradient = generator.random((2, structure.value_count, len(STATS)), np.float32)
    for table in (output, gradient):
        table[:, [STATS.index(name) for name in ("nan", "posinf", "neginf")]] = 0
    return one_step_run(structure, events, {"output": output, "gradient": gradient})


def _forward(structure: Structure) -> list[EventRow]:
    """Calls with the module calls around them, in order."""
    events: list[EventRow] = []
    stack: list[int] = []
    for node in structure.nodes:
        around = []
        call = node.module_call
        while call is not None:
            around.append(call)
            call = structure.module_calls[call].parent
        around.reverse()
        while stack and stack != around[: len(stack)]:
            events.append((EventKind.MODULE_EXIT, stack.pop(), 0))
        for each in around[len(stack) :]:
            events.append((EventKind.MODULE_ENTER, each, 0))
            stack.append(each)
        events.append((EventKind.CALL, node.id, 0))
    events += [(EventKind.MODULE_EXIT, call, 0) for call in reversed(stack)]
    return events


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def show_limit(figure: str, limit: float, took: float) -> None:
    """Prints a row; limit and time in seconds, shown in milliseconds."""
    show(figure, f"≤ {limit * 1e3:g} ms", f"{took * 1e3:.3f} ms", took <= limit)


def main() -> None:
    run = large_run()
    took = seconds(lambda: Session(run))
    session = Session(run)
    order = session.step.order
    size = f"{len(session.structure.nodes):,} nodes, {len(order):,} events"
    show("open the step", size, f"{took * 1e3:.0f} ms")
    first = seconds(lambda: moves.out(order, 5)) + seconds(session.to_phase_start)
    show("first move, which indexes the order", "-", f"{first * 1e3:.0f} ms")
    pick = random.Random(0)
    seqs = [pick.randrange(len(order)) for _ in range(MOVES)]
    for move in (moves.into, moves.over, moves.out, moves.over_back, moves.out_back, moves.phase_end):
        times = [seconds(lambda move=move, seq=seq: move(order, seq)) for seq in seqs]  # type: ignore[misc]
        show_limit(f"move {move.__name__}, 95 % of {MOVES:,}", 1e-3, float(np.quantile(times, 0.95)))
    show_limit("state at a cursor, 95 %", 1e-3, _quantile(session.step.states.at, seqs[:300]))
    near = _quantile(session.step.states.at, list(range(1000, 1300)))
    show_limit("state at the next cursor, 95 %", 1e-3, near)
    changes = _quantile(lambda seq: session.step.states.changed(seq - 1, seq), seqs[:300])
    show_limit("nodes that changed, 95 %", 1e-3, changes)
    for query in ("relu", "op:dropout", "module:layer3.* shape:*x8", "name:*relu_1*", "grad<1e-1 -op:add", "nan"):
        show_limit(f"search {query!r}, the first time", 0.1, seconds(lambda query=query: Session.find(session, query)))
        show_limit(f"search {query!r}, again", 0.1, seconds(lambda query=query: Session.find(session, query)))
    session.breakpoints.add("module", "layer7.*", GradientNorm(below=0.01))
    session.breakpoints.add("op", "relu", When("gradient.l2 > 0.999 and value.mean > 0.5"))
    session.scrub(-1)
    show("first run to a breakpoint, which evaluates both", "-", f"{seconds(session.to_breakpoint) * 1e3:.0f} ms")
    show_limit("next run to a breakpoint", 1e-3, float(np.median([seconds(session.to_breakpoint) for _ in range(20)])))


def _quantile(work: Callable[[int], object], seqs: list[int]) -> float:
    return float(np.quantile([seconds(lambda seq=seq: work(seq)) for seq in seqs], 0.95))  # type: ignore[misc]


if __name__ == "__main__":
    main()
