"""The words of boxes and containers, once they are written."""

from __future__ import annotations

import msgspec

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.scene import ParameterBadge


class BoxText(msgspec.Struct, frozen=True, gc=False):
    """The words of a box; fields as in `SceneBox`."""

    role: str
    category: Category
    title: str
    subtitle: str
    shape: str
    tooltip: str
    path: str
    marks: tuple[str, ...]
    parameters: ParameterBadge | None


class ContainerText(msgspec.Struct, frozen=True, gc=False):
    """The words of a container; fields as in `SceneContainer`."""

    role: str
    title: str
    subtitle: str
    tooltip: str
