"""How tables reach stdout."""

from __future__ import annotations

import io
import sys

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 200
"""Columns where stdout is a file or a pipe: wide enough that no table is broken for a window that is not there."""


def stdout_console() -> Console:
    """Returns a console on the present stdout that colours nothing but what it is told to.

    A stdout that cannot encode all of what we say (Latin-1, a Windows code page) shows question marks in its place.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console
