"""How a program that was run here ends, and this process with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn, TextIO

from graphviz_nn.cli import tracebacks

INTERRUPTED: Final = object()
"""How a program ended that Ctrl+C ended: not by a code, but by the signal."""


class Interrupted(BaseException):
    """Ctrl+C ended the program, which has been shown; this process is to end likewise."""


def exit_code(run: Callable[[], None]) -> Any:
    """Runs a program and returns how it ended: for `leave`."""
    try:
        run()
    except BaseException as error:
        return ended_by(error)
    return 0


def ended_by(error: BaseException) -> Any:
    """Shows what a program ended with as Python would, and returns what `leave` takes."""
    if isinstance(error, SystemExit):
        return error.code
    tracebacks.show(error)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def leave(code: Any) -> NoReturn:
    """Ends this process as the program ended: what it handed to `sys.exit`, or `INTERRUPTED`."""
    if code is INTERRUPTED:
        raise Interrupted
    sys.exit(code)


def let_go(stream: TextIO | None) -> None:
    """Lets what still waits for a stream that takes no more go nowhere: Python would end with code 120 over it."""
    if stream is None:
        return
    with suppress(OSError, ValueError):  # closed by itself
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
