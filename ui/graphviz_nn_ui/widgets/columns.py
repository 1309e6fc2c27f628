"""Columns of a tree or a table that fit its width: one takes what the others leave, and those with no room go away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PyQt6.QtWidgets import QAbstractItemView, QHeaderView

MARGIN: Final = 14
"""What a style leaves free beside the text of a cell, in pixels."""


class FittedColumns:
    """Sizes the columns of a view by texts as wide as what they hold; `fit` does so for another width or font.

    `widths`: by column, the text. `stretched`: columns that share what is left; `least` is what each of them needs, a
    text or a number of pixels. `optional`: columns that are hidden where there is not so much, the first to go first.
    """

    def __init__(
        self,
        view: QAbstractItemView,
        header: QHeaderView,
        widths: Mapping[int, str],
        stretched: tuple[int, ...],
        least: str | int,
        optional: tuple[int, ...],
    ) -> None:
        self._view, self._header = view, header
        self._widths = dict(widths)
        self._stretched, self._least, self._optional = stretched, least, optional
        header.setMinimumSectionSize(24)
        header.setStretchLastSection(False)
        for column in stretched:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self._width = view.width()
        self.fit()

    def set_width(self, column: int, text: str) -> None:
        """Takes another text for the width of a column."""
        if self._widths[column] != text:
            self._widths[column] = text
            self.fit()

    def set_least(self, least: str | int) -> None:
        """Takes another text, or number of pixels, for which there must be room."""
        if self._least != least:
            self._least = least
            self.fit()

    def fit(self, width: int | None = None) -> None:
        """Sizes every column and hides those that there is no room for in a view of that width in pixels.

        None: of the width before, after its font has changed.
        """
        self._width = self._width if width is None else width
        metrics = self._view.fontMetrics()
        widths = {column: metrics.horizontalAdvance(text) + MARGIN for column, text in self._widths.items()}
        least = self._least if isinstance(self._least, int) else metrics.horizontalAdvance(self._least) + MARGIN
        needed = widths | dict.fromkeys(self._stretched, least)
        room = self._width - self._bar()
        for column in self._optional:
            fits = sum(needed.values()) <= room
            self._header.setSectionHidden(column, not fits)
            if not fits:
                del needed[column]
        self._header.setStretchLastSection(False)
        for column, wide in widths.items():
            self._header.resizeSection(column, wide)
        # Where none is left of those that share the rest, the last one has it.
        self._header.setStretchLastSection(all(map(self._header.isSectionHidden, self._stretched)))

    def _bar(self) -> int:
        bar = self._view.verticalScrollBar()
        return 0 if bar is None else bar.sizeHint().width()
