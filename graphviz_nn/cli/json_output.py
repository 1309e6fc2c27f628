"""How JSON reaches stdout."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from graphviz_nn.model.literals import clean


def show_json(value: Any) -> None:
    """Writes a value to stdout as JSON in UTF-8, whatever the terminal's encoding.

    Bytes of file names that are no text stand escaped: "run\\udcff.gvnn".
    """
    click.echo(msgspec.json.format(msgspec.json.encode(_clean(msgspec.to_builtins(value)))))


def _clean(value: Any) -> Any:
    """Plain values with every text fit for UTF-8."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
