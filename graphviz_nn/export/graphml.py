"""A run's graph as GraphML, for Gephi, yEd, Cytoscape and `networkx`.

GraphML knows strings, numbers and booleans. Other values, and strings that XML cannot hold, are JSON behind the prefix
"json:". Attributes of a node that may be None are left out where they are.
"""

from __future__ import annotations

import io
import json
import re
from os import PathLike
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import networkx as nx

from graphviz_nn.errors import UsageError
from graphviz_nn.export.values import from_json, node_from_json, node_to_json, to_json
from graphviz_nn.graph.schema import ATTRIBUTES

_PREFIX: Final = "json:"
_PLAIN: Final = re.compile("[\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_LARGEST: Final = 2**31
"""GraphML's int has 32 bits; greater numbers go as JSON."""

_NULLABLE: Final = tuple(a.name for a in ATTRIBUTES if a.owner == "node" and type(None) in a.types and not a.only)


def write_graphml(graph: nx.MultiDiGraph) -> bytes:
    """Returns the graph as a GraphML file in UTF-8."""
    flat = nx.MultiDiGraph(**{name: _flat(to_json(value)) for name, value in graph.graph.items()})
    for key, attributes in graph.nodes(data=True):
        present = {name: value for name, value in attributes.items() if not (value is None and name in _NULLABLE)}
        flat.add_node(key, **{name: _flat(value) for name, value in node_to_json(present).items()})
    for source, target, key, attributes in graph.edges(keys=True, data=True):
        flat.add_edge(source, target, key, **{name: _flat(to_json(value)) for name, value in attributes.items()})
    stream = io.BytesIO()
    nx.write_graphml_xml(flat, stream)
    return stream.getvalue()


def read_graphml(path: str | PathLike[str]) -> nx.MultiDiGraph:
    """Returns the graph that `write_graphml` was given.

    Raises:
        UsageError: the file is missing, or is not such a file.
    """
    try:
        flat = nx.read_graphml(path, node_type=int, edge_key_type=int, force_multigraph=True)
        graph = nx.MultiDiGraph(**{name: from_json(_full(value)) for name, value in _own(flat.graph).items()})
        for key, attributes in flat.nodes(data=True):
            missing = dict.fromkeys(_NULLABLE)
            graph.add_node(key, **missing | node_from_json({name: _full(value) for name, value in attributes.items()}))
        for source, target, key, attributes in flat.edges(keys=True, data=True):
            kept = {name: from_json(_full(value)) for name, value in attributes.items() if name != "id"}
            graph.add_edge(source, target, key, **kept)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except (ParseError, ValueError, KeyError, TypeError, nx.NetworkXError) as error:
        raise UsageError(f"{path} is no graph as written by export(…, format='graphml'): {error}") from error
    return graph


def _own(attributes: dict[str, Any]) -> dict[str, Any]:
    """Without what `networkx` adds when it reads."""
    return {name: value for name, value in attributes.items() if name not in ("node_default", "edge_default")}


def _flat(value: Any) -> Any:
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not value.startswith(_PREFIX):
        return value
    return _PREFIX + json.dumps(value)


def _full(value: Any) -> Any:
    return json.loads(value.removeprefix(_PREFIX)) if isinstance(value, str) and value.startswith(_PREFIX) else value
