"""Numbers in words, and file names as they are typed."""

from __future__ import annotations

import os
import shlex

from graphviz_nn.model.wording import plural

__all__ = ["plural", "quantity", "shell_word"]


def quantity(value: float) -> str:
    """A large number in three figures with its unit: 1234567 → "1.23 M"."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def shell_word(text: str | os.PathLike[str]) -> str:
    """A file's name or an argument as one word of a shell, whatever bytes it holds: "a b" → "'a b'"."""
    word = os.fspath(text)
    if word.isprintable():
        return shlex.quote(word)
    # Line breaks, and bytes that are no text: the quoting of bash, zsh and POSIX.1-2024.
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
