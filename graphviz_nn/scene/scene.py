"""A picture as plain data: what the exporters write and the app paints.

Lengths are in pixels of the unscaled picture; x grows to the right, y grows downwards. Colours are not in it: a
category, or a place on a magnitude map, is turned into one by `graphviz_nn.scene.theme`. Every text is measured and
safe to show (`graphviz_nn.scene.text`), but not escaped for any file format.
"""

from __future__ import annotations

from typing import Final

import msgspec

from graphviz_nn.layout.geometry import Point, Rect
from graphviz_nn.model.layer_types import Category

BOX_ROLES: Final = ("operator", "module", "composite", "source")
"""What a box stands for: one operator call, one or more calls of a module that are not expanded, a composite or
custom function that is not expanded, or a tensor that the program read."""

MARKS: Final = ("output", "loss", "error", "nonfinite")
"""What is special about a box: a value of it is what the model returned, or the loss; the call raised; a value or
gradient of it holds NaN or ±Inf (known only where the picture is coloured by that)."""


class Heat(msgspec.Struct, frozen=True, gc=False):
    """The number that colours a box. `fraction` (0…1) is its place on the scale, `text` the number for people."""

    value: float
    fraction: float
    text: str


class ParameterBadge(msgspec.Struct, frozen=True, gc=False):
    """The parameters that a box reads: number of elements, whether any of them is trained, and the text for both."""

    elements: int
    trained: bool
    text: str


class SceneBox(msgspec.Struct, frozen=True, gc=False):
    """A box that is not expanded.

    Attributes:
        key: the box in wires: "n12" for node 12, "m3" for module call 3, "f12" for composite or custom function 12.
        title, subtitle, shape: its lines, top to bottom; "" leaves a line out.
        nodes: ids of the nodes that it stands for, in order; several for a module and for a folded run.
        repeat: how many equal siblings it stands for; 1 where nothing was folded.
        looped: a value goes from one of the folded siblings to the next.
        path: dotted module path or node name, whole.
    """

    key: str
    rect: Rect
    role: str
    category: Category
    title: str
    subtitle: str
    shape: str
    tooltip: str
    nodes: tuple[int, ...]
    path: str
    parameters: ParameterBadge | None = None
    heat: Heat | None = None
    marks: tuple[str, ...] = ()
    repeat: int = 1
    looped: bool = False


class SceneContainer(msgspec.Struct, frozen=True, gc=False):
    """An expanded module call, composite or custom function. `depth` counts the containers around it.

    `title_rect` is the room for title and subtitle, which no entering wire passes through.
    """

    key: str
    rect: Rect
    title_rect: Rect
    role: str
    title: str
    subtitle: str
    tooltip: str
    path: str
    depth: int
    heat: Heat | None = None


class SceneWire(msgspec.Struct, frozen=True, gc=False):
    """Values that flow from box `source` to box `target`, along `points` (see `layout.geometry.cubics`).

    `kind` is "data", "alias" (what was written through another view of the same memory) or "loop" (to the next one
    of folded siblings). `label`, around `label_at` where given, is the shape that flows, where it changed.
    """

    source: str
    target: str
    kind: str
    points: list[Point]
    tooltip: str
    label: str = ""
    label_at: Point | None = None


class Scale(msgspec.Struct, frozen=True, gc=False):
    """What heat means: title, range, whether fractions are of the logarithm, and the magnitude map's name.

    Where no box has a number the range is NaN and its texts are "".
    """

    title: str
    low: float
    high: float
    logarithmic: bool
    colour_map: str
    low_text: str
    high_text: str


class Legend(msgspec.Struct, frozen=True, gc=False):
    """What the picture's signs mean: the categories in it, the scale of its heat, and which marks occur."""

    categories: tuple[Category, ...]
    scale: Scale | None
    parameters: bool
    frozen_parameters: bool
    marks: tuple[str, ...]
    kinds: tuple[str, ...]


class Scene(msgspec.Struct, frozen=True, gc=False):
    """The whole picture, containers before what they contain. `direction` and `theme` as in `PictureOptions`."""

    title: str
    description: str
    width: float
    height: float
    direction: str
    theme: str
    containers: tuple[SceneContainer, ...]
    boxes: tuple[SceneBox, ...]
    wires: tuple[SceneWire, ...]
    legend: Legend
