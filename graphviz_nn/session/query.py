"""The language in which people search for nodes, read into terms.

Terms stand side by side and must all hold; `-` before a term turns it round.

    conv                 text in the name or the operator; "quoted text" may hold blanks and words such as nan
    op:conv2d            a field with a pattern of * and ?: the fields are in `FIELDS`
    grad<1e-7            a number with < <= > >= = !=: the quantities are in `QUANTITIES`
    nan  inf  error      a value or gradient with NaN, with ±Inf; the call that failed
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from graphviz_nn.errors import ExpressionError, did_you_mean

FIELDS: Final = ("op", "name", "module", "shape", "kind", "phase", "dtype", "source")
QUANTITIES: Final = {
    "grad": ("gradient", "l2"),
    "norm": ("output", "l2"),
    "mean": ("output", "mean"),
    "std": ("output", "std"),
    "min": ("output", "min"),
    "max": ("output", "max"),
    "zeros": ("output", "zeros"),
}
"""What can be compared with a number: the L2 norm of the gradient, and statistics of the output."""

WORDS: Final = ("nan", "inf", "error")

_TERM: Final = re.compile(r'(?P<not>-?)(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"-][^\s"]*))')
_COMPARISON: Final = re.compile(r"(?P<name>\w+)(?P<sign><=|>=|!=|<|>|=)(?P<number>.*)", re.DOTALL)
_MISTAKEN: Final = re.compile(r"(?P<name>[^\W\d]+)(?P<sign>[^\w\s.:*?-]+)(?P<number>[+-]?[\d.].*)", re.DOTALL)
_FIELD: Final = re.compile(r"(?P<name>\w+):(?P<pattern>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Text:
    """Text in the name or the operator."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field that matches a pattern."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A quantity against a number; `sign` is one of < <= > >= = !=."""

    name: str
    sign: str
    number: float


@dataclass(frozen=True, slots=True)
class Word:
    """One of `WORDS`."""

    word: str


@dataclass(frozen=True, slots=True)
class Term:
    """A test, or the opposite of it."""

    test: Text | Field | Comparison | Word
    negated: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """Returns the terms of a search; none for blanks.

    Raises:
        ExpressionError: a term cannot be read; says where and what to write instead.
    """
    terms = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        negated = bool(match["not"])
        if match["quoted"] is not None:
            terms.append(Term(Text(match["quoted"]), negated))
        else:
            terms.append(Term(_test(match["bare"], text, match.start("bare")), negated))
        position = match.end()
    return tuple(terms)


def _unreadable(text: str, position: int) -> ExpressionError:
    if '"' in text[position : position + 2]:
        return ExpressionError('This quotation does not end: write another "', text, text.index('"', position))
    return ExpressionError("A - stands before what must not be: write -relu", text, position)


def _test(word: str, text: str, position: int) -> Text | Field | Comparison | Word:
    if word.lower() in WORDS:
        return Word(word.lower())
    if (field := _FIELD.fullmatch(word)) is not None:
        return _field(field["name"].lower(), field["pattern"], text, position)
    if (comparison := _COMPARISON.fullmatch(word)) is not None:
        return _comparison(comparison, text, position)
    if (mistaken := _MISTAKEN.fullmatch(word)) is not None and mistaken["name"].lower() in QUANTITIES:
        signs, name = "<, <=, >, >=, = or !=", mistaken["name"].lower()
        place = position + mistaken.start("sign")
        raise ExpressionError(f"{mistaken['sign']!r} compares nothing: write {name}<1e-7, with {signs}", text, place)
    return Text(word)


def _field(name: str, pattern: str, text: str, position: int) -> Field:
    if name not in FIELDS:
        hint = did_you_mean(name, FIELDS) or f" There are {', '.join(FIELDS)}."
        raise ExpressionError(f"There is no field {name!r}.{hint}", text, position)
    if not pattern:
        raise ExpressionError(f"Say what {name} must be: write {name}:*", text, position + len(name) + 1)
    return Field(name, pattern)


def _comparison(match: re.Match[str], text: str, position: int) -> Comparison:
    name = match["name"].lower()
    if name not in QUANTITIES:
        hint = did_you_mean(name, QUANTITIES) or f" There are {', '.join(QUANTITIES)}."
        raise ExpressionError(f"There is no quantity {name!r}.{hint}", text, position)
    try:
        number = float(match["number"])
    except ValueError:
        place = position + match.start("number")
        raise ExpressionError(f"A number must follow {name}{match['sign']}: write {name}<1e-7", text, place) from None
    return Comparison(name, match["sign"], number)
