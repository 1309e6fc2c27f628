"""A run's graph as node-link JSON, for `networkx` and for anything else that reads JSON."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

import networkx as nx

from graphviz_nn.errors import UsageError
from graphviz_nn.export.values import from_json, node_from_json, node_to_json, to_json


def write_json(graph: nx.MultiDiGraph) -> bytes:
    """Returns the graph as `{"directed", "multigraph", "graph", "nodes": [{"id", …}], "edges": [{"source", "target",
    "key", …}]}` in ASCII; node and edge attributes are those of `graphviz_nn.graph.schema`."""
    data = nx.node_link_data(graph, edges="edges")
    data["graph"] = to_json(data["graph"])
    data["nodes"] = [node_to_json(node) for node in data["nodes"]]
    data["edges"] = [to_json(edge) for edge in data["edges"]]
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode("ascii")


def read_json(path: str | PathLike[str]) -> nx.MultiDiGraph:
    """Returns the graph that `write_json` was given.

    Raises:
        UsageError: the file is missing, or is not such a file.
    """
    try:
        data = json.loads(Path(path).read_bytes())
        data["graph"] = from_json(data["graph"])
        data["nodes"] = [node_from_json(node) for node in data["nodes"]]
        data["edges"] = [from_json(edge) for edge in data["edges"]]
        graph = nx.node_link_graph(data, edges="edges")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, nx.NetworkXError) as error:
        raise UsageError(f"{path} is no graph as written by export(…, format='json'): {error}") from error
    return graph
