"""Being called back at a module's first import."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from graphviz_nn.cli.late import after_import


@pytest.fixture
def module(tmp_path: Path, clean_imports: None, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "some_late_module.py").write_text("ready = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "some_late_module"


def test_calls_back_once_when_the_module_is_complete(module):
    seen = []
    finders = sys.meta_path.copy()
    with after_import(module, lambda: seen.append(sys.modules[module].ready)):
        assert seen == []
        importlib.import_module("json")
        assert seen == []
        loaded = importlib.import_module(module)
        assert seen == [True]
        importlib.reload(loaded)
        assert seen == [True]
    assert sys.meta_path == finders


def test_the_module_keeps_its_own_loader(module):
    with after_import(module, lambda: None):
        loaded = importlib.import_module(module)
    assert type(loaded.__loader__).__name__ == "SourceFileLoader"
    assert loaded.__spec__.loader is loaded.__loader__


def test_calls_back_at_once_when_it_is_loaded_already(module):
    importlib.import_module(module)
    seen = []
    with after_import(module, lambda: seen.append(1)):
        assert seen == [1]


def test_leaves_nothing_behind_when_it_is_never_imported(module):
    finders = sys.meta_path.copy()
    with after_import(module, lambda: pytest.fail("was called")):
        assert len(sys.meta_path) == len(finders) + 1
    assert sys.meta_path == finders
