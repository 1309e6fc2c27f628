"""Conditions that people write: what they compute, and that nothing but arithmetic gets through."""

import numpy as np
import pytest

from graphviz_nn.errors import ExpressionError
from graphviz_nn.session.expression import Expression

ROWS = {
    ("value", "mean"): [0.5, -1.0, np.nan],
    ("value", "l2"): [3.0, 4.0, 5.0],
    ("gradient", "l2"): [np.nan, 10.0, 1.0],
}


def holds(text: str) -> list[bool]:
    return Expression(text).holds(lambda tensor, name: np.array(ROWS[tensor, name])).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("value.l2 > 3.5", [False, True, True]),
        ("3 <= value.l2 < 5", [True, True, False]),
        ("value.l2 * 2 + 1 == 7", [True, False, False]),
        ("value.l2 ** 2 - 16 == 0", [False, True, False]),
        ("value.l2 % 2 == 1", [True, False, True]),
        ("-value.mean > 0", [False, True, False]),
        ("not value.l2 > 3.5", [True, False, False]),
        ("value.l2 < 3.5 or value.l2 > 4.5", [True, False, True]),
        ("value.l2 > 1 and gradient.l2 > 2 * value.l2", [False, True, False]),
        ("value.l2", [True, True, True]),
        ("  value.l2 > 4 ", [False, False, True]),
        ("value.l2 / 0 > 1", [True, True, True]),
        ("value.l2 < 9**9**9**9", [True, True, True]),
        ("value.l2 < 1" + "0" * 400, [True, True, True]),
    ],
)
def test_computes_what_it_says(text: str, expected: list[bool]):
    assert holds(text) == expected


def test_a_missing_number_makes_no_condition_true():
    assert holds("gradient.l2 != 10") == [False, False, True]
    assert holds("not gradient.l2 > 5") == [False, False, True]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("1 < 2", 0),
        ("value", 0),
        ("value.l2 > valu.mean", 11),
        ("value.l2 > value.l3", 11),
        ("value.l2 > abs(-1)", 11),
        ("value.l2.real > 1", 0),
        ("value.__class__ > 1", 0),
        ("value.l2 > 'x'", 11),
        ("value.l2 > 1j", 11),
        ("value.l2 > (lambda: 1)", 12),
        ("value.l2[0] > 1", 0),
        ("value.l2 if value.l2 else 1", 0),
        ("value.l2 in (1, 2)", 0),
        ("[value.l2]", 0),
        ("(x := value.l2) > 1", 1),
        ("value.l2 // 2", 0),
        ("~value.l2", 0),
        ("value.l2 >", 10),
        ("value.l2 > 1; value.l2", 12),
        ("value.l2 > 1\nvalue.l2", 0),
        ("  value.l3 > 1", 2),
        ("value.l2 > 1 or 'é' or value.l3", 16),
        ("-" * 100 + "value.l2", 41),
    ],
)
def test_lets_nothing_else_through_and_says_where(text: str, position: int):
    with pytest.raises(ExpressionError) as raised:
        Expression(text)
    assert raised.value.position == position


@pytest.mark.parametrize(
    "text", ["(" * 240 + "value.l2" + ")" * 240, "value.l2 > " + "1+" * 5000 + "1", "value.l2 > \0", "-" * 490 + "1"]
)
def test_refuses_what_would_take_too_much(text: str):
    with pytest.raises(ExpressionError):
        Expression(text)
