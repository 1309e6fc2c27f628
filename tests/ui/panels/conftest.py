"""Runs opened without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import graphviz_nn as gnn
from graphviz_nn.session import Session
from tests.support.panels import Opened


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens runs as sessions; closes them after the test."""
    runs = []

    def open_run(path: Path) -> Session:
        runs.append(gnn.load(path))
        return Session(runs[-1].data)

    yield open_run
    for run in runs:
        run.close()
