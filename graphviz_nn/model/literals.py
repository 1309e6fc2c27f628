"""How a call's arguments are written down without torch and without running code.

`Node.arguments` is `[args, kwargs]`, a list and a dict. Inside, None, booleans, integers, floats, strings and
lists stand for themselves, and everything else is a dict with exactly one of these keys:

    {"tensor": k}            the value of `Node.inputs[k]`
    {"tuple": [...]}         a tuple;  {"size": [...]} a torch.Size
    {"dict": [[key, value], ...]}
    {"dtype": "float32"}     torch.float32; likewise "layout", "memory_format", "device" ("cuda:0")
    {"slice": [a, b, c]}     {"ellipsis": true}       {"complex": [re, im]}
    {"unknown": "repr"}      anything else: shown to people, cannot be replayed from a file

Integers are those of 64 bits, and text has no lone surrogates: more than that no file format holds.
"""

from __future__ import annotations

from typing import Any, Final

TENSOR: Final = "tensor"
TUPLE: Final = "tuple"
SIZE: Final = "size"
DICT: Final = "dict"
DTYPE: Final = "dtype"
LAYOUT: Final = "layout"
MEMORY_FORMAT: Final = "memory_format"
DEVICE: Final = "device"
SLICE: Final = "slice"
ELLIPSIS: Final = "ellipsis"
COMPLEX: Final = "complex"
UNKNOWN: Final = "unknown"


SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1
"""Integers beyond these are "unknown"."""


def clean(text: str) -> str:
    """The text with lone surrogates escaped ("\\udc80"): file names, keys and messages can hold them, UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def fits(number: int) -> bool:
    """Whether the integer has 64 bits at most."""
    return SMALLEST <= number <= LARGEST


def describe(literal: Any) -> Any:
    """Returns a JSON value that reads well: `{"dtype": "float32"}` → "torch.float32", a slice → "1:3".

    Tensor slots become None; containers keep their shape (tuples as lists).
    """
    if isinstance(literal, list):
        return [describe(item) for item in literal]
    if not isinstance(literal, dict):
        return literal
    ((key, value),) = literal.items()
    match key:
        case "tensor":
            return None
        case "tuple" | "size":
            return [describe(item) for item in value]
        case "dict":
            return {str(describe(k)): describe(v) for k, v in value}
        case "dtype" | "layout" | "memory_format":
            return f"torch.{value}"
        case "slice":
            start, stop, step = ("" if part is None else str(describe(part)) for part in value)
            return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
        case "ellipsis":
            return "..."
        case "complex":
            return str(complex(*value))
        case _:
            return str(value)
