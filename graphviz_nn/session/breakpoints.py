"""Breakpoints: where to stop, and what else has to be true there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from graphviz_nn.errors import OptionError, SelectorError, UsageError, did_you_mean
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import PHASES
from graphviz_nn.session.conditions import Condition
from graphviz_nn.session.order import StepOrder
from graphviz_nn.session.patterns import Column, matcher, module_matcher
from graphviz_nn.session.readings import Flags, Readings, Rows
from graphviz_nn.signal import Signal

PLACES: Final = ("node", "module", "op", "source", "phase", "anywhere")


class Breakpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A breakpoint.

    Attributes:
        id: which one, from 1.
        on: one of `PLACES`.
        pattern: a node's name, a module's path or an operator, each with * and ?; "file.py:12"; a phase; "" for
            anywhere.
        condition: what else has to be true, or None.
        enabled: whether it stops anything.

    Without a condition it stops where its place is entered: at each call and each gradient of a node, an operator or
    a source line, and each update of a parameter; at each call of a module and where gradients enter it; at the start
    of a phase. With one it stops at each value and each gradient inside its place for which the condition holds.
    """

    id: int
    on: str
    pattern: str = ""
    condition: Condition | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        if self.on not in PLACES:
            choices = ", ".join(PLACES)
            raise OptionError(
                f"A breakpoint stands on one of {choices}, not {self.on!r}.{did_you_mean(self.on, PLACES)}"
            )
        if self.on == "anywhere":
            if self.condition is None:
                raise UsageError("A breakpoint that stands anywhere needs a condition, such as NonFinite().")
        elif not self.pattern:
            raise UsageError(f"A breakpoint on a {self.on} needs a pattern that says which.")
        if self.on == "phase" and self.pattern not in PHASES:
            hint = did_you_mean(self.pattern, PHASES) or f" There are {', '.join(PHASES)}."
            raise OptionError(f"There is no phase {self.pattern!r}.{hint}")
        if self.on == "source":
            _source(self.pattern)

    def __str__(self) -> str:
        place = f"{self.on} {self.pattern}".strip()
        return f"{place}, when {self.condition}" if self.condition is not None else place

    def seqs(self, readings: Readings) -> Rows:
        """Returns the events of a step at which it stops, whether enabled or not, ascending.

        Raises:
            NotRecorded: the condition reads numbers that the step does not hold.
        """
        order = readings.order
        if self.condition is not None:
            rows = self.condition.rows(readings) & self._inside(order)[readings.seq]
            return np.unique(readings.seq[rows])
        inside = self._inside(order)
        if self.on == "phase":
            return np.flatnonzero(_starts(inside))
        if self.on == "module":
            return np.flatnonzero(_enters_module(order, inside))
        # A composite stops where it begins, not once more where it ends.
        return np.flatnonzero(inside & (order.node >= 0) & np.isin(order.kind, _OF_NODES))

    def exists(self, order: StepOrder) -> bool:
        """Whether a step has its place at all: a node, module, operator or source line that the pattern names."""
        return self.on == "anywhere" or bool(self._inside(order).any())

    def _inside(self, order: StepOrder) -> Flags:
        """By event whether it belongs to the place."""
        if self.on == "anywhere":
            return np.ones(len(order), np.bool_)
        if self.on == "phase":
            return np.asarray(order.phase == PHASES.index(self.pattern))
        if self.on == "module":
            paths = [call.path for call in order.structure.module_calls]
            chosen = np.append(Column(paths).matching(module_matcher(self.pattern)), False)
            return chosen[order.module_call]
        chosen = np.append(self._nodes(order), False)
        return chosen[order.node]

    def _nodes(self, order: StepOrder) -> Flags:
        nodes = order.structure.nodes
        if self.on == "source":
            return np.array([_stands_at(node.source, *_source(self.pattern)) for node in nodes], np.bool_)
        names = [node.name if self.on == "node" else node.op for node in nodes]
        return Column(names).matching(matcher(self.pattern))


