"""How fast the layout is, how its crossings compare with dot's, and what it makes of random graphs.

    python -m benchmarks.layout

The time from boxes and wires to a placement; the target is 40 % of that for the whole SVG. Comparisons run where
their programs are found: `dot`, and `node` with the package `dagre` in the folder that DAGRE_FOLDER names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Final

from benchmarks import crossings
from benchmarks.timing import show, show_machine
from graphviz_nn.layout import Box, LayoutCache, Wire, layout
from tests.support import networks
from tests.support.networks import Network
from tests.support.pictures import overlaps, random_nest

SPEED: Final[tuple[tuple[str, Callable[[], Network], float, int], ...]] = (
    ("ResNet-50-like", networks.resnet, 0.02, 15),
    ("transformer", lambda: networks.gpt(303), 0.2, 7),
    ("transformer", lambda: networks.gpt(3120), 4.0, 3),
)
"""Name, network, target in seconds, repeats."""

CROSSING_SET: Final[dict[str, Callable[[], Network]]] = {
    "ResNet": networks.resnet,
    "U-Net": networks.unet,
    "GPT, 4 layers": lambda: networks.gpt(4),
    "GPT, 11 layers": lambda: networks.gpt(11),
    "LSTM, 5 steps, 1 layer": lambda: networks.lstm(5, 1),
    "LSTM, 20 steps, 1 layer": lambda: networks.lstm(20, 1),
    "LSTM, 5 steps": lambda: networks.lstm(5),
    "LSTM, 8 steps": lambda: networks.lstm(8),
    "LSTM, 15 steps": lambda: networks.lstm(15),
    "LSTM, 50 steps": networks.lstm,
    "DenseNet, 3 × 6": networks.densenet,
    "DenseNet, 1 × 10": lambda: networks.densenet(1, 10),
    "Inception": networks.inception,
    "mixture of 4 experts": networks.moe,
    "mixture of 8 experts": lambda: networks.moe(3, 8),
    "mixture of 16 experts": lambda: networks.moe(1, 16),
}
DOT_PATIENCE: Final = 60.0
CROSSING_LIMIT: Final = 1.2

DAGRE: Final = """
const dagre = require("dagre");
const {boxes, wires} = JSON.parse(require("fs").readFileSync(0, "utf8"));
function once() {
  const graph = new dagre.graphlib.Graph({compound: true, multigraph: true});
  graph.setGraph({}); graph.setDefaultEdgeLabel(() => ({}));
  for (const [key, parent, width, height] of boxes) {
    graph.setNode(key, {width, height});
    if (parent !== null) graph.setParent(key, parent);
  }
  wires.forEach(([source, target], k) => graph.setEdge(source, target, {}, String(k)));
  const start = process.hrtime.bigint();
  dagre.layout(graph);
  return Number(process.hrtime.bigint() - start) / 1e9;
}
console.log(Math.min(once(), once(), once()));
"""


def seconds(net: Network, repeats: int) -> float:
    """The least time of several layouts, each without a cache: what the code takes, whatever else the machine does."""

    def once() -> float:
        started = time.perf_counter()
        layout(net.root, net.wires)
        return time.perf_counter() - started

    return min(once() for _ in range(repeats))


def speed() -> None:
    per_call = []
    for name, build, target, repeats in SPEED:
        net = build()
        seen = seconds(net, repeats)
        per_call.append(seen / len(net))
        show(
            f"layout of a {name}, {len(net):,} calls",
            f"≤ {target * 1e3:,.0f} ms",
            f"{seen * 1e3:,.1f} ms",
            seen <= target,
        )
    growth = per_call[-1] / per_call[-2]
    show("time per call, ten times the calls", "≤ 1.5 ×", f"{growth:.2f} ×", growth <= 1.5)


def toggling() -> None:
    """Opens one module of two transformer blocks' calls, in one level, between 50 closed ones."""
    inside = networks.gpt(2).flat()
    first, last = 0, len(inside) - 1

    def picture(opened: bool) -> tuple[Box, list[Wire]]:
        closed = [Box(("module", k), 120, 40) for k in range(50)]
        wires = [Wire(("module", k), ("module", k + 1)) for k in range(49)]
        if opened:
            closed[25].children = inside.root.children
            wires[24:26] = [Wire(("module", 24), first), Wire(last, ("module", 26))]
            wires += inside.wires
        return Box("root", 0, 0, closed), wires

    times = []
    for _ in range(30):
        cache = LayoutCache()
        layout(*picture(False), cache=cache)
        started = time.perf_counter()
        layout(*picture(True), cache=cache)
        times.append(time.perf_counter() - started)
    seen = sorted(times)[int(0.95 * len(times))]
    show(f"opening a module of {len(inside)} children, 95 %", "≤ 16 ms", f"{seen * 1e3:.1f} ms", seen <= 0.016)


def against_dagre() -> None:
    folder = os.environ.get("DAGRE_FOLDER", "")
    figure, target = "520 calls in clusters, against dagre", "≥ 50 × faster"
    if not (shutil.which("node") and os.path.isdir(os.path.join(folder, "node_modules", "dagre"))):
        show(figure, target, "not measured: needs node, and DAGRE_FOLDER with `npm install dagre`")
        return
    net = networks.gpt(15)
    boxes: list[tuple[str, str | None, float, float]] = []
    for box in net.root.walk():
        boxes += [(str(c.key), str(box.key) if box.key else None, c.width, c.height) for c in box.children]
    data = json.dumps({"boxes": boxes, "wires": [(str(w.source), str(w.target)) for w in net.wires]})
    run = subprocess.run(["node", "-e", DAGRE], input=data, capture_output=True, text=True, check=True, cwd=folder)
    theirs, own = float(run.stdout), seconds(net, 9)
    seen = f"{theirs / own:.0f} × ({theirs * 1e3:,.0f} ms against {own * 1e3:.1f} ms, {len(net)} calls)"
    show(figure, target, seen, theirs >= 50 * own)


def against_dot() -> None:
    if not shutil.which("dot"):
        show("crossings against dot", f"≤ {CROSSING_LIMIT} ×", "not measured: needs dot")
        return
    for name, build in CROSSING_SET.items():
        net = build().flat()
        own, theirs = crossings.ours(net), crossings.of_dot(net, DOT_PATIENCE)
        figure = f"crossings, {name} without containers, {len(net)} calls"
        if theirs is None:
            show(figure, f"≤ {CROSSING_LIMIT} × dot", f"{own}; dot gives no answer in {DOT_PATIENCE:.0f} s")
        else:
            show(figure, f"≤ {CROSSING_LIMIT} × dot", f"{own} against {theirs}", own <= CROSSING_LIMIT * theirs)


def random_graphs() -> None:
    faults, failures = 0, 0
    for seed in range(400):
        root, wires = random_nest(seed)
        try:
            faults += len(overlaps(root, layout(root, wires)))
        except Exception as error:
            failures += 1
            print(f"seed {seed}: {error!r}")
    show("400 random nested graphs: overlaps, exceptions", "0, 0", f"{faults}, {failures}", faults == failures == 0)


if __name__ == "__main__":
    show_machine()
    speed()
    toggling()
    against_dagre()
    random_graphs()
    against_dot()
