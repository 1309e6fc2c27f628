"""Conditions that people write, `gradient.l2 > 10 * value.l2`, checked and computed without running any code.

The text is parsed by `ast` and only numbers, `value.NAME`, `gradient.NAME`, arithmetic, comparisons and `and`, `or`,
`not` are let through; there are no calls, no other names and no strings. NAME is one of `STATS`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import ExpressionError, did_you_mean
from graphviz_nn.model.stats import STATS

LONGEST: Final = 500
"""Characters of an expression."""

DEEPEST: Final = 40
"""Operators inside operators."""

TENSORS: Final = ("value", "gradient")

Numbers = npt.NDArray[Any]
Lookup = Callable[[str, str], Numbers]
"""Gives the numbers of (tensor, statistic): one float64 for each row that the expression is asked about."""

_BINARY: Final[dict[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_COMPARE: Final[dict[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_UNARY: Final = (ast.USub, ast.UAdd, ast.Not)


class Expression:
    """A checked expression.

    Attributes:
        text: as it was written.
        tensors: the names out of `TENSORS` that it reads.
    """

    def __init__(self, text: str) -> None:
        """Parses and checks the text.

        Raises:
            ExpressionError: it is no expression, or it holds something that is not allowed; says where and what to
                write instead.
        """
        self.text = text
        self._body = _parse(text)
        self._check(self._body, 0)
        names = {node.id for node in ast.walk(self._body) if isinstance(node, ast.Name)}
        self.tensors = frozenset(names)
        if not names:
            raise ExpressionError("A condition has to read something, such as gradient.l2", text, 0)

    def holds(self, lookup: Lookup) -> npt.NDArray[np.bool_]:
        """Returns for each row whether the expression is true.

        A row where a number that it reads is missing (NaN) is false.
        """
        read: list[Numbers] = []

        def known(tensor: str, name: str) -> Numbers:
            read.append(lookup(tensor, name))
            return read[-1]

        with np.errstate(all="ignore"):
            result = np.asarray(_compute(self._body, known))
            truth = (result != 0) & ~np.isnan(result.astype(np.float64))
        for numbers in read:
            truth = truth & ~np.isnan(numbers)
        return np.asarray(truth, np.bool_)

    def _check(self, node: ast.expr, depth: int) -> None:
        if depth > DEEPEST:
            raise self._error("The condition is nested too deeply: split it into several breakpoints", node)
        children: list[ast.expr]
        match node:
            case ast.BoolOp(values=values):
                children = values
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                children = [left, right]
            case ast.UnaryOp(op=op, operand=operand) if isinstance(op, _UNARY):
                children = [operand]
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
                children = [left, *others]
            case ast.Constant(value=int() | float()):
                children = []
            case ast.Attribute(value=ast.Name(id=tensor), attr=name):
                self._check_name(node, tensor, name)
                children = []
            case _:
                raise self._refusal(node)
        for child in children:
            self._check(child, depth + 1)

    def _check_name(self, node: ast.expr, tensor: str, name: str) -> None:
        if tensor not in TENSORS:
            raise self._error(f"There is no {tensor!r}: write value.NAME or gradient.NAME", node)
        if name not in STATS:
            hint = did_you_mean(name, STATS) or f" There are {', '.join(STATS)}."
            raise self._error(f"There is no statistic {name!r}.{hint}", node)

    def _refusal(self, node: ast.expr) -> ExpressionError:
        if isinstance(node, ast.Name):
            hint = f"write {node.id}.l2 or another of {', '.join(STATS)}" if node.id in TENSORS else "write value.NAME"
            return self._error(f"{node.id!r} alone is no number: {hint}", node)
        what = {ast.Call: "A call", ast.Constant: "This constant", ast.Subscript: "An index"}.get(type(node), "This")
        allowed = "use numbers, value.NAME, gradient.NAME, + - * / % **, comparisons, and, or, not"
        return self._error(f"{what} is not allowed in a condition: {allowed}", node)

    def _error(self, message: str, node: ast.expr) -> ExpressionError:
        # The columns of `ast` count bytes.
        before = self.text.encode()[: node.col_offset].decode(errors="ignore")
        return ExpressionError(message, self.text, len(before))


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"A condition has at most {LONGEST} characters", text[:20] + "…", LONGEST)
    if not text.strip() or "\n" in text:
        raise ExpressionError("Write a condition on one line, such as gradient.l2 > 10", text, 0)
    start = len(text) - len(text.lstrip())
    try:
        # Blanks at the start would be taken for an indentation.
        body = ast.parse(text.lstrip(), mode="eval").body
    except SyntaxError as error:
        # Where the text ends too early Python gives no place, or one behind it.
        place = start + error.offset - 1 if error.offset else len(text)
        raise ExpressionError(f"This cannot be read: {error.msg}", text, min(place, len(text))) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("This cannot be read: write a condition such as gradient.l2 > 10", text, 0) from None
    for node in ast.walk(body):
        if isinstance(node, ast.expr):
            node.col_offset += len(text[:start].encode())
    return body


def _compute(node: ast.expr, lookup: Lookup) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return _float(number)
        case ast.Attribute(value=ast.Name(id=tensor), attr=name):
            return lookup(tensor, name)
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_compute(left, lookup), _compute(right, lookup))
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, _compute(operand, lookup))
        case ast.BoolOp(op=op, values=values):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            truth = _compute(values[0], lookup) != 0
            for value in values[1:]:
                truth = join(truth, _compute(value, lookup) != 0)
            return truth
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compare(_compute(left, lookup), ops, [_compute(other, lookup) for other in others])
    raise AssertionError(f"{type(node).__name__} was let through")


def _unary(op: ast.unaryop, operand: Any) -> Any:
    if isinstance(op, ast.Not):
        return np.asarray(operand == 0)
    number = np.asarray(operand, np.float64)
    return -number if isinstance(op, ast.USub) else number


def _compare(left: Any, ops: list[ast.cmpop], others: list[Any]) -> Any:
    truth: Any = True
    for op, right in zip(ops, others, strict=True):
        truth = np.logical_and(truth, _COMPARE[type(op)](left, right))
        left = right
    return truth


def _float(number: float) -> np.float64:
    """In float64 at once: Python's integers could grow without end."""
    try:
        return np.float64(number)
    except OverflowError:
        return np.float64(np.inf)
