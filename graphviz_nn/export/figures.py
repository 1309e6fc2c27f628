"""View data drawn by matplotlib, for papers and slides. The only module that imports it, and late."""

from __future__ import annotations

import io
import math
import textwrap
from functools import singledispatch
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.views import Curve, Curves, HeatMap, ImageGrid, Table, ViewData, finite_range
from graphviz_nn.scene.theme import DARK, LIGHT, Palette
from graphviz_nn.scene.tiles import (
    GAP,
    LEVELS,
    NONFINITE_COLOURS,
    NONFINITE_WORDS,
    best_columns,
    colour_table,
    sheet,
    tiles,
    true_colour,
)

DPI: Final = 150
_HUES: Final = {"forward": "#0072b2", "backward": "#cc79a7", "update": "#009e73", "": "#56b4e9"}
_LABELLED: Final = 100
"""Images beyond which numbers beside each would not be read."""

_BAND: Final = "#009e73"
_TITLE: Final = 11.5
"""Characters of a title on an inch."""


def draw(shown: ViewData, format: str, theme: str = "light", dpi: int = DPI) -> bytes:
    """Returns view data as the bytes of a "png", "svg" or "pdf" file; `dpi` is the resolution of a "png".

    Raises:
        NotRecorded: there is nothing in it to draw.
    """
    palette = DARK if theme == "dark" else LIGHT
    figure = Figure(figsize=(8, 5), dpi=dpi, facecolor=palette.canvas, layout="constrained")
    _draw(shown, figure, palette)
    caption = "\n".join(textwrap.wrap(shown.note, int(figure.get_figwidth() * 14)))
    if caption:
        figure.supxlabel(caption, fontsize=7.5, color=palette.muted)
    stream = io.BytesIO()
    # Without a date the same run gives the same file.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format)
    figure.savefig(stream, format=format, facecolor=palette.canvas, metadata=metadata)
    return stream.getvalue()


@singledispatch
def _draw(shown: ViewData, figure: Figure, palette: Palette) -> None:
    raise TypeError(f"{type(shown).__name__} is no view data")


