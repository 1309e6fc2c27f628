"""Hints at what was probably meant by the name of a file that is not there."""

from __future__ import annotations

from pathlib import Path

from graphviz_nn.errors import did_you_mean, few


def python_files_near(path: str) -> str:
    """Returns a sentence on the Python files in the path's folder: the one of nearly that name, or all of them."""
    folder = Path(path).parent
    if not folder.is_dir():
        return f" There is no folder {str(folder)!r} either."
    names = sorted(str(file) for file in folder.glob("*.py"))
    return did_you_mean(path, names) or (f" The folder holds {few(names)}." if names else "")
