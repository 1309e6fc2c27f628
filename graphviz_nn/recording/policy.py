"""Which training steps are recorded."""

from __future__ import annotations

import re
from typing import Final, Protocol

from graphviz_nn.errors import OptionError

DEFAULT_BUDGET: Final = 0.05
_PLAIN_STEPS: Final = 3
"""Steps timed without recording before the first decision; the first steps of a program are slower than the rest."""


_MEASURED: Final = 0.8
"""Share of the budget that recorded steps may take as measured; the rest is for what no clock of ours sees: colder
caches and garbage in the steps that follow."""
_RECORDED_IN_A_ROW: Final = 20
"""After so many recorded steps one runs plain, to see how long a step takes by itself now."""
_GUESSED_STEPS: Final = 3
"""Steps that recording one is taken to cost at most, until that was seen."""


class Policy(Protocol):
    """Decides step by step, and is told what each step took."""

    def wants(self, index: int) -> bool:
        """Whether the step with that number is to be recorded."""

    def plain(self, seconds: float) -> None:
        """A step ran without being recorded."""

    def recorded(self, seconds: float) -> None:
        """A step was recorded; the time includes making its record."""


class EveryNth:
    """Records each n-th step, the first among them."""

    def __init__(self, n: int) -> None:
        self._n = n

    def wants(self, index: int) -> bool:
        return index % self._n == 0

    def plain(self, seconds: float) -> None:
        """Time plays no part."""

    def recorded(self, seconds: float) -> None:
        """Time plays no part."""


class Budget:
    """Keeps the whole cost of recording within a share of the program's own time.

    The first step is always recorded. After that a step is recorded when what was spent so far and what the next one
    is expected to cost fit in `budget` × the time of all steps so far.

    A program's first step is slow by itself (libraries are loaded, caches are cold), so what its recording cost is a
    guess until a second step has been recorded.

    Attributes:
        share: the budget, as a share of the program's own time.
    """

    def __init__(self, budget: float = DEFAULT_BUDGET) -> None:
        self.share = budget
        self._spent = 0.0
        self._elapsed = 0.0
        self._plain_count = 0
        self._since_plain = 0
        self._usual = float("inf")
        self._cost = 0.0
        self._first: float | None = None
        self._guess = 0.0

    def wants(self, index: int) -> bool:
        if index == 0:
            return True
        if self._plain_count < _PLAIN_STEPS or self._since_plain >= _RECORDED_IN_A_ROW:
            return False
        return self._spent + self._cost <= _MEASURED * self.share * self._elapsed

    def plain(self, seconds: float) -> None:
        self._plain_count += 1
        self._since_plain = 0
        # A running mean that follows a program that gets slower or faster.
        self._usual = seconds if self._plain_count == 1 else self._usual + 0.1 * (seconds - self._usual)
        self._elapsed += seconds
        if self._plain_count == _PLAIN_STEPS and self._first is not None:
            self._cost = self._guess = min(max(self._first - self._usual, 0.0), _GUESSED_STEPS * self._usual)
            self._spent += self._cost

    def recorded(self, seconds: float) -> None:
        if self._plain_count < _PLAIN_STEPS:
            self._first = seconds
            self._elapsed += seconds
            return
        self._since_plain += 1
        self._usual = min(self._usual, seconds)  # the program got faster, if it is faster than that with us
        self._cost = seconds - self._usual
        self._spent += self._cost
        self._elapsed += self._usual
        if self._first is not None:  # now we know better what the first one cost
            self._spent += min(max(self._first - self._usual, 0.0), self._cost) - self._guess
            self._first = None


def parse_policy(every: int | str, budget: float | str = DEFAULT_BUDGET) -> Policy:
    """Reads the `every` and `budget` arguments: "auto" with a budget such as 0.05 or "5%", or each n-th step.

    Raises:
        OptionError: anything else.
    """
    share = _parse_budget(budget)
    if every == "auto":
        return Budget(share)
    if isinstance(every, str) and every.isdigit():
        every = int(every)
    if isinstance(every, int) and not isinstance(every, bool) and every >= 1:
        return EveryNth(every)
    raise OptionError(f"every={every!r} is not known: use 'auto' or a number of steps from 1.")


def _parse_budget(budget: float | str) -> float:
    if isinstance(budget, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", budget)
        if match is None:
            raise OptionError(f"budget={budget!r} is not known: use a share such as 0.05 or '5%'.")
        budget = float(match[1]) / (100 if match[2] else 1)
    if not 0 < budget <= 10:
        raise OptionError(f"budget={budget!r} is out of range: use a share of the program's own time such as 0.05.")
    return float(budget)
