"""GraphML and JSON give back the graph that was written, to the last attribute."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from graphviz_nn.errors import UsageError
from graphviz_nn.export.graphml import read_graphml, write_graphml
from graphviz_nn.export.json import read_json, write_json
from graphviz_nn.export.values import from_json, to_json
from graphviz_nn.graph.build import build_graph
from graphviz_nn.graph.collapse import collapse
from graphviz_nn.graph.schema import validate
from graphviz_nn.model.structure import Structure
from tests.support.structures import StructureBuilder, broken, functions, lstm, resnet, transformer

Write = Callable[[nx.MultiDiGraph], bytes]
Read = Callable[[Path], nx.MultiDiGraph]
FORMATS = [pytest.param(write_graphml, read_graphml, id="graphml"), pytest.param(write_json, read_json, id="json")]


def odd() -> Structure:
    """Values that file formats stumble over."""
    b = StructureBuilder(file="/project/\x00\r\n<&>.py")
    x = b.input("json:x", (2, 0))
    y = b.op("op\x07", x, none=None, nan=math.nan, inf=-math.inf, tuple=(1, ("a", None)), big=2**63, small=-(2**40))
    b.op(
        "",
        y,
        empty="",
        nested={"tuple": [1], "list": [[]]},
        tag={"dict": 1},
        true=True,
        float=0.1,
        keys={1: "a"},
    )
    return b.build()


def same(one: nx.MultiDiGraph, other: nx.MultiDiGraph) -> bool:
    """Equal with types told apart (1 is not True, a list is not a tuple) and NaN equal to itself."""
    return repr(_whole(one)) == repr(_whole(other))


def _whole(graph: nx.MultiDiGraph) -> object:
    nodes = [sorted(attributes.items()) for _, attributes in graph.nodes(data=True)]
    edges = [(u, v, k, sorted(attributes.items())) for u, v, k, attributes in graph.edges(keys=True, data=True)]
    return sorted(graph.graph.items()), list(graph.nodes), nodes, edges


@pytest.mark.parametrize(("write", "read"), FORMATS)
def test_collapsed_graph_is_read_back_equal(write: Write, read: Read, tmp_path: Path) -> None:
    graph = collapse(build_graph(transformer(2)), depth=1)
    path = tmp_path / "graph"
    path.write_bytes(write(graph))
    assert nx.utils.graphs_equal(read(path), graph)


def test_keys_of_graphml_have_ids_of_their_own() -> None:
    """`parameters` of a graph is a list, of a collapsed module a number; `kind` is one of nodes and one of edges."""
    found = ElementTree.fromstring(write_graphml(collapse(build_graph(resnet()), depth=1)))
    ids = [key.get("id") for key in found.iter("{http://graphml.graphdrawing.org/xmlns}key")]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("write", "read"), FORMATS)
@pytest.mark.parametrize("build", [resnet, transformer, lstm, broken, functions, odd])
def test_read_back_equal(write: Write, read: Read, build: Callable[[], Structure], tmp_path: Path) -> None:
    graph = build_graph(build())
    if build is odd:
        graph.nodes[1]["name"] = "lone \ud800"
    path = tmp_path / "graph"
    path.write_bytes(write(graph))
    back = read(path)
    assert isinstance(back, nx.MultiDiGraph)
    assert same(back, graph)
    if build is not odd:
        validate(back)


@pytest.mark.parametrize(("write", "read"), FORMATS)
def test_a_change_is_seen(write: Write, read: Read, tmp_path: Path) -> None:
    graph = build_graph(resnet())
    path = tmp_path / "graph"
    path.write_bytes(write(graph))
    graph.nodes[5]["outputs"][0]["shape"] = list(graph.nodes[5]["outputs"][0]["shape"])
    assert not same(read(path), graph)


def test_json_is_plain_for_other_readers() -> None:
    data = json.loads(write_json(build_graph(resnet())))
    conv = next(node for node in data["nodes"] if node["op"] == "conv2d")
    assert conv["outputs"][0]["shape"] == [8, 64, 112, 112]
    assert conv["source"][0] == "/project/model.py"
    assert {"source", "target", "key", "argument"} <= data["edges"][0].keys()


def test_graphml_is_plain_for_other_readers() -> None:
    root = ElementTree.fromstring(write_graphml(build_graph(resnet())))
    ns = {"g": "http://graphml.graphdrawing.org/xmlns"}
    keys = {key.get("attr.name"): key.get("attr.type") for key in root.findall("g:key", ns)}
    assert keys["op"] == keys["name"] == "string"
    assert keys["call"] in ("int", "long")
    assert len(root.findall(".//g:node", ns)) == len(resnet().nodes)


@pytest.mark.parametrize("read", [read_graphml, read_json])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"<graphml/>", b'{"graph": {}, "nodes": [1], "edges": []}', b"\xff\xfe"]
)
def test_other_files_are_one_clear_error(read: Read, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no graph as written by export"):
        read(path)
    with pytest.raises(UsageError, match="Cannot read"):
        read(tmp_path / "missing")


@pytest.mark.parametrize(
    "value",
    [None, True, 1, "a", [1, (2, [3])], {"a": (1,)}, {"tuple": 1}, {"dict": {"float": 2}}, {(1, 2): 3}, -math.inf],
)
def test_values_round_trip(value: object) -> None:
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert back == value
    assert repr(back) == repr(value)