class Breakpoints:
    """The breakpoints of a session, in the order in which they were set.

    Attributes:
        changed: emitted after each change.
    """

    def __init__(self, changed: Signal[()]) -> None:
        self.changed = changed
        self._items: dict[int, Breakpoint] = {}
        self._next = 1

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(tuple(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, number: int) -> Breakpoint:
        """Raises `SelectorError` where there is no such breakpoint."""
        if number not in self._items:
            known = ", ".join(map(str, self._items)) or "none"
            raise SelectorError(f"There is no breakpoint {number}; there are: {known}.")
        return self._items[number]

    def add(
        self, on: str, pattern: str = "", condition: Condition | None = None, *, origin: object = None
    ) -> Breakpoint:
        """Sets a breakpoint and returns it; one that is there already is returned as it is, enabled.

        Raises:
            UsageError: the place or the condition cannot be; the message says what to write.
        """
        for item in self:
            if (item.on, item.pattern, item.condition) == (on, pattern, condition):
                return self.edit(item.id, enabled=True, origin=origin)
        item = Breakpoint(self._next, on, pattern, condition)
        self._next += 1
        self._items[item.id] = item
        self.changed.emit(origin=origin)
        return item

    def edit(self, number: int, *, origin: object = None, **changes: Any) -> Breakpoint:
        """Changes fields of a breakpoint (on, pattern, condition, enabled) and returns the new one.

        Raises:
            SelectorError: there is no such breakpoint. UsageError: what it would become cannot be.
        """
        before = self[number]
        if unknown := set(changes) - {"on", "pattern", "condition", "enabled"}:
            name = min(unknown)
            raise UsageError(f"A breakpoint has no {name!r}.{did_you_mean(name, Breakpoint.__struct_fields__)}")
        fields = {name: getattr(before, name) for name in Breakpoint.__struct_fields__}
        after = Breakpoint(**{**fields, **changes})
        if after != before:
            self._items[number] = after
            self.changed.emit(origin=origin)
        return after

    def enable(self, number: int, enabled: bool = True, *, origin: object = None) -> Breakpoint:
        """Switches a breakpoint on, or off."""
        return self.edit(number, enabled=enabled, origin=origin)

    def remove(self, number: int, *, origin: object = None) -> None:
        """Raises `SelectorError` where there is no such breakpoint."""
        del self._items[self[number].id]
        self.changed.emit(origin=origin)

    def clear(self, *, origin: object = None) -> None:
        if self._items:
            self._items.clear()
            self.changed.emit(origin=origin)

    def to_json(self) -> bytes:
        """Returns the breakpoints as JSON, for `from_json`."""
        return msgspec.json.encode(list(self))

    def from_json(self, text: bytes | str, *, origin: object = None) -> None:
        """Replaces the breakpoints by those of `to_json`. What cannot be read changes nothing.

        Raises:
            UsageError: it is not a list of breakpoints; the message says where.
        """
        try:
            items = msgspec.json.decode(text, type=list[Breakpoint])
        except msgspec.DecodeError as error:
            raise UsageError(f"These breakpoints cannot be read: {error}. Save them again.") from None
        self._items = {item.id: item for item in items}
        self._next = max(self._items, default=0) + 1
        self.changed.emit(origin=origin)


_OF_NODES: Final = (EventKind.CALL, EventKind.GRADIENT, EventKind.UPDATE, EventKind.ERROR)


def _starts(inside: Flags) -> Flags:
    return np.asarray(inside & ~np.concatenate([[False], inside[:-1]]))


def _enters_module(order: StepOrder, inside: Flags) -> Flags:
    """Calls of a module, and gradients inside it that follow on something outside."""
    gradient = order.kind == EventKind.GRADIENT
    return np.asarray((inside & (order.kind == EventKind.MODULE_ENTER)) | (_starts(inside) & gradient))


def _source(pattern: str) -> tuple[str, int]:
    file, _, line = pattern.rpartition(":")
    if not file or not line.isdecimal() or int(line) < 1:
        raise UsageError(
            f"A breakpoint on a source line needs a file and a line, as in 'model.py:12', not {pattern!r}."
        )
    return file.replace("\\", "/"), int(line)


def _stands_at(source: Any, file: str, line: int) -> bool:
    if source is None or source.line != line:
        return False
    path = source.file.replace("\\", "/")
    return bool(path == file or path.endswith("/" + file))
