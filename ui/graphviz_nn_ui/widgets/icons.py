"""The shipped icons, tinted for a theme."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from PyQt6.QtCore import QByteArray, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

from graphviz_nn_ui.widgets.theme import DARK_THEME, LIGHT_THEME, Theme

_SIZES = (20, 40)
_TOKENS = ("accent", "forward", "backward", "update", "pointer", "breakpoint", "error", "warning", "info")


def icon(name: str, theme: Theme) -> QIcon:
    """Returns the icon `icons/<name>.svg`. Raises `FileNotFoundError` where none is shipped under that name."""
    return _icon(name, theme.name)


@cache
def _icon(name: str, theme_name: str) -> QIcon:
    theme = DARK_THEME if theme_name == "dark" else LIGHT_THEME
    text = files("graphviz_nn_ui").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")
    made = QIcon()
    tinted = text.replace("currentColor", theme.ink.name())
    for token in _TOKENS:
        tinted = tinted.replace(f"var(--{token})", getattr(theme, token).name())
    renderer = QSvgRenderer(QByteArray(tinted.encode()))
    for size in _SIZES:
        made.addPixmap(_drawn(renderer, size))
    return made


def _drawn(renderer: QSvgRenderer, size: int) -> QPixmap:
    pixmap = QPixmap(QSize(size, size))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter)
    painter.end()
    return pixmap
