"""Record, draw and debug the computation graph of a PyTorch program.

import graphviz_nn as gnn

run = gnn.trace(model, x, loss=lambda output: output.mean())
run.export("model.svg", depth=2, color_by="gradient")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphviz_nn.api import partial_run, record, trace
    from graphviz_nn.run import Run, load

__all__ = ["Run", "load", "partial_run", "record", "trace"]

_HOME = {
    "trace": "graphviz_nn.api",
    "record": "graphviz_nn.api",
    "partial_run": "graphviz_nn.api",
    "load": "graphviz_nn.run",
    "Run": "graphviz_nn.run",
}


def __getattr__(name: str) -> Any:
    """Imports what is asked for, when it is asked for: reading a run must not import torch."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
