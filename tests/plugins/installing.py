"""Puts distributions on `sys.path` as an installer would: a module, and metadata with an entry point."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from graphviz_nn.plugin.manager import PluginManager, plugins

PREAMBLE = """\
from graphviz_nn.model.exporters import Exporter
from graphviz_nn.model.layer_types import Category, LayerType
from graphviz_nn.plugin import hookimpl
import click
"""
Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install(code, name="acme", version="1.0")` makes distribution and plugin `name`, whose module holds `code`."""
    monkeypatch.delenv("GRAPHVIZ_NN_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)

    def make(code: str, name: str = "acme", version: str = "1.0", plugin: str | None = None) -> str:
        module = f"{name}_module"
        (tmp_path / f"{module}.py").write_text(PREAMBLE + dedent(code))
        metadata = tmp_path / f"{name}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (metadata / "entry_points.txt").write_text(f"[graphviz_nn]\n{plugin or name} = {module}\n")
        importlib.invalidate_caches()
        plugins.cache_clear()
        return name

    yield make
    plugins.cache_clear()
    for name in set(sys.modules) - known:
        if name.endswith("_module"):
            del sys.modules[name]


def error_of(manager: PluginManager, name: str) -> str | None:
    """What is wrong with the plugin of that name."""
    (info,) = (info for info in manager.listing if info.name == name)
    return info.error
