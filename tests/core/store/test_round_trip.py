"""What is written comes back bit for bit, while it is written and after, and from memory to file and on."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from graphviz_nn.errors import RunFileError
from graphviz_nn.model.steps import ErrorInfo, MemoryRun, RunMeta, StepRecord
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.store import RunWriter, open_run, save
from tests.core.store.samples import assert_same_run, assert_same_step, make_finding, make_step, make_structure

LARGE = 2_300_001
"""Bytes of a tensor that takes three rows."""

STRUCTURE = make_structure()
STEPS = [make_step(i, STRUCTURE, histograms=i % 2 == 0, tensors=LARGE * (i % 3 == 0)) for i in range(7)]
META = RunMeta(1.7e9, ("train.py", "--lr=1"), "all", {"torch": "2.13.0"}, "cpu", ("a note",), True)


def write(path, steps):
    writer = RunWriter(path)
    for step in steps:
        writer.write(step)
    writer.close()


def with_info(step, **changes):
    info = msgspec.structs.replace(step.info, **changes)
    return StepRecord(info, step.structure, step.events, step.stats, step.histograms, step.tensors)


@pytest.fixture
def memory_run():
    run = MemoryRun()
    for step in STEPS:
        run.write(step)
    run.set_meta(META)
    run.add_source("/home/someone/train.py", "print('héllo')\n")
    run.add_source("/home/someone/model.py", "\0 and \N{SNOWMAN}")
    run.add_finding(make_finding(2))
    run.add_finding(make_finding(0, node=None))
    return run


def test_every_step_comes_back(tmp_path):
    write(tmp_path / "run.gvnn", STEPS)
    with open_run(tmp_path / "run.gvnn") as run:
        assert len(run.steps()) == len(STEPS)
        assert run.damage == ()
        for position, step in enumerate(STEPS):
            assert_same_step(step, run, position)


def test_a_closed_run_is_one_file(tmp_path):
    write(tmp_path / "run.gvnn", STEPS)
    assert [file.name for file in tmp_path.iterdir()] == ["run.gvnn"]
    open_run(tmp_path / "run.gvnn").close()
    assert [file.name for file in tmp_path.iterdir()] == ["run.gvnn"]


def test_saved_run_equals_the_one_in_memory(tmp_path, memory_run):
    save(memory_run, tmp_path / "a.gvnn")
    with open_run(tmp_path / "a.gvnn") as first:
        assert_same_run(memory_run, first)
        save(first, tmp_path / "b.gvnn")
    with open_run(tmp_path / "b.gvnn") as second:
        assert_same_run(memory_run, second)
        for position, step in enumerate(STEPS):
            assert_same_step(step, second, position)


def test_a_run_saved_over_itself_is_the_same_run(tmp_path, memory_run):
    path = tmp_path / "run.gvnn"
    save(memory_run, path)
    with open_run(path) as run:
        save(run, path)
    with open_run(path) as run:
        assert_same_run(memory_run, run)
    assert [file.name for file in tmp_path.iterdir()] == ["run.gvnn"]


def test_numbers_that_sql_does_not_know_come_back(tmp_path):
    losses = [math.nan, math.inf, -math.inf, None, -0.0, 5e-324, 1]
    write(tmp_path / "run.gvnn", [with_info(STEPS[0], index=i, loss=loss) for i, loss in enumerate(losses)])
    with open_run(tmp_path / "run.gvnn") as run:
        assert repr([info.loss for info in run.steps()]) == "[nan, inf, -inf, None, 0.0, 5e-324, 1.0]"
        assert run.damage == ()


def test_an_error_and_gaps_in_the_numbers_come_back(tmp_path):
    error = ErrorInfo("ValueError", "bad \udc80 'text' <&>\n", 3, "backward")
    write(tmp_path / "run.gvnn", [with_info(STEPS[0], index=10), with_info(STEPS[1], index=40, error=error)])
    with open_run(tmp_path / "run.gvnn") as run:
        assert [info.index for info in run.steps()] == [10, 40]
        assert run.steps()[1].error == ErrorInfo("ValueError", "bad \\udc80 'text' <&>\n", 3, "backward")
        assert run.steps()[0].error is None


def test_structures_that_change_are_each_kept_once(tmp_path):
    shapes = [make_structure(nodes) for nodes in (4, 5, 4, 6, 4)]
    steps = [make_step(i, structure) for i, structure in enumerate(shapes)]
    write(tmp_path / "run.gvnn", steps)
    with open_run(tmp_path / "run.gvnn") as run:
        for position, step in enumerate(steps):
            assert_same_step(step, run, position)
    assert count_rows(tmp_path / "run.gvnn", "structure") == count_rows(tmp_path / "run.gvnn", "event_order") == 3


def count_rows(path, table):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_times_that_were_not_measured_take_no_room(tmp_path):
    events = STEPS[0].events.copy()
    events["time"] = np.nan
    write(tmp_path / "run.gvnn", [StepRecord(STEPS[0].info, STRUCTURE, events)])
    with open_run(tmp_path / "run.gvnn") as run:
        assert np.isnan(run.events(0)["time"]).all()
        assert (run.events(0)[["kind", "node"]] == events[["kind", "node"]]).all()


def test_a_step_without_anything_comes_back(tmp_path):
    empty = make_structure(1)
    step = StepRecord(with_info(make_step(0, empty)).info, empty, STEPS[0].events[:0])
    write(tmp_path / "run.gvnn", [step])
    with open_run(tmp_path / "run.gvnn") as run:
        assert_same_step(step, run, 0)
        assert run.stats(0, "output") is None
        assert run.histograms(0, "gradient") is None
        assert run.tensor(0, TensorKey("value", 0, 0)) is None
        assert run.tensor_slice(0, TensorKey("value", 0, 0), 0, 1) is None


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 5), (1_048_570, 1_048_580), (1_048_576, 2_097_152), (2_300_000, 9_999_999), (7, 7), (9, 2)]
)
def test_slices_across_rows(tmp_path, start, stop):
    write(tmp_path / "run.gvnn", STEPS[:1])
    key = TensorKey("value", 5, 0)
    with open_run(tmp_path / "run.gvnn") as run:
        part = run.tensor_slice(0, key, start, stop)
        assert part.data.tolist() == STEPS[0].tensors[key].data[start : max(start, stop)].tolist()
        assert part.shape == part.data.shape


def test_a_slice_counts_elements_not_bytes(tmp_path):
    write(tmp_path / "run.gvnn", STEPS[:1])
    key = TensorKey("gradient", 1, 0)
    with open_run(tmp_path / "run.gvnn") as run:
        assert run.tensor_slice(0, key, 1, 3).data.tolist() == STEPS[0].tensors[key].data[2:6].tolist()
        assert (run.tensor_slice(0, key, 1, 3).numpy() == STEPS[0].tensors[key].numpy()[1:3]).all()


def test_strides_come_back(tmp_path):
    write(tmp_path / "run.gvnn", STEPS[:1])
    key = TensorKey("value", 4, 0)
    with open_run(tmp_path / "run.gvnn") as run:
        assert np.array_equal(run.tensor(0, key).numpy(), STEPS[0].tensors[key].numpy(), equal_nan=True)


def test_a_tensor_that_is_expanded_stores_its_span_only(tmp_path):
    tensor = TensorData("float32", (1000, 3), np.arange(12, dtype=np.uint8), strides=(0, 1))
    step = StepRecord(STEPS[0].info, STRUCTURE, STEPS[0].events, tensors={TensorKey("value", 1, 0): tensor})
    write(tmp_path / "run.gvnn", [step])
    with open_run(tmp_path / "run.gvnn") as run:
        assert_same_step(step, run, 0)
        assert run.tensor(0, TensorKey("value", 1, 0)).numpy().shape == (1000, 3)


def test_reading_needs_no_torch(tmp_path, memory_run):
    save(memory_run, tmp_path / "run.gvnn")
    code = (
        "import sys; from graphviz_nn.store import open_run; run = open_run(sys.argv[1]);"
        "[(run.events(i), run.stats(i, 'output'), [run.tensor(i, k) for k in run.tensor_keys(i)])"
        " for i in range(len(run.steps()))]; print('torch' in sys.modules, len(run.steps()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run.gvnn"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", str(len(STEPS))]


def test_findings_come_while_the_run_is_written(tmp_path):
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(STEPS[0])
    writer.flush()
    with open_run(tmp_path / "run.gvnn") as run:
        assert run.findings() == ()
        writer.write(STEPS[1])
        writer.add_finding(make_finding(1))
        writer.flush()
        assert run.findings() == (), "its step has not been read yet"
        run.refresh()
        assert run.findings() == (make_finding(1),)
        writer.close()


def test_numbers_of_findings_may_be_those_of_numpy(tmp_path):
    finding = replace(make_finding(0), node=np.int64(3), evidence={"calls": np.int32(7), "shares": [np.float32(0.5)]})
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(STEPS[0])
    writer.add_finding(finding)
    writer.close()
    with open_run(tmp_path / "run.gvnn") as run:
        assert run.findings() == (replace(make_finding(0), evidence={"calls": 7.0, "shares": [0.5]}),)


@pytest.mark.parametrize(
    "changes", [{"step": 1}, {"step": -1}, {"node": 12}, {"severity": "fatal"}, {"evidence": {"by": {}}}]
)
def test_a_finding_that_breaks_the_rules_is_not_written(tmp_path, caplog, changes):
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(STEPS[0])
    writer.add_finding(replace(make_finding(0), **changes))
    with pytest.raises(RunFileError, match="finding"):
        writer.close()
    with open_run(tmp_path / "run.gvnn") as run:
        assert (len(run.steps()), run.findings()) == (1, ())
