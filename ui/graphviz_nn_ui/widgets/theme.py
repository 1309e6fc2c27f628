"""The window's colours, light and dark, made from the palettes of pictures.

A widget asks for its theme where it paints: `theme_of(self)`. Qt repaints every widget when the theme changes; one that
keeps painted pieces drops them in `changeEvent` on `PaletteChange`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PyQt6.QtWidgets import QApplication, QWidget

from graphviz_nn.scene.theme import DARK, LIGHT, Palette


@dataclass(frozen=True, slots=True)
class Theme:
    """Every colour of the window.

    Attributes:
        name: "light" or "dark". palette: the colours of pictures, as text.
        window: behind panels. surface: lists and editors. raised: headers, buttons. line: separators.
        ink, muted, faint: text, text beside it, text of what cannot be used.
        accent: links and focus. selection, selection_ink: a selected row.
        forward, backward, update: what belongs to that phase.
        pointer: the place of the cursor. breakpoint: where it stops.
        error, warning, info: severities; always beside a sign or a word.
    """

    name: str
    palette: Palette
    window: QColor
    surface: QColor
    raised: QColor
    line: QColor
    ink: QColor
    muted: QColor
    faint: QColor
    accent: QColor
    selection: QColor
    selection_ink: QColor
    forward: QColor
    backward: QColor
    update: QColor
    pointer: QColor
    breakpoint: QColor
    error: QColor
    warning: QColor
    info: QColor

    @property
    def dark(self) -> bool:
        return self.name == "dark"


LIGHT_THEME: Final = Theme(
    name="light",
    palette=LIGHT,
    window=QColor("#f3f5f8"),
    surface=QColor("#ffffff"),
    raised=QColor("#e8ecf1"),
    line=QColor("#cbd3dc"),
    ink=QColor(LIGHT.ink),
    muted=QColor(LIGHT.muted),
    faint=QColor("#98a3ae"),
    accent=QColor(LIGHT.accent),
    selection=QColor("#cfe5f7"),
    selection_ink=QColor(LIGHT.ink),
    forward=QColor("#0072b2"),
    backward=QColor("#cc79a7"),
    update=QColor("#009e73"),
    pointer=QColor("#d98200"),
    breakpoint=QColor("#d55e00"),
    error=QColor(LIGHT.alarm),
    warning=QColor("#9a6700"),
    info=QColor("#0072b2"),
)
DARK_THEME: Final = Theme(
    name="dark",
    palette=DARK,
    window=QColor("#161c24"),
    surface=QColor(DARK.canvas),
    raised=QColor("#222b36"),
    line=QColor("#344150"),
    ink=QColor(DARK.ink),
    muted=QColor(DARK.muted),
    faint=QColor("#667482"),
    accent=QColor(DARK.accent),
    selection=QColor("#1f4e79"),
    selection_ink=QColor("#ffffff"),
    forward=QColor("#56b4e9"),
    backward=QColor("#dd93bc"),
    update=QColor("#1fbf92"),
    pointer=QColor("#f0a020"),
    breakpoint=QColor("#ff7a2e"),
    error=QColor(DARK.alarm),
    warning=QColor("#f0b429"),
    info=QColor("#56b4e9"),
)

_HALF: Final = 128


def theme_of(widget: QWidget) -> Theme:
    """Returns the theme that a widget is shown in."""
    dark = widget.palette().color(QPalette.ColorRole.Window).lightness() < _HALF
    return DARK_THEME if dark else LIGHT_THEME


def wanted_theme(choice: str) -> Theme:
    """Returns the theme for "light", "dark", or "auto": as the system has it."""
    if choice == "auto":
        hints = QGuiApplication.styleHints()
        dark = hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark
        return DARK_THEME if dark else LIGHT_THEME
    return DARK_THEME if choice == "dark" else LIGHT_THEME


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Shows every window of the application in a theme."""
    colours = {item.name: getattr(theme, item.name).name() for item in fields(theme) if item.type == "QColor"}
    application.setPalette(_qt_palette(theme))
    application.setStyleSheet(Template(_style_sheet()).substitute(colours, name=theme.name, icons=_icons()))


def fixed_font(widget: QWidget) -> QFont:
    """Returns the system's monospace font in the size of the widget's own."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(widget.font().pointSizeF())
    return font


@cache
def _style_sheet() -> str:
    return files("graphviz_nn_ui").joinpath("style.qss").read_text(encoding="utf-8")


@cache
def _icons() -> str:
    """The folder of the icons that the style sheet names, as it writes paths: with slashes everywhere."""
    return Path(str(files("graphviz_nn_ui").joinpath("icons"))).as_posix()


def _qt_palette(theme: Theme) -> QPalette:
    role, palette = QPalette.ColorRole, QPalette()
    for each, colour in {
        role.Window: theme.window,
        role.WindowText: theme.ink,
        role.Base: theme.surface,
        role.AlternateBase: theme.window,
        role.Text: theme.ink,
        role.PlaceholderText: theme.muted,
        role.Button: theme.raised,
        role.ButtonText: theme.ink,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.ink,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.selection_ink,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Midlight: theme.raised,
        role.Light: theme.raised,
    }.items():
        palette.setColor(each, colour)
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, theme.faint)
    return palette
