"""What the tests of the panels of views have in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from graphviz_nn_ui.workspace import Workspace


@pytest.fixture
def settle(qtbot: QtBot, workspace: Workspace) -> Callable[[], None]:
    """Waits until no work is under way and its results have arrived."""

    def wait() -> None:
        qtbot.waitUntil(lambda: not workspace.jobs.tags, timeout=30_000)  # other programs may take the time

    return wait
