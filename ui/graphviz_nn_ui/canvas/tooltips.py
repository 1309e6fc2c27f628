"""What a box, container or wire says when the mouse rests on it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PyQt6.QtGui import QHelpEvent
from PyQt6.QtWidgets import QToolTip

from graphviz_nn_ui.canvas.hits import BOX, CONTAINER, Hit
from graphviz_nn_ui.viewmodels.graph_nonfinite import nonfinite_text
from graphviz_nn_ui.viewmodels.graph_state import findings_of

if TYPE_CHECKING:
    from graphviz_nn_ui.canvas.view import Canvas


def show_tooltip(canvas: Canvas, event: QHelpEvent) -> None:
    """Shows the text for what stands under the mouse, or none."""
    hit = canvas.hit(event.pos().toPointF())
    text = tooltip_text(canvas, hit) if hit is not None else ""
    if text:
        QToolTip.showText(event.globalPos(), f"<p style='white-space:pre'>{escape(text)}</p>", canvas)
    else:
        QToolTip.hideText()


def tooltip_text(canvas: Canvas, hit: Hit) -> str:
    """Returns a few lines of plain text."""
    drawing, document = canvas.drawing, canvas.workspace.document
    if drawing is None or document is None:
        return ""
    tables = drawing.tables
    if hit.kind == CONTAINER:
        return "\n".join(filter(None, (tables.containers.tooltips[hit.place], "Double click closes it.")))
    if hit.kind != BOX:
        wires = tables.wires
        ends = tables.boxes.paths[int(wires.sources[hit.place])], tables.boxes.paths[int(wires.targets[hit.place])]
        return f"{ends[0]} → {ends[1]}\n{wires.shapes[hit.place]}"
    lines = [tables.boxes.tooltips[hit.place]]
    if drawing.numbers is not None and (number := drawing.heat_text(hit.place)):
        lines.append(f"{drawing.numbers.quantity.title}: {number}")
    if drawing.pending[hit.place]:
        lines.append("has no value yet")
    if bad := nonfinite_text(int(drawing.alarms[hit.place])):
        lines.append(f"{bad[0].upper()}{bad[1:]}.")
    session = document.session
    found = findings_of(tables, session.structure, hit.place, document.findings, session.position)
    lines += [f"{finding.severity}: {finding.cause}" for finding in found]
    if canvas.expanding.key_of(hit) is not None:
        lines.append("Double click opens it.")
    return "\n".join(lines)
