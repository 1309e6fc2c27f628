"""Where commands may write, asked before the long work starts."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from graphviz_nn.cli.ending import let_go
from graphviz_nn.cli.text import plural
from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.store.destination import STAGING_SUFFIX
from graphviz_nn.store.format import SIDECARS

RUN_SUFFIX = ".gvnn"

_UNHEARD = (OSError, ValueError, AttributeError)
"""What writing to a stream raises whose reader has left, that was closed, or that is None."""


def ensure_writable(path: Path) -> None:
    """Returns if a file can be made or replaced at `path`; leaves nothing behind.

    Raises:
        OptionError: it is a folder, its folder does not exist, or may not be written to.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise OptionError(f"{path} is a folder. Name a file in it: -o {path / 'model.svg'}")
    if not folder.is_dir():
        raise OptionError(f"There is no folder {folder}. Make it first: mkdir -p {folder}")
    try:
        with tempfile.TemporaryFile(dir=folder):  # what the rights say is not all: root may not write everywhere either
            pass
    except OSError as error:
        raise OptionError(
            f"The folder {folder} cannot be written to ({error.strerror}). Name another with -o."
        ) from error
    _ensure_short(path)
    if path.exists() and not os.access(path, os.W_OK):
        raise OptionError(f"{path} is read-only. Name another file with -o.")


def _ensure_short(path: Path) -> None:
    """Raises `OptionError` where the file system takes no name as long, with what stands beside a file being made."""
    if not hasattr(os, "pathconf"):
        return
    longest = os.pathconf(path.absolute().parent, "PC_NAME_MAX")
    excess = len(os.fsencode(path.name)) + len(STAGING_SUFFIX) + max(map(len, SIDECARS)) - longest
    if excess > 0:
        raise OptionError(
            f"The name {path.name} is too long for its folder by {plural(excess, 'byte')}. Give a shorter one with -o."
        )


def ensure_run_suffix(path: Path) -> None:
    """Raises `OptionError` unless the path ends as run files do: a typing error must not overwrite a script."""
    if path.suffix != RUN_SUFFIX:
        raise OptionError(
            f"{path} does not end in {RUN_SUFFIX}, as run files do. Did you mean {path.stem}{RUN_SUFFIX}?"
        )


def ensure_known_format(path: Path) -> None:
    """Raises `OptionError` unless the path ends as a run file does, or as an exporter's files do."""
    suffixes = sorted({suffix for exporter in plugins().exporters for suffix in exporter.suffixes} | {RUN_SUFFIX})
    if path.suffix.lower() not in suffixes:
        hint = did_you_mean(path.suffix, suffixes)
        what = (
            f"no format has the suffix {path.suffix}"
            if path.suffix
            else "the suffix says the format, and there is none"
        )
        raise OptionError(f"{path}: {what}; known: {', '.join(suffixes)}.{hint}")


def note(text: str) -> None:
    """Says something beside the point on stderr, where it does not disturb what a program reads.

    What was printed so far goes first, also where stdout is a file or a pipe.
    """
    with suppress(*_UNHEARD):
        sys.stdout.flush()
    try:
        click.echo(f"graphviz-nn: {text}", err=True)
    except _UNHEARD:
        let_go(sys.stderr)
