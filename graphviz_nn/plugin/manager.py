"""Loads plugins, built-in ones first, and hands out what they register."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, Final

import pluggy

from graphviz_nn.errors import PluginError, did_you_mean
from graphviz_nn.model.exporters import Exporter
from graphviz_nn.model.findings import Check
from graphviz_nn.model.metrics import Metric
from graphviz_nn.model.panels import Panel
from graphviz_nn.model.views import View
from graphviz_nn.plugin import hookspecs
from graphviz_nn.plugin.contributions import Contribution, collect, guarded
from graphviz_nn.plugin.installed import SWITCH, distribution_of, installed, is_own, third_party_wanted
from graphviz_nn.plugin.layer_types import LayerTypes

if TYPE_CHECKING:
    import click

HOOKS: Final = tuple(name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec"))
"""Names of all hooks."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What is known of one plugin.

    Attributes:
        name: of its entry point, or that it was registered under.
        distribution, version: of the installed package that it came with; "" where it was registered by hand.
        builtin: it is part of this package.
        hooks: names of the hooks that it implements; empty where it was not loaded.
        error: why it is skipped, or None. A plugin that is merely switched off says so here.
    """

    name: str
    distribution: str
    version: str
    builtin: bool
    hooks: tuple[str, ...] = ()
    error: str | None = None


@dataclass(slots=True)
class _Plugin:
    info: PluginInfo
    contribution: Contribution = field(default_factory=Contribution)


class PluginManager:
    """The plugins of this process. A broken one is listed with its error and skipped; it never raises from here."""

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._plugins: list[_Plugin] = []

    def load(self, points: Iterable[EntryPoint], third_party: bool = True) -> None:
        """Loads the plugins of entry points: this package's own, then, if `third_party`, the others by name."""
        described = {point: _describe(point) for point in points}
        for point, info in sorted(described.items(), key=lambda pair: _order(pair[1])):
            if not (info.builtin or third_party):
                self._plugins.append(_Plugin(replace(info, error=f"switched off by {SWITCH}=off")))
                continue
            try:
                plugin = point.load()
            except (Exception, SystemExit) as error:
                self._skip(info, f"{point.value} cannot be imported: {type(error).__name__}: {error}")
                continue
            self._add(plugin, info)

    def register(self, plugin: object, name: str) -> None:
        """Adds a plugin that no distribution brings, such as an object made in a notebook.

        Raises:
            PluginError: it is broken, or another plugin has that name.
        """
        info = self._add(plugin, PluginInfo(name, distribution="", version="", builtin=False))
        if info.error is not None:
            raise PluginError(f"plugin {name!r}: {info.error}")

    @property
    def listing(self) -> tuple[PluginInfo, ...]:
        """Every plugin, in order of registration, broken ones included."""
        return tuple(plugin.info for plugin in self._plugins)

    @cached_property
    def layer_types(self) -> LayerTypes:
        """Every layer type, those of built-in plugins first."""
        return LayerTypes(kind for plugin in self._plugins for kind in plugin.contribution.layer_types)

    @cached_property
    def exporters(self) -> tuple[Exporter, ...]:
        """One exporter a name, in order of registration: for a suffix the last one that has it counts."""
        found = [exporter for plugin in self._plugins for exporter in plugin.contribution.exporters]
        return tuple({exporter.name: exporter for exporter in found}.values())

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """One rule a name, in order of registration."""
        found = [check for plugin in self._plugins for check in plugin.contribution.checks]
        return tuple({check.name: check for check in found}.values())

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The metrics by name, in order of registration."""
        return {metric.name: metric for plugin in self._plugins for metric in plugin.contribution.metrics}

    @cached_property
    def views(self) -> tuple[View, ...]:
        """One view a name, in order of registration."""
        found = [view for plugin in self._plugins for view in plugin.contribution.views]
        return tuple({view.name: view for view in found}.values())

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        """One panel of the app a name, in order of registration."""
        found = [panel for plugin in self._plugins for panel in plugin.contribution.panels]
        return tuple({panel.name: panel for panel in found}.values())

    @cached_property
    def commands(self) -> tuple[click.Command, ...]:
        """One command a name."""
        found = [command for plugin in self._plugins for command in plugin.contribution.commands]
        return tuple({command.name: command for command in found}.values())

    def _add(self, plugin: object, info: PluginInfo) -> PluginInfo:
        try:
            hooks = self._enter(plugin, info.name)
            contribution = collect(hooks)
        except PluginError as error:
            if self._pluggy.is_registered(plugin) and self._pluggy.get_name(plugin) == info.name:
                self._pluggy.unregister(plugin)
            return self._skip(info, str(error))
        if not info.builtin:
            contribution = guarded(contribution, info.name)
        self._plugins.append(_Plugin(replace(info, hooks=tuple(hooks)), contribution))
        for cached in ("layer_types", "exporters", "checks", "metrics", "views", "panels", "commands"):
            self.__dict__.pop(cached, None)
        return self._plugins[-1].info

    def _enter(self, plugin: object, name: str) -> dict[str, Callable[[], Any]]:
        """Registers with pluggy, which checks the signatures. Returns the plugin's hooks by name.

        Raises:
            PluginError: the name is taken, or what the plugin implements are not (only) hooks.
        """
        if self._pluggy.has_plugin(name) or self._pluggy.is_registered(plugin):
            raise PluginError(f"it is already loaded, or another plugin is named {name!r}")
        try:
            self._pluggy.register(plugin, name)
        except Exception as error:
            raise PluginError(" ".join(str(error).split())) from error
        found: dict[str, Callable[[], Any]] = {}
        for caller in self._pluggy.get_hookcallers(plugin) or ():
            (hook,) = (impl for impl in caller.get_hookimpls() if impl.plugin is plugin)
            if caller.has_spec():
                found[caller.name] = hook.function
            elif not hook.optionalhook:
                hint = did_you_mean(caller.name, HOOKS)
                raise PluginError(f"it implements {caller.name}, which is no hook.{hint} Hooks: {', '.join(HOOKS)}")
        if not found:
            raise PluginError("it implements no hook; mark its functions with @graphviz_nn.plugin.hookimpl")
        return found

    def _skip(self, info: PluginInfo, error: str) -> PluginInfo:
        _logger.warning("plugin %r is skipped: %s", info.name, error)
        self._plugins.append(_Plugin(replace(info, error=error)))
        return self._plugins[-1].info


@cache
def plugins() -> PluginManager:
    """Returns the plugins of this process, loaded the first time; `plugins.cache_clear()` forgets them.

    Raises:
        OptionError: the environment variable GRAPHVIZ_NN_PLUGINS is neither "on" nor "off".
    """
    manager = PluginManager()
    manager.load(installed(), third_party=third_party_wanted())
    return manager


def _describe(point: EntryPoint) -> PluginInfo:
    name, version = distribution_of(point)
    return PluginInfo(point.name, name, version, is_own(name))


def _order(info: PluginInfo) -> tuple[bool, str, str]:
    return not info.builtin, info.name, info.distribution
