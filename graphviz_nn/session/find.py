"""Searches the nodes of a step. The language is that of `graphviz_nn.session.query`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS
from graphviz_nn.session.patterns import Column, literal_part, matcher, module_matcher, shape_text
from graphviz_nn.session.query import QUANTITIES, Comparison, Field, Term, Text, Word, parse
from graphviz_nn.session.readings import Flags, Readings

_SIGNS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_WORD_STATS: Final = {"nan": (STATS.index("nan"),), "inf": (STATS.index("posinf"), STATS.index("neginf"))}


class Finder:
    """Answers searches over the nodes of one step. What it looks up is kept for the next search."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._structure = readings.order.structure
        self._columns: dict[str, Column[Any]] = {}

    def find(self, query: str) -> npt.NDArray[np.intp]:
        """Returns the ids of the nodes for which every term holds, in order of execution; none for blanks.

        A number holds for a node if it holds for one of its outputs, or for one of their gradients; where none was
        measured it does not hold, and its opposite (with `-`) does.

        Raises:
            ExpressionError: the search cannot be read; says where and what to write instead.
            NotRecorded: it asks for numbers that the step does not hold.
        """
        terms = parse(query)
        if not terms:
            return np.empty(0, np.intp)
        found = np.ones(len(self._structure.nodes), np.bool_)
        for term in terms:
            found &= self._holds(term)
        return np.flatnonzero(found)

    def _holds(self, term: Term) -> Flags:
        match term.test:
            case Text(text):
                flags = self._text(text.lower())
            case Field(name, pattern):
                flags = self._field(name, pattern)
            case Comparison(name, sign, number):
                flags = self._compare(name, sign, number)
            case Word(word):
                flags = self._failed() if word == "error" else self._counted(word)
        return ~flags if term.negated else flags

    def _text(self, text: str) -> Flags:
        ops = self._column("op").matching(lambda op: text in op.lower())
        return np.array([text in name for name in self._lower_names], np.bool_) | ops

    def _field(self, name: str, pattern: str) -> Flags:
        if name == "name":
            return self._names(pattern)
        column = self._column(name)
        if name == "module":
            return column.matching(module_matcher(pattern))
        matches = matcher(f"*{pattern}" if name == "source" else pattern)
        if name == "source":
            return column.matching(lambda source: source is not None and matches(f"{source.file}:{source.line}"))
        if name == "shape":
            return self._any_output(column.matching(lambda shape: matches(shape_text(shape))))
        flags = column.matching(matches)
        return self._any_output(flags) if name == "dtype" else flags

    def _names(self, pattern: str) -> Flags:
        """Names all differ, so a plain look sorts out most before the pattern is asked."""
        matches, part = matcher(pattern), literal_part(pattern)
        return np.array([part in name and matches(name) for name in self._lower_names], np.bool_)

    def _compare(self, name: str, sign: str, number: float) -> Flags:
        tensor, statistic = QUANTITIES[name]
        numbers, owner = self._numbers(tensor)
        column = numbers[:, STATS.index(statistic)].astype(np.float64)
        return self._mark(owner[_SIGNS[sign](column, number) & ~np.isnan(column)])

    def _counted(self, word: str) -> Flags:
        flags = np.zeros(len(self._structure.nodes), np.bool_)
        for tensor in ("output", "gradient"):
            numbers, owner = self._numbers(tensor)
            flags |= self._mark(owner[(numbers[:, _WORD_STATS[word]] > 0).any(axis=1)])
        return flags

    def _failed(self) -> Flags:
        order = self._readings.order
        raised = order.node[(order.kind == EventKind.ERROR) & (order.node >= 0)]
        return self._mark(raised.astype(np.intp))

    def _numbers(self, tensor: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
        """A table of statistics, and by row the node that it is of."""
        order = self._readings.order
        if tensor == "output":
            table, owner = self._readings.outputs, self._owners
        else:
            table = self._readings.gradients
            owner = order.node[order.kind == EventKind.GRADIENT].astype(np.intp)
        if table is None:
            if len(owner):
                raise NotRecorded(
                    f"This step holds no statistics of {tensor}s: record with keep='stats' or keep='all'."
                )
            return np.empty((0, len(STATS)), np.float32), owner
        return table, owner

    @cached_property
    def _owners(self) -> npt.NDArray[np.intp]:
        return np.repeat(np.arange(len(self._structure.nodes)), np.diff(self._structure.value_offsets))

    @cached_property
    def _lower_names(self) -> list[str]:
        return [node.name.lower() for node in self._structure.nodes]

    def _column(self, name: str) -> Column[Any]:
        """A field of every node, or of every value: their shapes and types."""
        if name not in self._columns:
            items: Iterable[Any] = self._structure.nodes
            if name in ("shape", "dtype"):
                items = chain.from_iterable(map(operator.attrgetter("outputs"), items))
            self._columns[name] = Column(map(operator.attrgetter(name), items))
        return self._columns[name]

    def _any_output(self, values: Flags) -> Flags:
        return self._mark(self._owners[values])

    def _mark(self, nodes: npt.NDArray[np.intp]) -> Flags:
        flags = np.zeros(len(self._structure.nodes), np.bool_)
        flags[nodes] = True
        return flags
