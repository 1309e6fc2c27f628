"""How long an SVG takes, layout included.

    python -m benchmarks.export

Structures are made by hand and expanded whole. A figure is the least of several runs in a warm process: what the code
takes, without what else the machine does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from graphviz_nn.export.svg import svg
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.compose import compose
from tests.support.structures import resnet, transformer

CALLS_PER_LAYER = 28
CASES: tuple[tuple[str, Callable[[], Structure], float, int], ...] = (
    ("ResNet-50", lambda: resnet((3, 4, 6, 3), bottleneck=True), 0.05, 9),
    ("transformer", lambda: transformer(10_000 // CALLS_PER_LAYER), 0.5, 5),
    ("transformer", lambda: transformer(103_000 // CALLS_PER_LAYER), 10.0, 2),
)
"""Name, structure, target in seconds, repeats."""


def seconds(structure: Structure) -> float:
    """Time from the structure to the text of the SVG."""
    started = time.perf_counter()
    svg(compose(structure, PictureOptions(depth=None)))
    return time.perf_counter() - started


def main() -> None:
    print("figure | target | seen | ok")
    seconds(resnet())
    for name, build, target, repeats in CASES:
        structure = build()
        calls = sum(node.kind in ("op", "noop") for node in structure.nodes)
        seen = min(seconds(structure) for _ in range(repeats))
        ok = "yes" if seen <= target else "NO"
        print(f"SVG with layout, {name} of {calls:,} calls | ≤ {target:g} s | {seen:.3f} s | {ok}", flush=True)


if __name__ == "__main__":
    main()
