"""Every error this package raises on purpose.

    GraphvizNNError
    ├── UsageError            a request that cannot be met as written; the message names the likely fix
    │   ├── TargetError       a TARGET that does not import, or gives back something else
    │   ├── SelectorError     a pattern or name that matches nothing
    │   ├── OptionError       an unknown option value
    │   └── ExpressionError   a search or a condition that cannot be read; says where
    ├── RunFileError          a run file that cannot be read or written
    │   ├── NotARunFile       missing, foreign, or not a file
    │   ├── NewerRunFile      written by a later version
    │   └── DamagedRunFile
    ├── NotRecorded           the run does not hold what was asked for; says how to record it
    ├── MemoryLimit           keeping tensors would exceed the limit; says how to raise it
    ├── ReplayError           a call cannot be run again
    │   └── ReplayMismatch    a replayed value differs from the recorded one
    └── PluginError           a plugin broke its contract

    TrainingStopped           no error, but the end that on_finding="stop" asks for: like KeyboardInterrupt it passes by
                              `except Exception`
    FindingWarning            the warning that on_finding="warn" gives

Errors of the user's program are never wrapped: they pass through unchanged.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphviz_nn.model.findings import Finding


class GraphvizNNError(Exception):
    """Root of all errors of this package. Its text is one message for people."""


class UsageError(GraphvizNNError, ValueError):
    """A request that cannot be met as written."""


class TargetError(UsageError):
    """A TARGET that does not import, or gives back something else than a module or a tuple with one."""


class SelectorError(UsageError, LookupError):
    """A pattern or name that matches nothing."""


class OptionError(UsageError):
    """An unknown option value."""


class ExpressionError(UsageError):
    """A search or a condition that cannot be read.

    Attributes:
        position: where in the text, in characters from 0.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1} of {text!r})")
        self.position = position


class RunFileError(GraphvizNNError, OSError):
    """A run file that cannot be read or written."""


class NotARunFile(RunFileError):
    """There is no run file at that place."""


class NewerRunFile(RunFileError):
    """The run file was written by a later version of this package."""


class DamagedRunFile(RunFileError):
    """The run file, or the part that was asked for, is damaged."""


class NotRecorded(GraphvizNNError, LookupError):
    """The run does not hold what was asked for."""


class MemoryLimit(GraphvizNNError, MemoryError):
    """Keeping every tensor would take more memory than allowed."""


class ReplayError(GraphvizNNError, RuntimeError):
    """A recorded call cannot be run again."""


class ReplayMismatch(ReplayError):
    """A replayed value differs from the recorded one."""


class PluginError(GraphvizNNError, RuntimeError):
    """A plugin broke its contract."""


class TrainingStopped(BaseException):
    """Ends a training loop whose recording found an error: `record(on_finding="stop")`.

    It is raised after the step: where the optimizer's step ends or, if that does not end it, where the next one begins.
    It is no `Exception`, so that a loop which catches and logs these does not go on unnoticed. Nothing of the recorder
    is left in the program, and the run holds the step and the finding.

    Attributes:
        finding: what was found.
    """

    def __init__(self, message: str, finding: Finding) -> None:
        super().__init__(message)
        self.finding = finding


class FindingWarning(UserWarning):
    """Something is wrong with the training that is recorded: `record(on_finding="warn")`.

    Attributes:
        finding: what was found.
    """

    def __init__(self, message: str, finding: Finding) -> None:
        super().__init__(message)
        self.finding = finding


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns " Did you mean 'x'?" for the known word closest to `word`, or "" where none is near.

    Of dotted names also the end counts: "conv9" is near to "layer1.0.conv1".
    """
    names = list(known)
    near = _closest(word, names)
    if near is None:
        parts = word.count(".") + 1
        ends = {".".join(name.split(".")[-parts:]): name for name in reversed(names)}
        end = _closest(word, ends)
        near = None if end is None else ends[end]
    return "" if near is None else f" Did you mean {near!r}?"


def few(names: Sequence[str], limit: int = 5) -> str:
    """Returns the first of the names, joined by commas, and "…" where there are more."""
    return ", ".join(names[:limit]) + (" …" if len(names) > limit else "")


def _closest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)
