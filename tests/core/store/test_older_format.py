"""Files of every older version of the format are read, and what they do not hold is said to be missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np
import pytest

from graphviz_nn.model.structure import Structure
from graphviz_nn.store import RunWriter, open_run, save
from graphviz_nn.store.encoding import deflate, encode_times, order_bytes, order_digest
from graphviz_nn.store.format import APPLICATION_ID, checksum, schema
from tests.core.store.samples import assert_same_array, assert_same_step, make_step, make_structure

STRUCTURE = make_structure()
STEP = make_step(0, STRUCTURE)


def packed_in_version_1(structure: Structure) -> bytes:
    """The structure as version 1 wrote it: no parameters, and module calls of four fields."""
    nodes, modules, calls, _ = msgspec.msgpack.decode(structure.encode())
    return msgspec.msgpack.encode([nodes, modules, [call[:4] for call in calls]])


def write_version_1(path: Path) -> str:
    """Writes a run of one step, by hand. Returns the digest of its structure."""
    packed = packed_in_version_1(STRUCTURE)
    digest = blake2b(packed, digest_size=16).hexdigest()
    order = order_bytes(STEP.events)
    info = STEP.info
    rows = {
        "structure": (digest, len(packed), deflate(packed)),
        "event_order": (order_digest(order), len(STEP.events), deflate(order)),
        "event_time": (0, encode_times(STEP.events)),
        "stats": (0, "output", STEP.stats["output"].tobytes()),
        "step": (
            0, info.index, digest, order_digest(order), info.started, info.duration, info.loss, info.passes, 0, None,
            "output", "", 0,
        ),
    }  # fmt: skip
    with closing(sqlite3.connect(path)) as connection:
        for statement in schema(1):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=1")
        for table, row in rows.items():
            marks = ",".join("?" * (len(row) + 1))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", (*row, checksum(row)))
        connection.commit()
    return digest


def write_version_2(path: Path) -> None:
    """Writes a run of one step: version 3 is the same with one table more."""
    writer = RunWriter(path)
    writer.write(STEP)
    writer.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE finding; PRAGMA user_version=2")


def test_version_2_is_read_and_saved_as_a_new_one(tmp_path):
    write_version_2(tmp_path / "old.gvnn")
    with open_run(tmp_path / "old.gvnn") as run:
        assert_same_step(STEP, run, 0)
        save(run, tmp_path / "new.gvnn")
    with open_run(tmp_path / "new.gvnn") as run:
        assert_same_step(STEP, run, 0)


def test_version_1_is_read(tmp_path):
    digest = write_version_1(tmp_path / "old.gvnn")
    with open_run(tmp_path / "old.gvnn") as run:
        assert run.damage == ()
        assert [info.loss for info in run.steps()] == [STEP.info.loss]
        structure = run.structure(digest)
        assert structure.nodes == STRUCTURE.nodes
        assert_same_array(STEP.stats["output"], run.stats(0, "output"))
        assert np.array_equal(run.events(0), STEP.events)


@pytest.mark.parametrize("version", [1, 2])
def test_older_files_hold_no_findings(tmp_path, version):
    path = tmp_path / "old.gvnn"
    if version == 1:
        write_version_1(path)
    else:
        write_version_2(path)
    with open_run(path) as run:
        assert (run.damage, run.findings(), len(run.steps())) == ((), (), 1)


def test_what_version_1_does_not_hold_is_missing(tmp_path):
    digest = write_version_1(tmp_path / "old.gvnn")
    with open_run(tmp_path / "old.gvnn") as run:
        assert (list(run.metric_names(0)), run.metric(0, "active_share")) == ([], None)
        assert run.steps()[0].optimizers == ()
        assert run.structure(digest).parameters == ()
        assert {call.training for call in run.structure(digest).module_calls} == {None}


def test_a_run_of_version_1_is_saved_as_a_new_one(tmp_path):
    digest = write_version_1(tmp_path / "old.gvnn")
    with open_run(tmp_path / "old.gvnn") as run:
        save(run, tmp_path / "new.gvnn")
        with open_run(tmp_path / "new.gvnn") as copy:
            assert copy.damage == ()
            found = copy.steps()[0]
            assert copy.structure(found.structure) == run.structure(digest)
            assert msgspec.structs.replace(found, structure=digest) == run.steps()[0]
