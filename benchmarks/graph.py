"""Building a graph of 100,000 calls, and what else is done with it: seconds of this process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median

from benchmarks.timing import show
from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.collapse import collapse
from graphviz_nn.graph.cost import costs
from graphviz_nn.graph.rolled import rolled
from graphviz_nn.graph.schema import validate
from graphviz_nn.plugin.manager import plugins
from tests.support.structures import transformer

LAYERS = 2_500


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Median processor time, which other programs on the machine disturb least."""
    found = []
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        result = work()
        found.append(time.process_time() - started)
        del result
    return median(found)


def main() -> None:
    structure = transformer(layers=LAYERS)
    layer_types = plugins().layer_types
    count = f"{len(structure.nodes):,} nodes"
    took = seconds(lambda: build_graph(structure))
    show(f"graph: build, {count}", "≤ 1 s", f"{took:.2f} s", took <= 1.0)
    graph = build_graph(structure)
    for name, work in {
        "validate": lambda: validate(graph),
        "collapse to depth 1": lambda: collapse(graph, depth=1),
        "collapse to depth 3": lambda: collapse(graph, depth=3),
        "roll": lambda: rolled(graph),
        "costs": lambda: costs(structure, layer_types),
    }.items():
        show(f"graph: {name}, {count}", "-", f"{seconds(work, 1):.2f} s")


if __name__ == "__main__":
    print("figure | target | seen | ok")
    main()
