"""The words of boxes and containers, once they are written."""

from __future__ import annotations

from dataclasses import dataclass

from graphviz_nn.model.layer_types import Category
from graphviz_nn.scene.scene import ParameterBadge


@dataclass(frozen=True, slots=True)
class BoxText:
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


@dataclass(frozen=True, slots=True)
class ContainerText:
    """The words of a container; fields as in `SceneContainer`."""

    role: str
    title: str
    subtitle: str
    tooltip: str
