"""Asking where a file goes."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QWidget


def ask_where(parent: QWidget, title: str, name: str, filters: str, suffixes: tuple[str, ...]) -> Path | None:
    """Returns the file that a person chose to write; None if nobody did.

    It ends in one of the suffixes: in the first where another one, or none, was typed. A file that is there already is
    written over only after the person has agreed.
    """
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffixes[0])
    dialog.selectFile(name)
    if dialog.exec() != QFileDialog.DialogCode.Accepted:
        return None
    return with_suffix(Path(dialog.selectedFiles()[0]), suffixes)


def with_suffix(path: Path, suffixes: tuple[str, ...]) -> Path:
    """Returns the path with one of the suffixes (".pdf"): the first one is put after any other."""
    return path if path.suffix.lower() in suffixes else path.with_name(path.name + suffixes[0])
