"""Playing through the events at a speed."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer

from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.viewmodels.playing import SPEEDS, Film
from graphviz_nn_ui.widgets.alive import while_alive
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.session import Session

FRAME: int = 16
"""Milliseconds between two looks at the clock."""


class Player(QObject):
    """Plays the open step; another document, another step or a pause ends it."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._film: Film | None = None
        self._looked = 0.0
        self.speed = SPEEDS[2]
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._tick)
        while_alive(self, workspace.document_changed, lambda document: self.pause())

    def is_on(self) -> bool:
        return self._timer.isActive()

    def toggle(self) -> None:
        """Plays, from the start where the cursor is at the end; or pauses."""
        document = self._workspace.document
        if self.is_on() or document is None:
            self.pause()
            return
        session = document.session
        if session.cursor == len(session.step.order) - 1:
            session.scrub(-1)
        self._play(session)

    def pause(self) -> None:
        self._timer.stop()
        self._film = None
        self._workspace.commands.refresh()

    def set_speed(self, speed: float) -> None:
        """Plays at so many events a second from now on."""
        self.speed = speed
        if self._film is not None:
            self._film.speed = speed

    def _play(self, session: Session) -> None:
        self._film = Film(session, self.speed)
        self._looked = time.monotonic()
        self._timer.start()

    def _tick(self) -> None:
        now = time.monotonic()
        seconds, self._looked = now - self._looked, now
        if self._film is not None and self._workspace.steps.is_reading(self._film.session):
            return  # goes on in the step that is coming
        if self._film is None or not self._film.advance(seconds):
            self.pause()


def add_playing_commands(workspace: Workspace, player: Player) -> None:
    def possible() -> bool:
        document = workspace.document
        return document is not None and document.session.has_step and len(document.session.step.order) > 0

    tip = "Play the events in order, until a breakpoint or the end; again: pause"
    toggle = Command("play.toggle", "Play", player.toggle, "Debug", "Space", tip, "play", possible, True, player.is_on)
    workspace.commands.add(toggle)
    for speed in SPEEDS:
        workspace.commands.add(
            Command(
                f"play.speed_{speed:g}",
                f"{speed:g} {'event' if speed == 1 else 'events'} a second",
                partial(player.set_speed, speed),
                "Debug/Speed",
                tip=f"Play {speed:g} events a second",
                checkable=True,
                checked=partial(_is_speed, player, speed),
            )
        )


def _is_speed(player: Player, speed: float) -> bool:
    return player.speed == speed
