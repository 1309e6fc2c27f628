"""A damaged file gives a clear error or its intact part: never a wrong number, a crash, a hang or run code."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.events import EVENT_DTYPE, EventKind
from graphviz_nn.model.steps import StepRecord
from graphviz_nn.store import RunWriter, open_run
from graphviz_nn.store.encoding import order_bytes
from graphviz_nn.store.format import checksum
from tests.core.store.damage import DAMAGE, EXPECTED_ERROR, PAGE, damaged_files, read_all, write_base
from tests.core.store.samples import assert_same_step, make_finding, make_step, make_structure

COUNT = 150
LEAF = 0x0D
"""First byte of a page of SQLite that holds rows of a table."""
STRUCTURE = make_structure()
STEPS = [make_step(i, STRUCTURE, histograms=True, tensors=100) for i in range(3)]


def test_damaged_files_are_read_as_far_as_they_are_whole(tmp_path):
    outcomes = read_all(damaged_files(write_base(tmp_path), COUNT, seed=20250101))
    assert Counter(outcome.error for outcome in outcomes)[""] >= COUNT // 4, "hardly any file could be opened"
    assert sum(outcome.parts_lost for outcome in outcomes) > 0
    assert sum(outcome.parts_read for outcome in outcomes) > 1000


def test_every_kind_of_damage_is_known():
    assert set(EXPECTED_ERROR) <= {damage.__name__ for damage in DAMAGE}


# Rows that were changed on purpose, checksums and all


@pytest.fixture
def run_path(tmp_path):
    write(tmp_path / "run.gvnn", STEPS)
    return tmp_path / "run.gvnn"


def write(path, steps):
    writer = RunWriter(path)
    for step in steps:
        writer.write(step)
    writer.add_finding(make_finding(0))
    writer.add_finding(make_finding(1))
    writer.close()


def tamper(path: Path, table: str, where: str, **changes: object) -> None:
    """Changes columns of the rows that `where` selects, and makes their checksums right again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute(f"SELECT rowid AS id, * FROM {table} WHERE {where}").fetchall():
            columns = {name: row[name] for name in row.keys()[1:-1]} | changes
            marks = ",".join("?" * (len(columns) + 1))
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row["id"],))
            values = tuple(columns.values())
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", (*values, checksum(values)))


def test_an_unchanged_row_survives_tampering(run_path):
    tamper(run_path, "step", "position = 1", number=1)
    with open_run(run_path) as run:
        assert run.steps()[1] == STEPS[1].info
        assert run.damage == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"strides": "[1000000, 1]"},
        {"strides": "[-1, 1]"},
        {"strides": "[1]"},
        {"strides": "[0,0]", "shape": f"[{2**40},{2**40}]", "size": 4},
        {"shape": "[1000000,1000000]", "strides": None},
        {"shape": "[1000000000,1000]", "strides": None, "size": 4 * 10**12},
        {"shape": "[-1,-6]", "strides": None},
        {"shape": "[" * 100_000, "strides": None},
        {"shape": "[1,1.5]", "strides": None},
        {"dtype": "object"},
        {"dtype": b"float32"},
        {"size": 1},
        {"size": "many"},
        {"kind": "pickle"},
        {"node": -1},
        {"place": 3},
    ],
)
def test_a_tensor_that_would_leave_its_bytes_is_refused(run_path, changes):
    tamper(run_path, "tensor_chunk" if "place" in changes else "tensor", "step = 0 AND place = 4", **changes)
    with open_run(run_path) as run, pytest.raises(DamagedRunFile, match="step 0"):
        [run.tensor(0, key) for key in run.tensor_keys(0)]


def test_a_missing_tensor_is_an_error_and_not_an_absence(run_path):
    with closing(sqlite3.connect(run_path)) as connection, connection:
        connection.execute("DELETE FROM tensor WHERE step = 1 AND place = 6")
    with open_run(run_path) as run:
        with pytest.raises(DamagedRunFile, match="6 of 7"):
            run.tensor_keys(1)
        assert len(run.tensor_keys(2)) == 7


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", 11), ("node", 12), ("node", -1), ("node", 2**31 - 1), ("index", 1), ("index", -1), ("pass", -2)],
)
def test_an_event_that_names_nothing_is_refused(run_path, field, value):
    events = STEPS[0].events.copy()
    events[field][np.flatnonzero(events["kind"] == EventKind.GRADIENT)[2]] = value
    tamper(run_path, "event_order", "1", data=zlib.compress(order_bytes(events)))
    with open_run(run_path) as run, pytest.raises(DamagedRunFile, match="event"):
        run.events(0)


@pytest.mark.parametrize("count", [-1, 0, 10, 2**40, 2**62])
def test_a_wrong_count_of_events_is_refused(run_path, count):
    tamper(run_path, "event_order", "1", count=count)
    with open_run(run_path) as run, pytest.raises(DamagedRunFile, match="event order"):
        run.events(0)


@pytest.mark.parametrize("table", ["stats", "histogram"])
def test_a_table_of_another_length_is_refused(run_path, table):
    data = bytes(36) if table == "stats" else zlib.compress(bytes(128))
    tamper(run_path, table, "step = 0 AND name = 'output'", data=data)
    with open_run(run_path) as run:
        read = run.stats if table == "stats" else run.histograms
        with pytest.raises(DamagedRunFile, match="output"):
            read(0, "output")
        assert read(0, "gradient") is not None


def structure_bytes(**changes):
    node = msgspec.structs.replace(STRUCTURE.nodes[5], **changes)
    return msgspec.structs.replace(STRUCTURE, nodes=(*STRUCTURE.nodes[:5], node, *STRUCTURE.nodes[6:])).encode()


