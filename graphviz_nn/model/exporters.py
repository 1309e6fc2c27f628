"""What an exporter is asked for, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from graphviz_nn.model.steps import RunData

COLOR_BY: Final = ("none", "gradient", "activation", "zeros", "nonfinite", "update", "time", "memory")
"""Quantities that colour a picture: L2 norm of the gradient or of the output, share of exact zeros in the output,
count of NaN and ±Inf in output and gradient, L2 norm of the parameters' update over that of the parameters, seconds
of the call, bytes of the output."""

DIRECTIONS: Final = ("down", "right")
THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How a graph is shown.

    Attributes:
        depth: modules nested deeper than this are boxes; 0 shows the roots as one box each, None expands all.
        expand: glob patterns of module paths ("layer3.*") that are expanded whatever `depth` says.
        color_by: one of `COLOR_BY`.
        direction: one of `DIRECTIONS`: from input to loss top-down or left to right.
        theme: one of `THEMES`; "auto" follows the viewer's light or dark mode.
        show_all: also no-ops, shape arithmetic, bookkeeping, parameters as nodes, and the phases after the forward.
    """

    depth: int | None = 1
    expand: tuple[str, ...] = ()
    color_by: str = "none"
    direction: str = "down"
    theme: str = "auto"
    show_all: bool = False


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One step of a run (`position` in `data.steps()`), and how to show it."""

    data: RunData
    position: int
    options: PictureOptions = field(default_factory=PictureOptions)


@dataclass(frozen=True, slots=True)
class Exporter:
    """A file format. `write` returns the whole file's bytes and raises `UsageError` where it cannot serve."""

    name: str
    suffixes: tuple[str, ...]
    description: str
    write: Callable[[ExportRequest], bytes]
