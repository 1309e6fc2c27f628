"""The manager loads what is installed, built-ins first, and survives every broken plugin."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from graphviz_nn.errors import OptionError, PluginError
from graphviz_nn.model.exporters import Exporter
from graphviz_nn.model.findings import Check
from graphviz_nn.model.layer_types import Category, LayerType
from graphviz_nn.model.metrics import Metric
from graphviz_nn.model.panels import Panel
from graphviz_nn.model.views import Table, View
from graphviz_nn.plugin import hookimpl, hookspecs
from graphviz_nn.plugin.manager import HOOKS, PluginManager, plugins
from tests.plugins.installing import Install, error_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "layer-types.md"
GOOD = """
    @hookimpl
    def register_layer_types():
        return [LayerType("Swirl", Category.ATTENTION, functions=("swirl",))]
"""


class AllHooks:
    """A plugin that implements every hook."""

    @hookimpl
    def register_layer_types(self) -> list[LayerType]:
        return [LayerType("Swirl", Category.ATTENTION, functions=("swirl",))]

    @hookimpl
    def register_exporters(self) -> list[Exporter]:
        return [Exporter("swirl", (".swirl",), "Swirls", lambda request: b"")]

    @hookimpl
    def register_checks(self) -> list[Check]:
        return [Check("swirl", "swirls", lambda context, thresholds: [])]

    @hookimpl
    def register_metrics(self) -> list[Metric]:
        return [Metric("swirl", "output", lambda tensor: tensor.flatten()[:1])]

    @hookimpl
    def register_views(self) -> list[View]:
        return [View("swirl", "Swirls", lambda subject, options: Table("Swirls", (), ()))]

    @hookimpl
    def register_panels(self) -> list[Panel]:
        return [Panel("swirl", "Swirls", "left", lambda workspace: None)]

    @hookimpl
    def add_commands(self) -> list[click.Command]:
        return [click.Command("swirl")]


DELIVERED: dict[str, Callable[[PluginManager], object]] = {
    "register_layer_types": lambda manager: [kind.name for kind in manager.layer_types] == ["Swirl"],
    "register_exporters": lambda manager: [exporter.name for exporter in manager.exporters] == ["swirl"],
    "register_checks": lambda manager: [check.name for check in manager.checks] == ["swirl"],
    "register_metrics": lambda manager: list(manager.metrics) == ["swirl"],
    "register_views": lambda manager: [view.name for view in manager.views] == ["swirl"],
    "register_panels": lambda manager: [panel.name for panel in manager.panels] == ["swirl"],
    "add_commands": lambda manager: [command.name for command in manager.commands] == ["swirl"],
}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_and_called(hook: str) -> None:
    assert getattr(hookspecs, hook).__doc__
    assert f"`{hook}" in DOCUMENT.read_text()
    manager = PluginManager()
    manager.register(AllHooks(), "all")
    assert hook in manager.listing[0].hooks
    assert DELIVERED[hook](manager)


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        (Metric("swirl", "weights", len), "of is 'weights'; it must be one of output, gradient, input"),
        (Metric("swirl", "input", len), 'arguments are for metrics of "input" or "inputs", which need them'),
        (Metric("swirl", "inputs", len), 'arguments are for metrics of "input" or "inputs", which need them'),
        (Metric("swirl", "output", len, arguments=frozenset({"target"})), "arguments are for metrics of"),
        (Metric("two words", "output", len), "its name must be in snake case"),
    ],
)
def test_a_metric_of_nothing_known_is_refused(caplog: pytest.LogCaptureFixture, metric: Metric, problem: str) -> None:
    class Mistaken:
        @hookimpl
        def register_metrics(self) -> list[Metric]:
            return [metric]

    with pytest.raises(PluginError, match=problem):
        PluginManager().register(Mistaken(), "mistaken")


def test_a_panel_in_no_known_area_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    class Misplaced:
        @hookimpl
        def register_panels(self) -> list[Panel]:
            return [Panel("swirl", "Swirls", "middle", lambda workspace: None)]

    with pytest.raises(PluginError, match="'middle'; it must be one of left, right, bottom"):
        PluginManager().register(Misplaced(), "misplaced")


def test_built_ins_come_through_entry_points(caplog: pytest.LogCaptureFixture, install: Install) -> None:
    install(GOOD)
    listing = plugins().listing
    own = [info for info in listing if info.builtin]
    assert {"builtin_layer_types", "builtin_exporters", "builtin_commands"} <= {info.name for info in own}
    assert listing[: len(own)] == tuple(own)
    assert plugins().layer_types.for_op("conv2d") is not None


def test_an_installed_plugin_is_loaded_and_listed(caplog: pytest.LogCaptureFixture, install: Install) -> None:
    install(GOOD, version="2.5")
    info = plugins().listing[-1]
    assert (info.name, info.distribution, info.version) == ("acme", "acme", "2.5")
    assert (info.builtin, info.hooks, info.error) == (False, ("register_layer_types",), None)
    found = plugins().layer_types.for_op("swirl")
    assert found is not None
    assert found.category is Category.ATTENTION


def test_one_manager_a_process(caplog: pytest.LogCaptureFixture, install: Install) -> None:
    del install
    first = plugins()
    assert plugins() is first
    plugins.cache_clear()
    assert plugins() is not first


def test_third_parties_win(caplog: pytest.LogCaptureFixture, install: Install) -> None:
    install(
        """
        @hookimpl
        def register_layer_types():
            return [LayerType("Better conv", Category.OTHER, ("torch.nn.modules.conv.Conv2d",), ("conv2d",))]
        """
    )
    found = plugins().layer_types.for_op("conv2d")
    assert found is not None
    assert found.name == "Better conv"
    transposed = plugins().layer_types.for_op("conv_transpose2d")
    assert transposed is not None
    assert transposed.name == "ConvTranspose2d"


def test_later_exporters_and_commands_replace_earlier_ones() -> None:
    class Replacing:
        @hookimpl
        def register_exporters(self) -> list[Exporter]:
            return [Exporter("swirl", (".new",), "New swirls", lambda request: b"")]

        @hookimpl
        def add_commands(self) -> list[click.Command]:
            return [click.Command("swirl", help="new"), click.Command("whirl")]

    manager = PluginManager()
    manager.register(AllHooks(), "first")
    assert manager.exporters[0].suffixes == (".swirl",)
    manager.register(Replacing(), "second")
    assert [exporter.suffixes for exporter in manager.exporters] == [(".new",)]
    assert {command.name: command.help for command in manager.commands} == {"swirl": "new", "whirl": None}


BROKEN = {
    "does not import": ("import no_such_package", "No module named 'no_such_package'"),
    "fails to import": ("1 / 0", "acme_module cannot be imported: ZeroDivisionError: division by zero"),
    "exits while it is imported": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax error": ("def", "SyntaxError"),
    "no hook": ("def register_layer_types(): return []", "implements no hook; mark its functions with @graphviz_nn"),
    "unknown hook": (
        "@hookimpl\ndef register_layer_type(): return []",
        "implements register_layer_type, which is no hook. Did you mean 'register_layer_types'?",
    ),
    "hook with an argument": ("@hookimpl\ndef add_commands(group): return []", "group"),
    "hook raises": ("@hookimpl\ndef add_commands(): raise KeyError('key')", "add_commands() raised KeyError: 'key'"),
    "hook exits": ("@hookimpl\ndef add_commands(): raise SystemExit", "add_commands() raised SystemExit"),
    "None": ("@hookimpl\ndef register_exporters(): pass", "register_exporters() returned None; it must return a list"),
    "one in place of a list": (
        "@hookimpl\ndef register_layer_types(): return LayerType('A', Category.OTHER)",
        "register_layer_types() returned LayerType",
    ),
    "something else in the list": (
        "@hookimpl\ndef register_layer_types(): return ['conv2d']",
        "list with str 'conv2d' in it; all must be LayerType",
    ),
    "generator": ("@hookimpl\ndef register_layer_types(): yield LayerType('A', Category.OTHER)", "must return a list"),
    "category as text": (
        "@hookimpl\ndef register_layer_types(): return [LayerType('A', 'linear')]",
        "layer type 'A': category is 'linear'; it must be one of Category.INPUT, ",
    ),
    "function in place of a tuple": (
        "@hookimpl\ndef register_layer_types(): return [LayerType('A', Category.OTHER, functions='conv2d')]",
        "layer type 'A': functions is 'conv2d'; it must be a tuple of names",
    ),
    "a name twice": (
        "@hookimpl\ndef register_layer_types(): return [LayerType('A', Category.OTHER)] * 2",
        "two layer types are named 'A'",
    ),
    "a command twice": (
        "@hookimpl\ndef add_commands(): return [click.Command('go'), click.Command('go')]",
        "two commands are named 'go'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_listed_and_skipped(name: str, install: Install, caplog: pytest.LogCaptureFixture) -> None:
    code, expected = BROKEN[name]
    install(code)
    install(GOOD, name="zebra")
    manager = plugins()
    error = error_of(manager, "acme")
    assert error is not None
    assert expected in error
    assert "\n" not in error
    assert [r.message for r in caplog.records if "'acme'" in r.message] == [f"plugin 'acme' is skipped: {error}"]
    assert error_of(manager, "zebra") is None
    assert manager.layer_types.for_op("swirl") is not None
    assert not any(command.name == "go" for command in manager.commands)


def test_a_taken_name(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install(GOOD, name="first", plugin="swirls")
    install(GOOD.replace("Swirl", "Whirl"), name="second", plugin="swirls")
    found = [(info.distribution, info.error) for info in plugins().listing if info.name == "swirls"]
    assert found == [("first", None), ("second", "it is already loaded, or another plugin is named 'swirls'")]
    assert "Whirl" not in {kind.name for kind in plugins().layer_types}


def test_a_plugin_may_serve_hooks_of_later_versions(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install(GOOD + "\n    @hookimpl(optionalhook=True)\n    def register_smells(): return []\n")
    assert error_of(plugins(), "acme") is None
    assert plugins().layer_types.for_op("swirl") is not None


def test_switched_off(install: Install, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHVIZ_NN_PLUGINS", "off")
    install("raise AssertionError('it was imported')")
    assert error_of(plugins(), "acme") == "switched off by GRAPHVIZ_NN_PLUGINS=off"
    assert "acme_module" not in sys.modules
    assert not [record for record in caplog.records if "acme" in record.message]
    assert plugins().layer_types.for_op("conv2d") is not None


def test_the_switch_knows_on_and_off(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    del install
    monkeypatch.setenv("GRAPHVIZ_NN_PLUGINS", "of")
    plugins.cache_clear()
    with pytest.raises(OptionError, match="GRAPHVIZ_NN_PLUGINS is 'of'; it must be 'on' or 'off'"):
        plugins()


def test_register_tells_what_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    manager = PluginManager()
    plugin = AllHooks()
    manager.register(plugin, "mine")
    with pytest.raises(PluginError, match="another plugin is named 'mine'"):
        manager.register(AllHooks(), "mine")
    with pytest.raises(PluginError, match="plugin 'again': it is already loaded"):
        manager.register(plugin, "again")
    with pytest.raises(PluginError, match="implements no hook"):
        manager.register(object(), "empty")
    assert [kind.name for kind in manager.layer_types] == ["Swirl"]


def test_loading_plugins_imports_no_torch() -> None:
    code = "from graphviz_nn.plugin.manager import plugins; plugins(); import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=60).returncode == 0


def test_the_log_is_ours(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("1 / 0")
    with caplog.at_level(logging.WARNING, logger="graphviz_nn"):
        plugins()
    assert any(record.name.startswith("graphviz_nn.plugin") for record in caplog.records)
