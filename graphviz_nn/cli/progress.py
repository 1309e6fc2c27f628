"""Signs of life during long work, on stderr and only on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from graphviz_nn.model.steps import StepRecord


@contextmanager
def working(text: str) -> Iterator[None]:
    """Shows a spinner with the text while the context lasts, and leaves nothing behind."""
    # Imported here: this module is loaded with every command, and rich takes its time.
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    # Prints of the user's own model are moved above the spinner where they share its screen; a stdout that goes
    # elsewhere is left alone.
    shared = sys.stdout.isatty()
    spinner = Spinner("dots", text)
    with Live(spinner, console=console, transient=True, redirect_stdout=shared, redirect_stderr=shared):
        yield


class StepTitle:
    """Shows the last recorded step in the terminal's title: the one place that a script does not write to itself.

    Any line on the screen would get between the script's own, its progress bars above all.
    """

    INTERVAL = 0.5
    """Least seconds between two changes of the title."""

    def __init__(self) -> None:
        self._wanted = sys.stderr is not None and sys.stderr.isatty()
        self._shown = 0.0

    def __call__(self, step: StepRecord) -> None:
        """Shows a step that has just been recorded."""
        now = time.monotonic()
        if self._wanted and now - self._shown >= self.INTERVAL:
            loss = f", loss {step.info.loss:.4g}" if step.info.loss is not None else ""
            self._set(f"graphviz-nn: step {step.info.index}{loss}")
            self._shown = now

    def clear(self) -> None:
        """Gives the title back to the terminal, if it was taken."""
        if self._shown:
            self._set("")

    def _set(self, text: str) -> None:
        # Operating System Command 0: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
        sys.stderr.write(f"\x1b]0;{text}\x07")
        sys.stderr.flush()
