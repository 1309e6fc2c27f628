"""Made-up runs: every step can be made again from its seed, so that what a file gives back can be compared."""

from __future__ import annotations

import numpy as np

from graphviz_nn.model.events import EVENT_DTYPE, STATE_TENSOR, EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.metrics import MetricTable
from graphviz_nn.model.modules import Module, ModuleCall, Parameter
from graphviz_nn.model.nodes import Input, Node, Output, Source
from graphviz_nn.model.stats import HISTOGRAM_BINS, STATS
from graphviz_nn.model.steps import MemoryRun, OptimizerInfo, RunData, StepInfo, StepRecord
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.store.checks import ROWS_OF_EVENTS


def make_structure(nodes: int = 12) -> Structure:
    """A parameter, and a chain of calls that each read the one before; the last is a loss."""
    module = Module("layer", "Linear", ("torch.nn.modules.linear.Linear",), {"in_features": 4}, ("weight",), True)
    calls = (ModuleCall("", 1, None), ModuleCall("layer", 1, 0, training=True))
    parameter = _node(0, "parameter", names=("layer.weight",))
    chain = [_node(i, "op", inputs=(Input(i - 1, 0, "input"), Input(0, 0, "weight"))) for i in range(1, nodes)]
    parameters = (Parameter(("layer.weight",), (2, 3), "float32", True, 0, 0),)
    return Structure((parameter, *chain), (module,), calls, parameters)


def _node(number: int, kind: str, *, inputs: tuple[Input, ...] = (), names: tuple[str, ...] = ()) -> Node:
    return Node(
        id=number,
        kind=kind,
        op="linear" if kind == "op" else kind,
        name=f"layer.{kind}_{number}",
        module="layer",
        call=1,
        module_call=1,
        source=Source("/home/someone/train.py", 10 + number, "forward"),
        phase="forward",
        parent=None,
        function="torch.nn.functional.linear",
        arguments=[[{"tensor": 0}, {"tensor": 1}], {"scale": float("-inf")}],
        attributes={"scale": float("-inf"), "number": number},
        inputs=inputs,
        outputs=(Output((2, 3), "float32", "cpu", True, 24),),
        names=names,
    )


def make_events(structure: Structure, seed: int) -> np.ndarray:
    """Enter, call each node, exit, one backward pass in reverse order, the parameter's gradient and its update."""
    count = len(structure.nodes)
    rows = [(EventKind.MODULE_ENTER, 0, -1, 1, 0)]
    rows += [(EventKind.CALL, 0, -1, node, 0) for node in range(count)]
    rows += [(EventKind.MODULE_EXIT, 0, -1, 1, 0), (EventKind.PASS_BEGIN, 0, 0, count - 1, 0)]
    rows += [(EventKind.GRADIENT, STATE_TENSOR, 0, node, 0) for node in reversed(range(count))]
    rows += [(EventKind.PARAMETER_GRADIENT, 0, 0, 0, 0), (EventKind.PASS_END, 0, 0, -1, 0)]
    rows += [(EventKind.UPDATE, 0, -1, 0, 0)]
    events = np.zeros(len(rows), EVENT_DTYPE)
    for name, column in zip(("kind", "state", "pass", "node", "index"), zip(*rows, strict=True), strict=True):
        events[name] = column
    events["time"] = np.sort(np.random.default_rng(seed).random(len(rows), np.float32))
    return events


def make_step(index: int, structure: Structure, *, histograms: bool = False, tensors: int = 0) -> StepRecord:
    """Step `index`: the same numbers each time it is made. Each tenth row of stats is not measured.

    `tensors`: with a number there are some, and the largest has that many bytes.
    """
    random = np.random.default_rng(index)
    events = make_events(structure, index)
    rows = {"output": structure.value_count}
    rows |= {name: int((events["kind"] == kind).sum()) for name, kind in ROWS_OF_EVENTS.items()}
    stats = {name: random.standard_normal((count, len(STATS)), np.float32) for name, count in rows.items()}
    stats["output"][::10] = np.nan
    bins = {name: random.integers(0, 99, (n, HISTOGRAM_BINS)).astype("<u2") for name, n in rows.items()}
    return StepRecord(
        info=make_info(index, structure),
        structure=structure,
        events=events,
        stats=stats,
        histograms=bins if histograms else {},
        tensors=make_tensors(random, tensors) if tensors else {},
        metrics={"active_share": make_metric(random, "output", ()), "rows": make_metric(random, "input", ("a", "b"))},
    )


