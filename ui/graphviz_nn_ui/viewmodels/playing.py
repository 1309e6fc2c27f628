"""Playing a step like a film: how far to go by the clock, whatever the rate of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from graphviz_nn.session import Session

SPEEDS: Final = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)
"""Events a second that can be chosen."""


class Film:
    """Moves a session's cursor at a speed, stopping at breakpoints and at the end of the step.

    Attributes:
        speed: events a second; may change while it plays.
    """

    def __init__(self, session: Session, speed: float) -> None:
        self.session = session
        self.speed = speed
        self._owed = 0.0

    def advance(self, seconds: float) -> bool:
        """Goes on by what `seconds` are worth; returns whether there is more to play."""
        self._owed += seconds * self.speed
        count = int(self._owed)
        self._owed -= count
        if not count:
            return True
        session = self.session
        step = session.step
        target = min(session.cursor + count, len(step.order) - 1)
        stops = step.stops(session.breakpoints)
        ahead = stops[(stops > session.cursor) & (stops <= target)]
        stopped = len(ahead) > 0
        session.scrub(int(ahead[0]) if stopped else target)
        return not stopped and target < len(step.order) - 1
