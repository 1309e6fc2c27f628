"""What the checks found, where it began, why, and what to do."""

from graphviz_nn_ui.panels.findings.panel import FindingsPanel

__all__ = ["FindingsPanel"]
