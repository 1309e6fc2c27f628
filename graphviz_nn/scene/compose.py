"""From a structure to a scene: what is shown, what it says, how large it is, where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.layout.cache import LayoutCache
from graphviz_nn.model.exporters import COLOR_BY, DIRECTIONS, THEMES, PictureOptions
from graphviz_nn.model.layer_types import LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.arrange import arrange
from graphviz_nn.scene.expansion import Expansion, closed_groups
from graphviz_nn.scene.fold import Turn, fold
from graphviz_nn.scene.outline import build_outline
from graphviz_nn.scene.overlay import Overlay
from graphviz_nn.scene.picture import Picture, PictureContainer, build_tree
from graphviz_nn.scene.scene import Scene
from graphviz_nn.scene.visibility import Visibility
from graphviz_nn.scene.wiring import connect


class LayerTypeLookup(Protocol):
    """Finds what is registered for a call or a module; `graphviz_nn.plugin.manager` has the one in use."""

    def for_node(self, node: Node, structure: Structure) -> LayerType | None: ...

    def for_module(self, module: Module) -> LayerType | None: ...


def compose(
    structure: Structure,
    options: PictureOptions | None = None,
    overlay: Overlay | None = None,
    cache: LayoutCache | None = None,
    layer_types: LayerTypeLookup | None = None,
) -> Scene:
    """Returns the scene of a structure.

    `overlay` colours it. A `cache` makes the next picture of the same structure quick, and keeps its order when
    modules are opened or closed. `layer_types` are those of the plugins where none are given.

    Raises:
        OptionError: an option has an unknown value.
        SelectorError: a pattern of `options.expand` matches nothing.
    """
    options = options or PictureOptions()
    with collector_paused():
        return arrange(build_picture(structure, options, layer_types), options, overlay, cache)


def build_picture(structure: Structure, options: PictureOptions, layer_types: LayerTypeLookup | None = None) -> Picture:
    """Returns what is drawn, without geometry. Raises as `compose` does."""
    check_options(options)
    lookup = layer_types or plugin_layer_types()
    types = [lookup.for_node(node, structure) for node in structure.nodes]
    module_types = {module.path: lookup.for_module(module) for module in structure.modules}
    visibility = Visibility(structure, types, options.show_all)
    outline = build_outline(visibility)
    root = build_tree(outline, Expansion(outline, options, closed_groups(outline, module_types, types)))
    # A picture that shows everything shows each repeat.
    folds = options.depth is not None and not options.show_all
    turns: Mapping[int, Turn] = fold(root, visibility) if folds else {}
    boxes = root.boxes()
    wires = connect(visibility, boxes, list(opened_containers(root)), turns)
    return Picture(structure, types, module_types, visibility, root, boxes, wires)


def check_options(options: PictureOptions) -> None:
    """Raises `OptionError`, naming the known values and the nearest, where an option has an unknown one."""
    for name, value, known in (
        ("color_by", options.color_by, COLOR_BY),
        ("direction", options.direction, DIRECTIONS),
        ("theme", options.theme, THEMES),
    ):
        if value not in known:
            hint = did_you_mean(str(value), known)
            raise OptionError(f"Unknown {name} {value!r}: choose one of {', '.join(known)}.{hint}")
    if options.depth is not None and options.depth < 0:
        raise OptionError(f"Depth {options.depth} is below 0: 0 shows each root as one box, None expands all.")


def opened_containers(container: PictureContainer) -> Iterator[PictureContainer]:
    """Yields a container and every container inside it, outer ones first."""
    yield container
    for child in container.children:
        if isinstance(child, PictureContainer):
            yield from opened_containers(child)


def plugin_layer_types() -> LayerTypeLookup:
    """Returns the layer types that the plugins registered."""
    from graphviz_nn.plugin.manager import plugins

    return plugins().layer_types
