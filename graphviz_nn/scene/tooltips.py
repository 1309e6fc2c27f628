"""What a box says when the pointer rests on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from graphviz_nn.model.nodes import Node
from graphviz_nn.scene.picture import PictureBox
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.words import shape_text

_LONGEST_LINE: Final = 300
_MOST_PARAMETERS: Final = 8


def box_tooltip(nodes: Sequence[Node], box: PictureBox, path: str, what: str, flow: str) -> str:
    """Returns the lines of a box: its full name, what it is, shapes, parameters, place in the program, error."""
    lines = [line for line in (path, what, flow) if line]
    if box.siblings:
        lines.append(f"{box.repeat} equal ones" + (", each feeds the next" if box.looped else ""))
    if box.parameters:
        lines += _parameters(nodes, sorted(box.parameters))
    if len(box.nodes) == 1:
        lone = nodes[box.nodes[0]]
        if lone.source is not None:
            lines.append(f"{_file_name(lone.source.file)}:{lone.source.line} in {lone.source.function}")
        if "error" in lone.attributes:
            lines.append(f"error: {lone.attributes['error']}")
    text = "\n".join(lines)
    if len(text) <= _LONGEST_LINE and text.replace("\n", "").isprintable() and "  " not in text:
        return text
    return "\n".join([readable(line[:_LONGEST_LINE]) for line in lines])


def _parameters(nodes: Sequence[Node], numbers: Sequence[int]) -> Iterator[str]:
    for number in numbers[:_MOST_PARAMETERS]:
        node = nodes[number]
        output = node.outputs[0]
        frozen = "" if output.requires_grad else ", frozen"
        yield f"{' = '.join(node.names) or node.name}: {shape_text(output.shape, output.dtype)}{frozen}"
    if len(numbers) > _MOST_PARAMETERS:
        yield f"and {len(numbers) - _MOST_PARAMETERS} more parameters"


@lru_cache(maxsize=1024)
def _file_name(path: str) -> str:
    return os.path.basename(path)
