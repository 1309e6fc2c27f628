"""Which plugins are installed, as their distributions say: nothing of them is imported."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Final

from graphviz_nn.errors import OptionError
from graphviz_nn.plugin.hookspecs import PROJECT

SWITCH: Final = "GRAPHVIZ_NN_PLUGINS"
"""Environment variable: "off" leaves third-party plugins out, "on" (or nothing) loads them."""

_OWN_DISTRIBUTION: Final = "graphviz-nn"


def installed() -> tuple[EntryPoint, ...]:
    """Returns the entry points of all plugins that are installed here, this package's own included."""
    return tuple(entry_points(group=PROJECT))


def distribution_of(point: EntryPoint) -> tuple[str, str]:
    """Returns name and version of the package that brings a plugin; "" where that is not known."""
    return ("", "") if point.dist is None else _name_and_version(point.dist)


def is_own(distribution: str) -> bool:
    """Whether this is the distribution that this package itself comes with."""
    return distribution.replace("_", "-") == _OWN_DISTRIBUTION


def third_party_wanted() -> bool:
    """Whether plugins of other distributions are loaded.

    Raises:
        OptionError: the environment variable GRAPHVIZ_NN_PLUGINS is neither "on" nor "off".
    """
    switch = os.environ.get(SWITCH, "").strip().lower()
    if switch not in ("", "on", "off"):
        raise OptionError(f"{SWITCH} is {switch!r}; it must be 'on' or 'off'")
    return switch != "off"


def any_third_party() -> bool:
    """Whether another distribution's plugin is there to be loaded.

    Raises `OptionError` as `third_party_wanted` does.
    """
    return third_party_wanted() and not all(is_own(distribution_of(point)[0]) for point in installed())


@cache
def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Asks each distribution once: it parses its metadata every time."""
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]
