"""What one plugin contributes: its hooks called, and their results checked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from graphviz_nn.errors import PluginError
from graphviz_nn.model.exporters import Exporter
from graphviz_nn.model.findings import Check
from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.metrics import OF, Metric
from graphviz_nn.model.modules import Module
from graphviz_nn.model.panels import AREAS, Panel
from graphviz_nn.model.views import View

if TYPE_CHECKING:
    import click

_logger = logging.getLogger(__name__)
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Contribution:
    """The results of all hooks of one plugin."""

    layer_types: tuple[LayerType, ...] = ()
    exporters: tuple[Exporter, ...] = ()
    checks: tuple[Check, ...] = ()
    metrics: tuple[Metric, ...] = ()
    views: tuple[View, ...] = ()
    panels: tuple[Panel, ...] = ()
    commands: tuple[click.Command, ...] = ()


def collect(hooks: Mapping[str, Callable[[], Any]]) -> Contribution:
    """Calls the hooks of one plugin, given by name.

    Raises:
        PluginError: a hook raised, or returned something else than its specification says; names the hook.
    """
    results = {name: _call(name, hook) for name, hook in hooks.items()}
    return Contribution(
        _checked_layer_types(results.get("register_layer_types", [])),
        _checked_exporters(results.get("register_exporters", [])),
        _checked_checks(results.get("register_checks", [])),
        _checked_metrics(results.get("register_metrics", [])),
        _checked_views(results.get("register_views", [])),
        _checked_panels(results.get("register_panels", [])),
        _checked_commands(results["add_commands"]) if "add_commands" in results else (),
    )


def guarded(contribution: Contribution, plugin: str) -> Contribution:
    """Returns the contribution with layer types whose label and FLOPs never raise.

    What raises or returns a wrong type counts as no label and no FLOPs, and is logged once.
    """
    return replace(contribution, layer_types=tuple(_guarded_type(kind, plugin) for kind in contribution.layer_types))


def _call(name: str, hook: Callable[[], Any]) -> list[Any]:
    try:
        result = hook()
    except (Exception, SystemExit) as error:
        raise PluginError(f"{name}() raised {type(error).__name__}: {error}") from error
    if not isinstance(result, list):
        raise PluginError(f"{name}() returned {_describe(result)}; it must return a list")
    return result


def _checked_layer_types(result: list[Any]) -> tuple[LayerType, ...]:
    kinds = _all_of(LayerType, result, "register_layer_types")
    for kind in kinds:
        for field in ("modules", "functions"):
            names = getattr(kind, field)
            if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
                raise PluginError(f"layer type {kind.name!r}: {field} is {names!r}; it must be a tuple of names")
        if not isinstance(kind.category, Category):
            known = ", ".join(f"Category.{category.name}" for category in Category)
            raise PluginError(f"layer type {kind.name!r}: category is {kind.category!r}; it must be one of {known}")
    _require_unique((kind.name for kind in kinds), "layer types")
    return kinds


def _checked_exporters(result: list[Any]) -> tuple[Exporter, ...]:
    exporters = _all_of(Exporter, result, "register_exporters")
    _require_unique((exporter.name for exporter in exporters), "exporters")
    return exporters


def _checked_checks(result: list[Any]) -> tuple[Check, ...]:
    checks = _all_of(Check, result, "register_checks")
    _require_unique((check.name for check in checks), "checks")
    return checks


def _checked_metrics(result: list[Any]) -> tuple[Metric, ...]:
    metrics = _all_of(Metric, result, "register_metrics")
    for metric in metrics:
        if metric.of not in OF:
            raise PluginError(f"metric {metric.name!r}: of is {metric.of!r}; it must be one of {', '.join(OF)}")
        if (metric.of in ("input", "inputs")) != bool(metric.arguments):
            raise PluginError(
                f'metric {metric.name!r}: arguments are for metrics of "input" or "inputs", which need them'
            )
        if not metric.name or not metric.name.isidentifier():
            raise PluginError(f"metric {metric.name!r}: its name must be in snake case, like active_share")
    _require_unique((metric.name for metric in metrics), "metrics")
    return metrics


def _checked_views(result: list[Any]) -> tuple[View, ...]:
    views = _all_of(View, result, "register_views")
    for view in views:
        if not view.name.isidentifier():
            raise PluginError(f"view {view.name!r}: its name must be in snake case, like feature_maps")
    _require_unique((view.name for view in views), "views")
    return views


def _checked_panels(result: list[Any]) -> tuple[Panel, ...]:
    panels = _all_of(Panel, result, "register_panels")
    for panel in panels:
        if panel.area not in AREAS:
            raise PluginError(f"panel {panel.name!r}: area is {panel.area!r}; it must be one of {', '.join(AREAS)}")
    _require_unique((panel.name for panel in panels), "panels")
    return panels


def _checked_commands(result: list[Any]) -> tuple[click.Command, ...]:
    import click

    commands = _all_of(click.Command, result, "add_commands")
    _require_unique((command.name or "" for command in commands), "commands")
    return commands


def _all_of(kind: type[_Item], items: list[Any], hook: str) -> tuple[_Item, ...]:
    for item in items:
        if not isinstance(item, kind):
            raise PluginError(f"{hook}() returned a list with {_describe(item)} in it; all must be {kind.__name__}")
    return tuple(items)


def _require_unique(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PluginError(f"two {what} are named {name!r}")
        seen.add(name)


def _describe(value: object) -> str:
    return "None" if value is None else f"{type(value).__name__} {str(value)[:60]!r}"


def _guarded_type(kind: LayerType, plugin: str) -> LayerType:
    owner = f"layer type {kind.name!r} of plugin {plugin!r}"
    label = _guard(kind.label, (str, type(None)), None, f"label of {owner}")
    flops = _guard(kind.flops, (int,), 0, f"flops of {owner}") if kind.flops is not None else None
    return replace(kind, label=label, flops=flops)


def _guard(
    function: Callable[[Any], _Answer], expected: tuple[type, ...], default: _Answer, what: str
) -> Callable[[Any], _Answer]:
    warned = False

    def call(subject: LayerCall | Module) -> _Answer:
        nonlocal warned
        try:
            answer = function(subject)
            if isinstance(answer, expected):
                return answer
            problem = f"returned {_describe(answer)}"
        except Exception as error:
            problem = f"raised {type(error).__name__}: {error}"
        if not warned:
            warned = True
            _logger.warning("%s %s; it is left out", what, problem)
        return default

    return call
