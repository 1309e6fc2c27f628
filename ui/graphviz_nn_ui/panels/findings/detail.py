"""One finding: why, what to do, the numbers that prove it, and the rule behind it."""

from __future__ import annotations

from html import escape

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QFrame, QLabel, QScrollArea, QTextBrowser, QToolButton, QVBoxLayout, QWidget

from graphviz_nn.model.findings import Finding
from graphviz_nn.model.views import Curves
from graphviz_nn_ui.viewmodels.finding_curves import curves
from graphviz_nn_ui.viewmodels.finding_rows import SIGNS, evidence_rows, rule_pages, rule_text
from graphviz_nn_ui.viewmodels.magnitudes import Magnitudes
from graphviz_nn_ui.widgets.histogram import HistogramView
from graphviz_nn_ui.widgets.plot import Plot
from graphviz_nn_ui.widgets.theme import theme_of

_PLOT_HEIGHTS = 118, 190
"""Pixels: a plot is as high as what can be seen of the panel, so that its axis is in sight, within these."""
_RULE_HEIGHT = 320
_WIDE_CHARACTERS = 84


class FindingDetail(QScrollArea):
    """Shows one finding at a time."""

    def __init__(self) -> None:
        self._shown: tuple[Finding, str] | None = None
        self._page = ""
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("The finding in detail")
        self._text = QLabel()
        self._text.setAccessibleName("What was found")
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._about = QToolButton()
        self._about.setAccessibleName("About the rule: show or hide")
        self._about.setCheckable(True)
        self._about.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._about.setArrowType(Qt.ArrowType.RightArrow)
        self._about.setAutoRaise(True)
        self._about.toggled.connect(self._open_rule)
        self._rule = QTextBrowser()
        self._rule.setOpenExternalLinks(True)
        self._rule.setSearchPaths([str(rule_pages())])
        self._rule.setMinimumHeight(_RULE_HEIGHT)
        self._rule.setAccessibleName("About the rule")
        self._rule.hide()
        self._drawings: list[QWidget] = []
        words, self._drawn = QVBoxLayout(), QVBoxLayout()
        for widget in (self._text, self._about, self._rule):
            words.addWidget(widget)
        for column in (words, self._drawn):
            column.setSpacing(8)
            column.addStretch(1)
        self._halves = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._halves.setContentsMargins(10, 8, 10, 8)
        self._halves.setSpacing(12)
        self._halves.addLayout(words, 1)
        self._halves.addLayout(self._drawn, 1)
        content = QWidget()
        content.setLayout(self._halves)
        self.setWidget(content)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """Puts what is drawn beside the words where there is room."""
        wide = self.width() > _WIDE_CHARACTERS * self.fontMetrics().averageCharWidth()
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        self._halves.setDirection(direction)
        self._halves.setStretch(0, 1 if wide else 0)
        for plot in self._plots():
            plot.setFixedHeight(self._plot_height())
        super().resizeEvent(event)

    def show_finding(self, finding: Finding, where: str) -> None:
        """Shows a finding with the plots of its evidence."""
        self._shown = finding, where
        self._text.setText(self._in_words(finding, where))
        self._about.setText(f"About the rule {finding.rule}")
        self._about.setChecked(False)
        self._page = rule_text(finding.rule)
        self._about.setVisible(bool(self._page))
        for drawing in self._drawings:
            self._drawn.removeWidget(drawing)
            drawing.deleteLater()
        self._drawings = []
        for each in curves(finding):
            self.add_plot(each)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange and self._shown is not None:
            self._text.setText(self._in_words(*self._shown))

    @property
    def drawings(self) -> tuple[QWidget, ...]:
        """What is drawn of it, from top to bottom."""
        return tuple(self._drawings)

    def add_plot(self, curves: Curves, *, telling: bool = True) -> None:
        """Draws something more about it: above the histograms where it is telling, or else below what is there."""
        plot = Plot(curves.title)
        plot.setFixedHeight(self._plot_height())
        plot.show_curves(curves)
        self._add(plot, len(self._plots()) if telling else len(self._drawings))

    def add_histogram(self, title: str, phase: str, bars: Magnitudes) -> None:
        """Draws a histogram in the colour of a phase, below what is there."""
        view = HistogramView(title)
        view.show_bars(title, phase, bars)
        self._add(view, len(self._drawings))

    def _plots(self) -> list[Plot]:
        return [drawing for drawing in self._drawings if isinstance(drawing, Plot)]

    def _plot_height(self) -> int:
        margins = self._halves.contentsMargins()
        least, most = _PLOT_HEIGHTS
        return min(max(self.height() - margins.top() - margins.bottom(), least), most)

    def _add(self, drawing: QWidget, place: int) -> None:
        self._drawings.insert(place, drawing)
        self._drawn.insertWidget(place, drawing)

    def _in_words(self, finding: Finding, where: str) -> str:
        theme = theme_of(self)
        colour = {"error": theme.error, "warning": theme.warning}.get(finding.severity, theme.info).name()
        rows = "".join(
            f"<tr><td style='color:{theme.muted.name()}; padding-right:12px'>{escape(name)}</td>"
            f"<td>{escape(text)}</td></tr>"
            for name, text in evidence_rows(finding)
        )
        return (
            f"<p><b style='color:{colour}'>{SIGNS[finding.severity]} {finding.severity}</b> "
            f"at <b>{escape(where)}</b></p><p>{escape(finding.cause)}</p>"
            f"<p><b>What to do:</b> {escape(finding.remedy)}</p><table cellspacing='2'>{rows}</table>"
        )

    def _open_rule(self, opened: bool) -> None:
        if opened:
            self._rule.setMarkdown(self._page)  # with its pictures: not before somebody wants to see them
        self._rule.setVisible(opened)
        self._about.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        if opened:
            self.ensureWidgetVisible(self._rule)
