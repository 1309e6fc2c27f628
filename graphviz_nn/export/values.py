"""Attribute values as JSON and back, without loss: tuples stay tuples, NaN stays NaN.

What the graph's schema says to be a tuple (shapes, names, source positions) is written as a plain list, and read back
as a tuple; other values that JSON does not know are tagged: `{"tuple": […]}`, `{"float": "nan"}`, and `{"dict": [[key,
value], …]}` for keys that are no strings or would read as a tag.
"""

from __future__ import annotations

import math
from typing import Any, Final

from graphviz_nn.graph.schema import ATTRIBUTES

_TAGS: Final = frozenset({"tuple", "float", "dict"})
_TUPLES: Final = {
    owner: {a.name for a in ATTRIBUTES if a.owner == owner and tuple in a.types} for owner in ("node", "output")
}


def to_json(value: Any) -> Any:
    """Returns the value in plain JSON types, tagged where it has to be."""
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and not (len(value) == 1 and _TAGS & value.keys()):
            return {key: to_json(item) for key, item in value.items()}
        return {"dict": [[to_json(key), to_json(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [to_json(item) for item in value]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def from_json(value: Any) -> Any:
    """Returns what `to_json` was given."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))) in _TAGS:
        inside = value[tag]
        if tag == "float":
            return float(inside)
        if tag == "tuple":
            return tuple(from_json(item) for item in inside)
        return {from_json(key): from_json(item) for key, item in inside}
    return {key: from_json(item) for key, item in value.items()}


def node_to_json(attributes: dict[str, Any]) -> dict[str, Any]:
    """Returns a node's attributes in JSON types; see the module for what becomes a list."""
    found = _lists(attributes, "node")
    if "outputs" in found:
        found["outputs"] = [_lists(output, "output") for output in found["outputs"]]
    return {name: to_json(value) for name, value in found.items()}


def node_from_json(attributes: dict[str, Any]) -> dict[str, Any]:
    """Returns what `node_to_json` was given."""
    found = _tuples({name: from_json(value) for name, value in attributes.items()}, "node")
    if "outputs" in found:
        found["outputs"] = [_tuples(output, "output") for output in found["outputs"]]
    return found


def _lists(attributes: dict[str, Any], owner: str) -> dict[str, Any]:
    names = _TUPLES[owner]
    return {k: list(v) if k in names and isinstance(v, tuple) else v for k, v in attributes.items()}


def _tuples(attributes: dict[str, Any], owner: str) -> dict[str, Any]:
    names = _TUPLES[owner]
    return {k: tuple(v) if k in names and isinstance(v, list) else v for k, v in attributes.items()}
