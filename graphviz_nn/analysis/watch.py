"""Checks a training while it is recorded, and tells what is found: each finding once, at bounded cost."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Final

from graphviz_nn.analysis.check import Checker, place_of, rank, set_thresholds
from graphviz_nn.analysis.recent import RecentSteps
from graphviz_nn.errors import FindingWarning, OptionError, TrainingStopped, did_you_mean
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import StepRecord
from graphviz_nn.plugin.manager import plugins

OnFinding = Callable[[Finding], object] | str
REACTIONS: Final = ("warn", "stop")
"""What can be done about a finding by name; anything else is a function that is called with it."""

AT_WARNING: Final = 1
AT_ERROR: Final = 2
"""Ranks of `SEVERITIES`: worth a warning, and a reason to stop."""

_logger = logging.getLogger("graphviz_nn")


class Watch:
    """Looks at recorded steps, puts what it finds into the run, and does what was asked for about it.

    The first step is always looked at. After that checks run behind a step as long as what they have taken stays within
    `allowance` + `share` of the time since the recording began; steps that they pass over are seen by the next look,
    and those at the end when the recording ends.

    Attributes:
        found: the findings so far, in the order in which they came.
        looks: how often the checks have run.
    """

    def __init__(
        self,
        react: OnFinding,
        keep: Callable[[Finding], None],
        *,
        thresholds: Mapping[str, float] | None = None,
        share: float = 0.1,
        allowance: float = 1.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`keep` puts a finding into the run; `share` is of the time that has passed, the rest in seconds.

        Raises:
            OptionError: `react` is neither a function nor one of `REACTIONS`, or a threshold is unknown.
        """
        if not callable(react) and react not in REACTIONS:
            hint = did_you_mean(react, REACTIONS) if isinstance(react, str) else ""
            raise OptionError(f"on_finding={react!r} is not known: use 'warn', 'stop' or a function.{hint}")
        known = plugins().checks
        self.found: list[Finding] = []
        self.looks = 0
        self._checker = Checker(plugins().layer_types, known, set_thresholds(known, thresholds or {}))
        self._react = react
        self._keep = keep
        self._share, self._allowance, self._clock = share, allowance, clock
        self._recent = RecentSteps()
        self._told: dict[tuple[str, str], int] = {}
        self._unseen = False
        self._callback_failed = False
        self._began = clock()
        self._spent = 0.0
        self._last: float | None = None

    def step(self, record: StepRecord) -> None:
        """Takes a step that the run's sink has been given.

        Raises:
            TrainingStopped: an error was found, and training is to stop at it.
        """
        self._recent.write(record)
        self._unseen = True
        if self._affordable():
            self._look(may_stop=record.info.error is None)

    def finish(self, error: BaseException | None = None) -> None:
        """The recording ends, by `error` where the program failed: looks at steps that no check has seen yet.

        Raises:
            TrainingStopped: as `step` does, unless the program has failed by itself.
        """
        if self._unseen:
            self._look(may_stop=error is None)

    def _affordable(self) -> bool:
        if self._last is None:
            return True
        return self._spent + self._last <= self._allowance + self._share * (self._clock() - self._began)

    def _look(self, *, may_stop: bool) -> None:
        self._unseen = False
        self.looks += 1
        began = self._clock()
        new = [finding for finding in self._checker.findings(self._recent) if self._is_news(finding)]
        self._last = self._clock() - began
        self._spent += self._last
        for finding in new:
            self.found.append(finding)
            self._keep(finding)
        for finding in new:
            self._tell(finding)
        if self._react == "stop" and may_stop:
            worst = next((finding for finding in new if rank(finding) >= AT_ERROR), None)
            if worst is not None:
                raise TrainingStopped(self._text(worst), worst)

    def _is_news(self, finding: Finding) -> bool:
        """Whether this rule has said nothing about this place yet, or nothing so severe."""
        key = (finding.rule, place_of(finding, self._recent))
        if rank(finding) <= self._told.get(key, -1):
            return False
        self._told[key] = rank(finding)
        return True

    def _tell(self, finding: Finding) -> None:
        """What the user's function or filter of warnings raises is logged once; training goes on."""
        try:
            if callable(self._react):
                self._react(finding)
            elif rank(finding) >= AT_WARNING and not (self._react == "stop" and rank(finding) >= AT_ERROR):
                _warn(FindingWarning(self._text(finding), finding))
        except Exception as error:
            if not self._callback_failed:
                _logger.exception("on_finding raised %s; training goes on", type(error).__name__)
            self._callback_failed = True

    def _text(self, finding: Finding) -> str:
        step = self._recent.steps()[finding.step].index
        where = place_of(finding, self._recent)
        return f"{finding.rule} at {where} (training step {step}): {finding.cause} {finding.remedy}"


def _warn(warning: FindingWarning) -> None:
    """Gives the warning at the line of the user's program that is running: what stands above it is ours and torch's."""
    from graphviz_nn.recording.sources import is_user_code

    frame = sys._getframe(1)
    while frame.f_back is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    warnings.warn_explicit(warning, FindingWarning, frame.f_code.co_filename, frame.f_lineno)
