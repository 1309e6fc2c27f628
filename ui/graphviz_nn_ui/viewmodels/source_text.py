"""The text of a program's file with what each part of it is, for colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token

from graphviz_nn.model.steps import RunData

LONGEST: Final = 2_000_000
"""Characters of a file that are coloured; a longer one is shown plain."""

_ROLES: Final = (
    (Comment, "comment"),
    (String, "string"),
    (Number, "number"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Name.Function, "definition"),
    (Name.Class, "definition"),
    (Name.Decorator, "definition"),
    (Name.Builtin, "builtin"),
)
"""From the most telling to the least: the first that a token belongs to counts."""


class Span(NamedTuple):
    """A part of a line: its first character, its length, and its role."""

    start: int
    length: int
    role: str


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file: its text, and by line the parts of it that have a colour."""

    file: str
    text: str
    spans: tuple[tuple[Span, ...], ...]


def source_text(data: RunData, file: str) -> SourceText | None:
    """Returns a file as the run holds it, or None where it does not. Slow for long files: leave it to a worker.

    Raises `DamagedRunFile` where it cannot be read.
    """
    text = data.sources().get(file)
    return None if text is None else SourceText(file, text, spans_of(text))


def spans_of(text: str) -> tuple[tuple[Span, ...], ...]:
    """Returns by line the parts of a Python text that have a role: comment, string, number, keyword, …"""
    lines: list[list[Span]] = [[] for _ in range(text.count("\n") + 1)]
    if len(text) > LONGEST:
        return tuple(map(tuple, lines))
    line = column = 0
    for token, piece in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        role = _role(token)
        for number, part in enumerate(piece.split("\n")):
            if number:
                line, column = line + 1, 0
            if role and part and line < len(lines):
                lines[line].append(Span(column, len(part), role))
            column += len(part)
    return tuple(map(tuple, lines))


def _role(token: type[Token]) -> str:
    return next((role for kind, role in _ROLES if token in kind), "")
