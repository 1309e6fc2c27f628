"""Shows an exception of the user's program as Python itself would, without this package's frames."""

from __future__ import annotations

import os
import sys
from types import TracebackType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def show(error: BaseException) -> None:
    """Passes the exception to `sys.excepthook`, which the user's program may have set, as its own uncaught one."""
    for each in _chain(error):
        each.__traceback__ = _without_own_frames(each.__traceback__)
    sys.stdout.flush()
    sys.excepthook(type(error), error, error.__traceback__)


def brief(error: BaseException) -> str:
    """Returns the exception in one line: "ValueError: no such mode (models.py:12)"."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error}"  # its text names file and line already
    where = _place(error)
    return f"{type(error).__name__}: {error}{f' ({where})' if where else ''}"


def _place(error: BaseException) -> str:
    """ "file:line" of the innermost frame outside this package, PyTorch and the import machinery, or ""."""
    torch = sys.modules.get("torch")
    others = ("<frozen", os.path.dirname(torch.__file__) + os.sep) if torch and torch.__file__ else ("<frozen",)
    found = ""
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not _is_own(file) and not file.startswith(others):
            found = f"{file}:{step.tb_lineno}"
        step = step.tb_next
    return found


def _chain(error: BaseException) -> list[BaseException]:
    """The exception, its causes and contexts, and the members of groups, each once."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in found:
            continue
        found[id(each)] = each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
    return list(found.values())


def _without_own_frames(tb: TracebackType | None) -> TracebackType | None:
    kept = []
    while tb is not None:
        if not _is_own(tb.tb_frame.f_code.co_filename):
            kept.append(tb)
        tb = tb.tb_next
    rebuilt: TracebackType | None = None
    for each in reversed(kept):
        rebuilt = TracebackType(rebuilt, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return rebuilt


def _is_own(file: str) -> bool:
    return file.startswith(_PACKAGE)
