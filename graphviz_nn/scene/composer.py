"""Pictures of one structure, again and again, as its modules are opened and closed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.layout.cache import LayoutCache
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.arrange import arrange
from graphviz_nn.scene.compose import LayerTypeLookup, check_options, opened_containers, plugin_layer_types
from graphviz_nn.scene.expansion import ChosenExpansion, lone_functions
from graphviz_nn.scene.fold import Signatures, fold
from graphviz_nn.scene.memory import Memory
from graphviz_nn.scene.outline import build_outline
from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.picture import Picture, build_tree
from graphviz_nn.scene.scene import Scene
from graphviz_nn.scene.visibility import Visibility
from graphviz_nn.scene.wiring import connect

HEAT_ROOM: Final = "−8.8e−88"
"""As wide as any number that colours a box."""


class Composer:
    """Composes scenes in which exactly the chosen groups are open. Siblings keep their order from scene to scene.

    What does not depend on what is open is worked out once. Not for use by two threads at once.
    """

    def __init__(
        self, structure: Structure, show_all: bool = False, layer_types: LayerTypeLookup | None = None
    ) -> None:
        lookup = layer_types or plugin_layer_types()
        self.structure = structure
        self.show_all = show_all
        with collector_paused():
            self._types = [lookup.for_node(node, structure) for node in structure.nodes]
            self._module_types = {module.path: lookup.for_module(module) for module in structure.modules}
            self._visibility = Visibility(structure, self._types, show_all)
            self._outline = build_outline(self._visibility)
            self._insides = lone_functions(self._outline)
        self._memory = Memory(structure)
        self._signatures: Signatures = {}
        self._caches: dict[str, LayoutCache] = {}

    def picture(self, opened: Collection[str], folds: bool = True) -> Picture:
        """Returns what is drawn where the groups with these keys ("m3", "f12") are open.

        Runs of equal siblings that are closed are one box each if `folds`, unless everything is shown. Keys that the
        structure does not have are passed over.
        """
        root = build_tree(self._outline, ChosenExpansion(opened, self._insides))
        turns = fold(root, self._visibility, self._signatures) if folds and not self.show_all else {}
        boxes = root.boxes()
        wires = connect(self._visibility, boxes, list(opened_containers(root)), turns)
        return Picture(self.structure, self._types, self._module_types, self._visibility, root, boxes, wires)

    def scene(
        self, picture: Picture, direction: str = "down", overlay: Overlay | None = None, heat: bool = False
    ) -> Scene:
        """Returns a picture of this composer with geometry, coloured by `overlay`.

        With `heat`, boxes have room for a number that colours them, and the same size whatever it is.

        Raises:
            OptionError: there is no such direction.
        """
        options = PictureOptions(direction=direction, show_all=self.show_all)
        check_options(options)
        cache = self._caches.setdefault(direction, LayoutCache())
        with collector_paused():
            return arrange(picture, options, overlay, cache, HEAT_ROOM if heat else None, self._memory)
