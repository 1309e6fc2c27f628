"""One door: the right exporter, one clear error, and an older good file that stays."""

import os
from pathlib import Path

import pytest

from graphviz_nn.errors import NotRecorded, OptionError, PluginError, SelectorError, UsageError
from graphviz_nn.export import export, files
from graphviz_nn.export.registry import find_exporter
from graphviz_nn.model.exporters import Exporter, ExportRequest, PictureOptions
from graphviz_nn.model.steps import MemoryRun
from graphviz_nn.plugin.manager import plugins
from tests.support.runs import one_step_run, with_gradients
from tests.support.structures import lstm, resnet


@pytest.fixture
def run() -> MemoryRun:
    return with_gradients(resnet())


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<svg "),
        ("a.SVG", b"<svg "),
        ("a.dot", b"digraph"),
        ("a.gv", b"digraph"),
        ("a.json", b"{"),
        ("a.graphml", b"<"),
    ],
)
def test_suffix_chooses_the_format(run: MemoryRun, tmp_path: Path, name: str, start: bytes) -> None:
    path = export(run, tmp_path / name)
    assert path == tmp_path / name
    assert path.read_bytes().lstrip(b"\n").startswith(start)


def test_format_wins_over_suffix(run: MemoryRun, tmp_path: Path) -> None:
    assert export(run, str(tmp_path / "picture.txt"), format="svg").read_bytes().startswith(b"<svg ")


def test_every_built_in_format_comes_through_the_plugin_hook() -> None:
    assert {"svg", "dot", "pdf", "png", "graphml", "json"} <= {exporter.name for exporter in plugins().exporters}


@pytest.mark.parametrize(
    ("name", "format_name", "message"),
    [
        ("a.svgg", None, r"Unknown suffix '.svgg'.*\.svg .*Did you mean '.svg'\?"),
        ("a", None, "'a' has no suffix: known are .svg"),
        ("a.svg", "grapml", r"Unknown format 'grapml'.*Did you mean 'graphml'\?"),
    ],
)
def test_unknown_format(run: MemoryRun, tmp_path: Path, name: str, format_name: str | None, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        export(run, tmp_path / name, format=format_name)


@pytest.mark.parametrize("name", ["a.svg", "a.json"])
def test_unknown_option_value_is_an_error_in_every_format(run: MemoryRun, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="Unknown theme 'drak'"):
        export(run, tmp_path / name, options=PictureOptions(theme="drak"))


def test_later_exporter_of_a_suffix_wins() -> None:
    def nothing(request: ExportRequest) -> bytes:
        return b""

    built_in, other = Exporter("one", (".x",), "", nothing), Exporter("two", (".x", ".y"), "", nothing)
    assert find_exporter(Path("a.x"), None, (built_in, other)) is other
    assert find_exporter(Path("a.x"), "one", (built_in, other)) is built_in


def test_steps_by_position(tmp_path: Path) -> None:
    run = one_step_run(resnet())
    run.write(one_step_run(lstm(4)).record(0))
    assert b">Tagger<" in export(run, tmp_path / "a.svg").read_bytes()
    assert b">ResNet<" in export(run, tmp_path / "a.svg", step=0).read_bytes()
    assert b">ResNet<" in export(run, tmp_path / "a.svg", step=-2).read_bytes()
    for step in (2, -3):
        with pytest.raises(SelectorError, match=f"There is no step {step}: the run has 2 recorded steps"):
            export(run, tmp_path / "a.svg", step=step)
    with pytest.raises(SelectorError, match=r"the run has 1 recorded step\."):
        export(one_step_run(lstm(4)), tmp_path / "a.svg", step=1)
    with pytest.raises(NotRecorded, match="no recorded step"):
        export(MemoryRun(), tmp_path / "a.svg")


def test_older_file_stays_on_any_error(run: MemoryRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.svg"
    path.write_text("older")
    with pytest.raises(SelectorError):
        export(run, path, options=PictureOptions(expand=("no such module",)))

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(UsageError, match=r"Cannot write .*model\.svg: No space left on device"):
        export(run, path)
    assert path.read_text() == "older"
    assert os.listdir(tmp_path) == ["model.svg"]


def test_file_is_replaced_whole_through_a_link(run: MemoryRun, tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_text("older")
    (tmp_path / "link.svg").symlink_to("real.svg")
    export(run, tmp_path / "link.svg")
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_bytes().startswith(b"<svg ")


def test_file_has_the_permissions_that_the_user_asks_for(run: MemoryRun, tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        path = export(run, tmp_path / "a.svg")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing/a.svg", "there is no folder .*missing; make it first"), ("folder.svg", "it is a folder")],
)
def test_unwritable_path(run: MemoryRun, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(UsageError, match=message):
        export(run, tmp_path / name)


def test_exporter_that_returns_something_else(run: MemoryRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Exporter("broken", (".broken",), "", lambda request: "text")  # type: ignore[arg-type,return-value]
    monkeypatch.setattr("graphviz_nn.export.registry.find_exporter", lambda *arguments: broken)
    with pytest.raises(PluginError, match="Exporter 'broken' returned str; it must return bytes"):
        export(run, tmp_path / "a.broken")
    assert os.listdir(tmp_path) == []


def test_colouring_what_was_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match="no backward pass"):
        export(one_step_run(resnet()), tmp_path / "a.svg", options=PictureOptions(color_by="gradient"))
    assert os.listdir(tmp_path) == []