@pytest.mark.parametrize(
    "packed",
    [
        structure_bytes(id=6),
        structure_bytes(parent=5),
        structure_bytes(parent=99),
        structure_bytes(module_call=2),
        structure_bytes(inputs=(msgspec.structs.replace(STRUCTURE.nodes[5].inputs[0], node=5),)),
        structure_bytes(inputs=(msgspec.structs.replace(STRUCTURE.nodes[5].inputs[0], output=1),)),
        structure_bytes(inputs=(msgspec.structs.replace(STRUCTURE.nodes[5].inputs[0], node=-1),)),
        structure_bytes(outputs=(msgspec.structs.replace(STRUCTURE.nodes[5].outputs[0], shape=(-2, 3)),)),
        msgspec.structs.replace(
            STRUCTURE, module_calls=(msgspec.structs.replace(STRUCTURE.module_calls[0], parent=1),)
        ).encode(),
        b"",
        b"\x93\x90\x90",
        b"\x93\xdd\xff\xff\xff\xff",
        b"\x91" * 1_000_000,
        b"\x80",
    ],
)
def test_a_structure_that_breaks_the_rules_is_refused(run_path, packed):
    tamper(run_path, "structure", "1", size=len(packed), data=zlib.compress(packed))
    with open_run(run_path) as run:
        assert len(run.steps()) == 3
        with pytest.raises(DamagedRunFile, match="structure"):
            run.structure(STRUCTURE.digest)


@pytest.mark.parametrize("size", [10, 2**28, 2**40, -1])
def test_a_structure_that_inflates_to_more_than_it_says_is_refused(run_path, size):
    bomb = zlib.compress(bytes(2**22))
    tamper(run_path, "structure", "1", size=size, data=bomb)
    with open_run(run_path) as run, pytest.raises(DamagedRunFile, match="structure"):
        run.structure(STRUCTURE.digest)


@pytest.mark.parametrize(
    "changes", [{"loss": "none"}, {"error": "{"}, {"error": "[" * 100_000}, {"structure": b"x"}, {"duration": "long"}]
)
def test_a_step_that_cannot_be_read_is_left_out_and_told(run_path, changes):
    tamper(run_path, "step", "position = 1", **changes)
    with open_run(run_path) as run:
        assert [info.index for info in run.steps()] == [0, 2]
        assert len(run.damage) == 1
        assert "step 1" in run.damage[0]
        assert np.array_equal(run.stats(1, "gradient"), STEPS[2].stats["gradient"])


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "fatal"},
        {"node": 12},
        {"node": -1},
        {"rule": b"x"},
        {"evidence": b""},
        {"evidence": b"\x91" * 100_000},
        {"evidence": b"\x81\xa1a\x81\xa1b\x01"},
        {"evidence": "{}"},
    ],
)
def test_a_finding_that_cannot_be_read_is_an_error(run_path, changes):
    tamper(run_path, "finding", "number = 1", **changes)
    with open_run(run_path) as run:
        with pytest.raises(DamagedRunFile, match="finding"):
            run.findings()
        assert_same_step(STEPS[1], run, 1)


def test_a_finding_of_a_step_that_is_lost_is_left_out(run_path):
    tamper(run_path, "step", "position = 0", loss="none")
    with open_run(run_path) as run:
        assert run.findings() == (make_finding(0),), "what was step 1 is the first that can be read"


def test_missing_steps_are_told(run_path):
    with closing(sqlite3.connect(run_path)) as connection, connection:
        connection.execute("DELETE FROM step WHERE position = 1")
    with open_run(run_path) as run:
        assert [info.index for info in run.steps()] == [0, 2]
        assert run.damage == ("Steps 1 to 1 are missing or cannot be read.",)


def test_a_truncated_file_gives_what_is_left(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, STEPS)
    os.truncate(path, path.stat().st_size - PAGE)
    with open_run(path) as run:
        assert_same_step(STEPS[0], run, 0)
        with pytest.raises(DamagedRunFile, match="of step 2 is damaged"):
            assert_same_step(STEPS[2], run, 2)


def test_steps_behind_a_lost_page_come_back(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, [StepRecord(make_step(i, STRUCTURE).info, STRUCTURE, STEPS[0].events[:0]) for i in range(200)])
    data = bytearray(path.read_bytes())
    digest = STRUCTURE.digest.encode()
    leaves = [i for i in range(PAGE, len(data), PAGE) if data[i] == LEAF and data.count(digest, i, i + PAGE) > 5]
    assert len(leaves) > 4
    data[leaves[2] : leaves[2] + PAGE] = bytes(PAGE)
    path.write_bytes(data)
    with open_run(path) as run:
        found = [info.index for info in run.steps()]
        missing = sorted(set(range(200)) - set(found))
        assert found == sorted(found)
        assert missing == list(range(missing[0], missing[-1] + 1))
        assert 0 < missing[0] < missing[-1] < 199
        assert f"Steps {missing[0]} to {missing[-1]} are missing or cannot be read." in run.damage
        assert run.events(len(found) - 1).tobytes() == b""


def test_a_description_that_cannot_be_read_leaves_the_rest(run_path):
    with closing(sqlite3.connect(run_path)) as connection, connection:
        connection.execute("INSERT INTO meta VALUES ('run', '{\"created\": 1', 0)")
    with open_run(run_path) as run:
        assert run.meta.created == 0.0
        assert "description" in run.damage[0]
        assert len(run.steps()) == 3


def test_events_are_sixteen_bytes():
    """The file keeps twelve of them once and four with each step; a new field would need a new format."""
    assert EVENT_DTYPE.itemsize == 16


def test_a_file_with_no_step_left_is_not_taken_for_one_without_steps(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, STEPS)
    os.truncate(path, 2 * PAGE)
    with pytest.raises(DamagedRunFile, match="cut off"):
        open_run(path)