@_draw.register
def _images(shown: ImageGrid, figure: Figure, palette: Palette) -> None:
    if not shown.images.size:
        raise NotRecorded(f"{shown.title}: there are no images to draw.")
    count, height, width = shown.images.shape[:3]
    columns = best_columns(count, height, width, 1.5)
    rows = -(-count // columns)
    labelled = count <= _LABELLED and any(shown.labels)
    between = max(1, round(0.04 * max(height, width)))
    gap = (max(2, round(0.2 * height)) if labelled else between, between)
    across, down = columns * (width + gap[1]), rows * (height + gap[0])
    side = 7.5 / max(across, 1.5 * down)
    figure.set_size_inches(max(across * side, 3.5) + 0.8, max(down * side, 1.2) + 0.9)
    axes = _plain_axes(figure, palette, shown.title, above=16 if labelled else 8)
    if shown.in_colour:
        channels = [sheet(channel, columns, gap) for channel in np.moveaxis(true_colour(shown), -1, 0)]
        picture = np.stack(channels, axis=-1)
        picture[sheet(np.zeros((count, height, width), np.uint8), columns, gap) == GAP] = _bytes(palette.canvas)
        axes.imshow(picture, interpolation="nearest")
    else:
        _indexed(shown, axes, figure, palette, columns, gap)
    if labelled:
        for place, label in enumerate(shown.labels):
            x, y = place % columns * (width + gap[1]), place // columns * (height + gap[0])
            axes.text(x - 0.5, y - 0.7, label, fontsize=6, color=palette.muted, va="bottom", ha="left")


def _indexed(
    shown: ImageGrid, axes: Axes, figure: Figure, palette: Palette, columns: int, gap: tuple[int, int]
) -> None:
    found = tiles(shown.images, shown.scale, shown.colours, shown.limits)
    table = ListedColormap(colour_table(shown.colours, palette.canvas))
    axes.imshow(sheet(found.indices, columns, gap), cmap=table, vmin=0, vmax=255, interpolation="nearest")
    if shown.scale == "common" and np.isfinite(found.ranges[0]).all():
        low, high = found.ranges[0]
        _colour_bar(figure, axes, palette, Normalize(low, high), shown.colours, "")
    for place, (slot, pixels) in enumerate(found.counts.items()):
        text = f"■ {pixels} × {NONFINITE_WORDS[slot]}"
        axes.text(1.0, -0.01 - 0.05 * place, text, color=NONFINITE_COLOURS[slot], transform=axes.transAxes, fontsize=8,
                  va="top", ha="right")  # fmt: skip


@_draw.register
def _heat_map(shown: HeatMap, figure: Figure, palette: Palette) -> None:
    rows, columns = shown.values.shape
    figure.set_size_inches(9, min(max(0.22 * rows + 1.4, 2.5), 14))
    axes = _axes(figure, palette, shown.title)
    norm = _norm(shown)
    table = ListedColormap(colour_table(shown.colours, palette.canvas)[:LEVELS])
    axes.set_facecolor(palette.containers[1])  # what has no number is left out
    axes.imshow(shown.values, cmap=table, norm=norm, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(rows), _thinned(shown.rows, 60), fontsize=7)
    every = max(-(-columns // 12), 1)
    axes.set_xticks(range(0, columns, every), shown.columns[::every], fontsize=7)
    axes.set_xlabel(shown.column_axis, color=palette.ink)
    _colour_bar(figure, axes, palette, norm, shown.colours, shown.quantity)


@_draw.register
def _curves(shown: Curves, figure: Figure, palette: Palette) -> None:
    axes = _axes(figure, palette, shown.title)
    if shown.band is not None:
        axes.axhspan(*shown.band, color=_BAND, alpha=0.10, linewidth=0)
    if shown.bars:
        width = 0.8 / max(len(shown.curves), 1)
        for place, curve in enumerate(shown.curves):
            axes.bar(curve.x + (place - (len(shown.curves) - 1) / 2) * width, np.nan_to_num(curve.y), width,
                     label=curve.label, color=_hue(curve), alpha=1 - shown.fading(curve))  # fmt: skip
    else:
        for curve in shown.curves:
            alone = np.count_nonzero(np.isfinite(curve.y)) < 40
            marker = "o" if alone else ""
            axes.plot(curve.x, curve.y, label=curve.label, color=_hue(curve), alpha=1 - shown.fading(curve),
                      linewidth=1.6, marker=marker, ms=3)  # fmt: skip
    if shown.logarithmic and any((curve.y > 0).any() for curve in shown.curves):
        axes.set_yscale("log")
    if shown.ticks:
        figure.set_size_inches(min(max(0.28 * len(shown.ticks) + 2, 6), 22), 5)
        axes.set_xticks(range(len(shown.ticks)), shown.ticks, rotation=60, ha="right", fontsize=7)
    if shown.cursor is not None:
        axes.axvline(shown.cursor, color=palette.muted, linewidth=0.8, linestyle="--")
    axes.set_xlabel(shown.x_axis, color=palette.ink)
    axes.set_ylabel(shown.y_axis, color=palette.ink)
    axes.grid(axis="y", color=palette.container_line, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    if len(shown.curves) > 1:
        axes.legend(fontsize=8, facecolor=palette.canvas, edgecolor=palette.container_line, labelcolor=palette.ink)


@_draw.register
def _table(shown: Table, figure: Figure, palette: Palette) -> None:
    if not shown.rows:
        raise NotRecorded(f"{shown.title}: the table is empty.")
    figure.set_size_inches(1.6 * len(shown.heading) + 0.5, 0.26 * len(shown.rows) + 1.2)
    axes = _plain_axes(figure, palette, shown.title)
    cells = [[f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in shown.rows]
    table = axes.table(cells, colLabels=list(shown.heading), loc="upper center", cellLoc="right", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for cell in table.get_celld().values():
        cell.set_edgecolor(palette.container_line)
        cell.get_text().set_color(palette.ink)


def _norm(shown: HeatMap) -> Normalize:
    values = shown.values
    if shown.logarithmic:
        low, high = finite_range(values[values > 0])
        return LogNorm(low, high) if low < high else LogNorm(low / 10, high * 10) if low > 0 else Normalize(0, 1)
    low, high = finite_range(values)
    if shown.colours == "signed":
        reach = max(abs(low), abs(high))
        return Normalize(-reach, reach)
    return Normalize(low, high) if low < high else Normalize(low - 1, low + 1)


def _colour_bar(figure: Figure, axes: Axes, palette: Palette, norm: Normalize, colours: str, text: str) -> None:
    from matplotlib.cm import ScalarMappable

    table = ListedColormap(colour_table(colours, palette.canvas)[:LEVELS])
    bar = figure.colorbar(ScalarMappable(norm, table), ax=axes, shrink=0.85, pad=0.02, aspect=28)
    bar.ax.tick_params(colors=palette.muted, labelsize=7, which="both")
    bar.set_label(text, color=palette.ink, fontsize=8)
    bar.outline.set_visible(False)


def _axes(figure: Figure, palette: Palette, title: str) -> Axes:
    axes = figure.add_subplot(facecolor=palette.canvas)
    axes.set_title(title, color=palette.ink, fontsize=11)
    axes.tick_params(colors=palette.muted, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(palette.container_line)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _plain_axes(figure: Figure, palette: Palette, title: str, above: float = 8) -> Axes:
    axes = _axes(figure, palette, title)
    lines = textwrap.wrap(title, int(figure.get_figwidth() * _TITLE), break_long_words=False)
    axes.set_title("\n".join(lines), color=palette.ink, fontsize=11, pad=above)
    axes.set_axis_off()
    axes.title.set_visible(True)
    return axes


def _hue(curve: Curve) -> str:
    return _HUES.get(curve.hue, _HUES[""])


def _thinned(names: tuple[str, ...], most: int) -> list[str]:
    """The names, of too many only every k-th."""
    every = max(math.ceil(len(names) / most), 1)
    return [name if place % every == 0 else "" for place, name in enumerate(names)]


def _bytes(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
