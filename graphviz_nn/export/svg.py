"""A scene as one SVG file: no script, no font, nothing loaded from elsewhere.

Tooltips are `<title>` elements; light and dark are one media query over concrete colours; every label is escaped, and
characters that XML cannot hold are replaced.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphviz_nn.export.svg_box import box_markup
from graphviz_nn.export.svg_header import LEAST_WIDTH, header
from graphviz_nn.export.svg_style import style_sheet
from graphviz_nn.export.xml import escape, escape_all, number
from graphviz_nn.graph.collector import collector_paused
from graphviz_nn.layout.geometry import DOWN, Path
from graphviz_nn.model.wording import plural
from graphviz_nn.scene import metrics
from graphviz_nn.scene.scene import Scene, SceneContainer, SceneWire
from graphviz_nn.scene.theme import heat_colour

_MARGIN = 24.0
_HEADER_GAP = 16.0
_ARROWS = {"data": "a0", "alias": "a1", "loop": "a2"}


def svg(scene: Scene) -> str:
    """Returns the whole document."""
    with collector_paused():
        return "\n".join(_document(scene))


def _document(scene: Scene) -> list[str]:
    inner = max(scene.width, LEAST_WIDTH)
    head = header(scene, inner)
    width = inner + 2 * _MARGIN
    top = _MARGIN + head.height + _HEADER_GAP
    height = top + scene.height + _MARGIN
    left = _MARGIN + (inner - scene.width) / 2
    size = f'viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">'
        f'<title id="title">{escape(scene.title)}</title><desc id="desc">{escape(_description(scene))}</desc>'
        f"<style>{style_sheet(scene.theme)}</style><defs>{_definitions()}</defs>"
        f'<rect class="bg" width="100%" height="100%"/>'
        f'<g transform="translate({number(_MARGIN)} {number(_MARGIN)})">{head.markup}</g>'
        f'<g transform="translate({number(left)} {number(top)})">',
        *_drawing(scene),
        "</g></svg>\n",
    ]


def _drawing(scene: Scene) -> Iterator[str]:
    """The picture from back to front: containers, wires, containers' titles, boxes, wires' labels."""
    colour_map = scene.legend.scale.colour_map if scene.legend.scale is not None else ""
    yield from map(_container, scene.containers)
    yield '<g class="w">'
    down = scene.direction == DOWN
    tooltips = escape_all([wire.tooltip for wire in scene.wires])
    yield from (_wire(wire, tooltip, down) for wire, tooltip in zip(scene.wires, tooltips, strict=True))
    yield "</g>"
    yield from (_container_title(container, colour_map) for container in scene.containers)
    tooltips = escape_all([box.tooltip for box in scene.boxes])
    yield from (box_markup(box, tooltip, colour_map) for box, tooltip in zip(scene.boxes, tooltips, strict=True))
    for wire in scene.wires:
        if wire.label_at is not None:
            x, y = wire.label_at
            yield f'<text class="l" x="{number(x)}" y="{number(y)}">{escape(wire.label)}</text>'


def _definitions() -> str:
    arrows = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="{name}" d="M0 .8 8 4 0 7.2 1.6 4Z"/></marker>'
        for name in _ARROWS.values()
    )
    hatch = (
        '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="x" width="2.5" height="5"/></pattern>'
    )
    return arrows + hatch


def _container(container: SceneContainer) -> str:
    rect = container.rect
    return (
        f'<rect id="{container.key}" class="d{container.depth % 2}" x="{number(rect.x)}" y="{number(rect.y)}" '
        f'width="{number(rect.width)}" height="{number(rect.height)}" rx="9">'
        f"<title>{escape(container.tooltip)}</title></rect>"
    )


def _container_title(container: SceneContainer, colour_map: str) -> str:
    x = container.title_rect.x + metrics.CONTAINER_LEFT
    y = number(container.title_rect.y + 17)
    heat = container.heat
    after = number(metrics.CONTAINER_GAP)
    subtitle = (
        f'<tspan class="u" font-weight="400" dx="{after}">{escape(container.subtitle)}</tspan>'
        if container.subtitle
        else ""
    )
    swatch = ""
    if heat is not None:
        colour = heat_colour(round(heat.fraction, 2), colour_map)
        swatch = f'<tspan dx="{after}" fill="{colour}">■</tspan><tspan class="n" dx="3">{escape(heat.text)}</tspan>'
    return f'<text class="t" x="{number(x)}" y="{y}">{escape(container.title)}{subtitle}{swatch}</text>'


def _wire(wire: SceneWire, tooltip: str, down: bool) -> str:
    """`tooltip` is escaped."""
    kind = "" if wire.kind == "data" else f' class="{wire.kind}"'
    arrow = _ARROWS[wire.kind]
    path = _path(wire.points, down)
    return f'<path{kind} d="{path}" marker-end="url(#{arrow})"><title>{tooltip}</title></path>'


def _path(points: Path, down: bool) -> str:
    """The wire as SVG path data: straight along the flow, and otherwise the cubics of `layout.geometry.cubics`."""
    x0, y0 = points[0]
    parts = [f"M{number(x0)} {number(y0)}"]
    was_straight = False
    for x1, y1 in points[1:]:
        straight = abs(x0 - x1) < 0.05 if down else abs(y0 - y1) < 0.05
        if straight and was_straight:
            parts.pop()
        if straight:
            parts.append(f"V{number(y1)}" if down else f"H{number(x1)}")
        elif down:
            middle, end = number((y0 + y1) / 2), number(x1)
            parts.append(f"C{number(x0)} {middle} {end} {middle} {end} {number(y1)}")
        else:
            middle, end = number((x0 + x1) / 2), number(y1)
            parts.append(f"C{middle} {number(y0)} {middle} {end} {number(x1)} {end}")
        x0, y0, was_straight = x1, y1, straight
    return "".join(parts)


def _description(scene: Scene) -> str:
    flow = "downwards" if scene.direction == DOWN else "to the right"
    shown = f"{plural(len(scene.boxes), 'box')} and {plural(len(scene.wires), 'wire')}, {flow} from the input"
    return f"Computation graph of {scene.title}: {scene.description}; {shown}."
