"""Panels of the app, as plugins name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

AREAS: Final = ("left", "right", "bottom")


@dataclass(frozen=True, slots=True)
class Panel:
    """A dock of the app, registered through `register_panels`.

    Attributes:
        name: unique, in snake case; the window remembers the dock's place under it.
        title: what its title bar and the View menu say.
        area: one of `AREAS`, where it is until somebody moves it.
        create: called once with the window's `Workspace`; returns a `QWidget`. Import Qt inside it, not above.
        shown: whether it is open at first.
        order: places panels of one area, small numbers first. Panels of one `group` are tabs of one dock area.
        group: "" stands by itself.
    """

    name: str
    title: str
    area: str
    create: Callable[[Any], Any]
    shown: bool = True
    order: int = 100
    group: str = ""
