"""What a picture is asked for, and how it is made, in a thread or in a process of its own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

import msgspec

from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.composer import Composer
from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.scene import Scene
from graphviz_nn.scene.tables import SceneTables
from graphviz_nn.scene.tabulate import tabulate

_KEPT: Final = 3
"""Structures whose composers are kept: a run whose structure changes goes back and forth between few."""


class LayoutRequest(msgspec.Struct, frozen=True):
    """A picture of the structure named `digest`.

    Attributes:
        opened: keys of the groups that are open.
        direction, show_all: as in `PictureOptions`. folds: equal siblings are one box.
        heat: boxes have room for a number that colours them.
    """

    digest: str
    opened: tuple[str, ...]
    direction: str = "down"
    show_all: bool = False
    folds: bool = True
    heat: bool = False


class Composers:
    """The composers of one run's structures. Several threads may ask: they wait for one another."""

    def __init__(self) -> None:
        self._composers: OrderedDict[tuple[str, bool], Composer] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self, structure: Structure, request: LayoutRequest) -> None:
        """Does what every picture of a structure needs, before one is asked for."""
        with self._lock:
            self._composer(structure, request)

    def tables(self, structure: Structure, request: LayoutRequest) -> SceneTables:
        """Returns the picture as arrays."""
        with self._lock, collector_paused():
            composer = self._composer(structure, request)
            picture = composer.picture(request.opened, request.folds)
            scene = composer.scene(picture, request.direction, heat=request.heat)
            return tabulate(picture, scene, request.heat)

    def scene(self, structure: Structure, request: LayoutRequest, numbers: Overlay | None) -> Scene:
        """Returns the picture as a scene coloured by `numbers`: what stands side by side is in the order in which it
        was in the pictures before."""
        with self._lock, collector_paused():
            composer = self._composer(structure, request)
            picture = composer.picture(request.opened, request.folds)
            return composer.scene(picture, request.direction, numbers, heat=request.heat)

    def _composer(self, structure: Structure, request: LayoutRequest) -> Composer:
        key = (request.digest, request.show_all)
        composer = self._composers.get(key)
        if composer is None:
            composer = self._composers[key] = Composer(structure, request.show_all)
            while len(self._composers) > _KEPT:
                self._composers.popitem(last=False)
        self._composers.move_to_end(key)
        return composer
