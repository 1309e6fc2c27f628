"""Facts by subject, as lists show them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from graphviz_nn.session import Selection


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is to be said. `selection` is what a click on it selects, or None."""

    name: str
    text: str
    tip: str = ""
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Facts about one subject. `empty` is said where there are none; a section with neither is left out."""

    title: str
    facts: tuple[Fact, ...]
    empty: str = ""


def attribute_text(value: Any) -> str:
    """Returns an attribute as a person writes it: "(3, 3)", "True", "torch.float32"."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"({', '.join(attribute_text(each) for each in value)})"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
