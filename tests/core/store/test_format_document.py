"""`docs/run-file.md` is enough to read a run file without this package."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import zlib
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np
import pytest

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.modules import Module, ModuleCall, Parameter
from graphviz_nn.model.nodes import Input, Node, Output, Source
from graphviz_nn.model.stats import STATS, TABLES
from graphviz_nn.model.steps import RunMeta
from graphviz_nn.model.tensors import TENSOR_KINDS
from graphviz_nn.store import RunWriter
from graphviz_nn.store.format import APPLICATION_ID, FORMAT_VERSION, SCHEMA, STRUCTURE_LIMIT
from graphviz_nn.store.rows import TABLE_OF
from tests.core.store.samples import make_finding, make_step, make_structure

DOCUMENT = (Path(__file__).parents[3] / "docs" / "run-file.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", DOCUMENT, re.M | re.S))
STRUCTURE = make_structure()
STEP = make_step(3, STRUCTURE, histograms=True, tensors=2_300_001)
FINDING = make_finding(0)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.gvnn"
    writer = RunWriter(path)
    writer.set_meta(RunMeta(created=1.5, command=("train.py",), complete=True))
    writer.add_source("/a.py", "x = 1\n")
    writer.write(STEP)
    writer.add_finding(FINDING)
    writer.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def one(database, table, where="1"):
    return database.execute(f"SELECT * FROM {table} WHERE {where}").fetchone()


# The document names what the code has


def test_every_table_and_column_is_described():
    schema = dict(re.findall(r"CREATE TABLE (\w+) \((.*)\)$", "\n".join(SCHEMA), re.M))
    assert list(SECTIONS) == list(schema)
    for table, columns in schema.items():
        section = SECTIONS[table] if table != "histogram" else SECTIONS["stats"]
        described = re.findall(r"`(\w+)` (?:INTEGER|TEXT|REAL|BLOB)", section)
        names = [name for name, _ in re.findall(r"(\w+) (INTEGER|TEXT|REAL|BLOB)", columns)]
        assert described == names[:-1]
        assert names[-1] == "crc"


def test_rows_have_the_fields_of_the_tables():
    for kind, table in TABLE_OF.items():
        (statement,) = (line for line in SCHEMA if line.startswith(f"CREATE TABLE {table} ("))
        columns = [name for name, _ in re.findall(r"(\w+) (INTEGER|TEXT|REAL|BLOB)", statement.partition("(")[2])]
        assert [*kind._fields, "crc"] == columns


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("node", Node),
        ("source", Source),
        ("input", Input),
        ("output", Output),
        ("module", Module),
        ("module call", ModuleCall),
        ("parameter", Parameter),
    ],
)
def test_every_field_of_a_structure_is_described_in_order(name, record):
    """A field more means another format: see "Versions" there."""
    (fields,) = re.findall(rf"^\| {name} \| (.*) \|$", SECTIONS["structure"], re.M)
    assert fields.split(", ") == list(record.__struct_fields__)


def test_every_number_and_name_is_described():
    assert f"`{APPLICATION_ID:#010X}`".replace("0X", "0x") in DOCUMENT
    assert f"the format's version | {FORMAT_VERSION} |" in DOCUMENT
    assert STRUCTURE_LIMIT == 2**29
    (kinds,) = re.findall(r"^\| `kind` TEXT \| (.*) \|$", SECTIONS["tensor"], re.M)
    assert kinds.split(", ") == [f"`{kind}`" for kind in TENSOR_KINDS]
    assert all(f"`{name}`" in SECTIONS["stats"] for name in TABLES)
    assert all(f"`{name}`" in SECTIONS["meta"] for name in RunMeta.__struct_fields__)
    assert (EventKind.GRADIENT, EventKind.PARAMETER_GRADIENT, EventKind.UPDATE, max(EventKind)) == (6, 7, 8, 10)
    assert len(STATS) == 9


# A reader by the document, which uses nothing of the package


def test_header(database):
    header = Path(database.execute("PRAGMA database_list").fetchone()["file"]).read_bytes()[:100]
    assert header[:16] == b"SQLite format 3\0"
    assert struct.unpack(">I", header[68:72]) == (0x67766E6E,)
    assert struct.unpack(">I", header[60:64]) == (3,)


def test_checksums(database):
    rows = 0
    for table in SECTIONS:
        for row in database.execute(f"SELECT * FROM {table}"):
            *columns, crc = tuple(row)
            assert crc == zlib.crc32(msgspec.msgpack.encode(columns)), table
            rows += 1
    assert rows > 20


def test_description_and_sources(database):
    meta = json.loads(one(database, "meta", "key = 'run'")["value"])
    assert (meta["created"], meta["command"], meta["complete"]) == (1.5, ["train.py"], True)
    assert tuple(one(database, "source"))[:2] == ("/a.py", "x = 1\n")


def test_structure(database):
    row = one(database, "structure")
    packed = zlib.decompress(row["data"])
    assert len(packed) == row["size"]
    assert blake2b(packed, digest_size=16).hexdigest() == row["digest"] == one(database, "step")["structure"]
    nodes, modules, calls, parameters = msgspec.msgpack.decode(packed)
    assert [node[0] for node in nodes] == list(range(12))
    assert nodes[1][13] == [[0, 0, "input", "data"], [0, 0, "weight", "data"]]
    assert (modules[0][1], calls[1]) == ("Linear", ["layer", 1, 0, "forward", True])
    assert parameters == [[["layer.weight"], [2, 3], "float32", True, 0, 0]]


def test_events(database):
    row = one(database, "event_order")
    data, n = zlib.decompress(row["data"]), row["count"]
    assert blake2b(data, digest_size=16).hexdigest() == row["digest"] == one(database, "step")["event_order"]
    assert len(data) == 12 * n
    assert list(data[:n]) == STEP.events["kind"].tolist()
    assert list(data[n : 2 * n]) == STEP.events["state"].tolist()
    assert list(struct.unpack(f"<{n}h", data[2 * n : 4 * n])) == STEP.events["pass"].tolist()
    assert list(struct.unpack(f"<{n}i", data[4 * n : 8 * n])) == STEP.events["node"].tolist()
    assert list(struct.unpack(f"<{n}i", data[8 * n :])) == STEP.events["index"].tolist()
    times = struct.unpack(f"<{n}f", one(database, "event_time", "step = 0")["data"])
    assert list(times) == STEP.events["time"].tolist()


def test_numbers(database):
    step = one(database, "step")
    assert (step["number"], step["loss"], step["passes"]) == (3, STEP.info.loss, 1)
    assert set(step["stats"].split(" ")) == set(step["histograms"].split(" ")) == set(STEP.stats)
    for name, table in STEP.stats.items():
        data = one(database, "stats", f"name = '{name}'")["data"]
        assert np.array_equal(np.array(struct.unpack(f"<{table.size}f", data)), table.ravel(), equal_nan=True)
        bins = zlib.decompress(one(database, "histogram", f"name = '{name}'")["data"])
        assert list(struct.unpack(f"<{len(table) * 64}H", bins)) == STEP.histograms[name].ravel().tolist()


def test_metrics(database):
    assert one(database, "step")["metrics"].split(" ") == list(STEP.metrics)
    for name, table in STEP.metrics.items():
        row = one(database, "metric", f"name = '{name}'")
        r, n = row["rows"], row["numbers"]
        data = zlib.decompress(row["data"])
        places = [struct.unpack(f"<{r}i", data[4 * r * k : 4 * r * (k + 1)]) for k in range(4)]
        assert list(zip(*places, strict=True)) == [
            (m.value.node, m.value.index, m.number, len(m.numbers)) for m in table
        ]
        assert struct.unpack(f"<{n}f", data[16 * r :]) == tuple(table.numbers)
        assert (row["kind"], json.loads(row["columns"])) == (table.of, list(table.columns))


def test_findings(database):
    row = one(database, "finding", "number = 0")
    expected = {
        name: getattr(FINDING, name) for name in ("step", "rule", "severity", "node", "module", "cause", "remedy")
    }
    assert {name: row[name] for name in expected} == expected
    assert msgspec.msgpack.decode(row["evidence"]) == FINDING.evidence


def test_optimizers(database):
    (optimizer,) = json.loads(one(database, "step")["optimizers"])
    assert optimizer == {"type": "SGD", "groups": [{"lr": 0.1, "nesterov": False}]}


def test_tensors(database):
    assert one(database, "step")["tensors"] == len(STEP.tensors)
    for place, (key, tensor) in enumerate(STEP.tensors.items()):
        row = one(database, "tensor", f"place = {place}")
        assert tuple(row)[2:6] == key
        assert json.loads(row["shape"]) == list(tensor.shape)
        assert json.loads(row["strides"] or "null") == (tensor.strides and list(tensor.strides))
        parts = database.execute(f"SELECT part, data FROM tensor_chunk WHERE place = {place} ORDER BY part").fetchall()
        assert [part["part"] for part in parts] == list(range(-(-row["size"] // 2**20)))
        assert b"".join(part["data"] for part in parts) == tensor.data.tobytes()