def make_info(index: int, structure: Structure) -> StepInfo:
    optimizer = OptimizerInfo("SGD", ({"lr": 0.1, "nesterov": False},))
    digest, loss = structure.digest, 1 / (1 + index)
    return StepInfo(index, digest, 1.7e9 + index, 0.25, loss, passes=1, optimizers=(optimizer,))


def make_metric(random: np.random.Generator, of: str, columns: tuple[str, ...]) -> MetricTable:
    """Rows for the first values: of the length of `columns`, or of several lengths."""
    lengths = np.array([len(columns)] * 3 if columns else [4, 1, 7], np.int32)
    nodes, zeros = np.arange(3, dtype=np.int32), np.zeros(3, np.int32)
    numbers = random.standard_normal(int(lengths.sum()), np.float32)
    return MetricTable(of, columns, nodes, zeros, zeros, lengths, numbers)


def make_finding(step: int, node: int | None = 3) -> Finding:
    """A finding with evidence of every kind."""
    evidence = {"ratio": 1e-300, "limit": float("inf"), "op": "linear", "by_layer": [1.0, -0.5], "layers": ["a", "b"]}
    module = None if node is None else "layer"
    return Finding("vanishing_depth", "warning", step, node, module, evidence, "It shrinks.", "Scale it to 1 × \u2028.")


def make_tensors(random: np.random.Generator, largest: int) -> dict[TensorKey, TensorData]:
    """Tensors of several dtypes, an empty one, a scalar, one with strides, and a large one."""

    def data(size: int) -> np.ndarray:
        return random.integers(0, 256, size, np.uint8)

    return {
        TensorKey("value", 1, 0): TensorData("float32", (2, 3), data(24)),
        TensorKey("gradient", 1, 0): TensorData("bfloat16", (5,), data(10)),
        TensorKey("value", 2, 0): TensorData("int64", (), data(8)),
        TensorKey("value", 3, 0): TensorData("float64", (0, 4), data(0)),
        TensorKey("value", 4, 0): TensorData("float32", (3, 2), data(24), strides=(1, 3)),
        TensorKey("thumbnail", 4, 0): TensorData("float8_e4m3fn", (7,), data(7)),
        TensorKey("value", 5, 0): TensorData("uint8", (largest,), data(largest)),
    }


def assert_same_step(step: StepRecord, run: RunData, position: int) -> None:
    """Fails unless the run holds exactly that step at `position`, bit for bit."""
    assert run.steps()[position] == step.info
    assert run.structure(step.info.structure) == step.structure
    assert run.events(position).tobytes() == step.events.tobytes()
    for name in ("output", *ROWS_OF_EVENTS):
        assert_same_array(step.stats.get(name), run.stats(position, name))
        assert_same_array(step.histograms.get(name), run.histograms(position, name))
    assert list(run.metric_names(position)) == list(step.metrics)
    for name, table in step.metrics.items():
        assert_same_metric(table, run.metric(position, name))
    assert run.metric(position, "never_taken") is None
    assert list(run.tensor_keys(position)) == list(step.tensors)
    for key, tensor in step.tensors.items():
        assert_same_tensor(tensor, run.tensor(position, key))


def assert_same_array(expected: np.ndarray | None, found: np.ndarray | None) -> None:
    if expected is None or found is None:
        assert found is expected
        return
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


def assert_same_metric(expected: MetricTable, found: MetricTable | None) -> None:
    assert found is not None
    assert (found.of, found.columns) == (expected.of, expected.columns)
    for name in ("nodes", "outputs", "passes", "lengths", "numbers"):
        assert_same_array(getattr(expected, name), getattr(found, name))


def assert_same_tensor(expected: TensorData, found: TensorData | None) -> None:
    assert found is not None
    assert (found.dtype, found.shape, found.strides) == (expected.dtype, expected.shape, expected.strides)
    assert found.data.tobytes() == expected.data.tobytes()


def assert_same_run(expected: MemoryRun, found: RunData) -> None:
    """Fails unless both runs hold the same, bit for bit."""
    assert found.meta == expected.meta
    assert dict(found.sources()) == dict(expected.sources())
    assert len(found.steps()) == len(expected.steps())
    assert found.findings() == expected.findings()
    for position, step in enumerate(expected):
        assert_same_step(step, found, position)
