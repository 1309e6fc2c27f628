"""A step as one web page that can be explored: modules open and close, everything in one file, nothing loaded.

The page lays out what is open itself, by the same steps as `graphviz_nn.layout`, so that each state is the picture that
the other formats give for it. Its policy forbids every request and any script but its own; labels reach it as JSON and
are shown as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

from graphviz_nn.export.html_data import page_data
from graphviz_nn.export.html_style import page_colours
from graphviz_nn.model.exporters import ExportRequest

SCRIPTS: Final = (
    "wiring", "ranks", "level", "twister", "keeping", "order", "coordinates", "straighten", "place", "layout",
    "model", "labels", "draw", "painter", "view", "panel", "search", "legend", "explorer", "page",
)  # fmt: skip
"""The page's script, in parts. They share one scope: a part may use what any other defines."""

_FIELD: Final = re.compile(r"\{\{(\w+)\}\}")


def write_html(request: ExportRequest) -> bytes:
    """Returns the page in UTF-8.

    Raises:
        NotRecorded, OptionError, SelectorError: as `page_data` does.
    """
    data = page_data(request)
    style, script = f"{page_colours()}\n{asset('page.css')}", page_script()
    values = {
        "policy": _policy(style, script),
        "title": html.escape(data["title"]),
        "style": style,
        "heading": html.escape(data["title"]),
        "description": html.escape(_subtitle(data)),
        "data": embedded(data),
        "script": script,
    }
    # In one pass: what is filled in is not looked through for more.
    return _FIELD.sub(lambda field: values[field[1]], asset("page.html")).encode()


def page_script() -> str:
    """Returns the page's script."""
    return '"use strict";\n' + "\n".join(asset(f"{name}.js") for name in SCRIPTS)


@cache
def asset(name: str) -> str:
    """Returns the text of a file that ships with the package."""
    return files("graphviz_nn.export").joinpath("assets", name).read_text(encoding="utf-8")


def embedded(data: dict[str, Any]) -> str:
    """Returns the data as JSON in ASCII that no parser of HTML takes for anything but text."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _subtitle(data: dict[str, Any]) -> str:
    step = data["step"]
    loss = f" · loss {step['loss']}" if step["loss"] is not None else ""
    return f"{data['description']} · step {step['index']}{loss}"


def _policy(style: str, script: str) -> str:
    allowed = f"style-src {_digest(style)}; script-src {_digest(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    """A source of a content security policy: only an element with exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
