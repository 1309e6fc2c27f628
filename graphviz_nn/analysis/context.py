"""What a check may look at: the last recorded steps, their structures and their numbers. Nothing here needs torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.model.events import STATE_TENSOR, EventKind
from graphviz_nn.model.findings import Evidence, Finding
from graphviz_nn.model.metrics import MetricTable
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.steps import EventTable, RunData, StepInfo
from graphviz_nn.plugin.layer_types import LayerTypes
from graphviz_nn.store.merge import MergedRun

_Shared = TypeVar("_Shared")
Numbers = npt.NDArray[np.float64]

WINDOW: Final = 12
"""Recorded steps that are looked at, from the last one back."""

COLUMN: Final = {name: position for position, name in enumerate(STATS)}


class Sharing:
    """Something about which rules work out the same things."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}

    def share(self, name: str, work: Callable[[], _Shared]) -> _Shared:
        """Returns what `work` gave the first time that something of this name was asked for: rules share it."""
        if name not in self._shared:
            self._shared[name] = work()
        found: _Shared = self._shared[name]
        return found


class StepFacts(Sharing):
    """One recorded step, its tables keyed the way that checks ask.

    Rows are those of a table of all values (`Structure.value_row`). Numbers that were not measured are NaN.
    """

    def __init__(self, data: RunData, position: int, info: StepInfo, lineage: Lineage) -> None:
        super().__init__()
        self.position = position
        self.info = info
        self.lineage = lineage
        self.structure = lineage.structure
        self._data = data

    @cached_property
    def events(self) -> EventTable:
        return self._data.events(self.position)

    @cached_property
    def output(self) -> Numbers:
        """Statistics of every value: one row a value, one column a `STATS` name."""
        return self.table("output", self.structure.value_count)

    def table(self, name: str, rows: int) -> Numbers:
        """A table in float64; all NaN where the run holds none."""
        found = self._data.stats(self.position, name)
        return np.full((rows, len(STATS)), np.nan) if found is None else found.astype(np.float64)

    def by_rank(self, name: str) -> Numbers | None:
        """A table as each rank has it, [ranks, rows, 9]; None where the run is not that of all ranks together."""
        return self._data.by_rank(self.position, name) if isinstance(self._data, MergedRun) else None

    def metric(self, name: str) -> MetricTable | None:
        """What the metric found in this step; None where it was not taken."""
        return self._data.metric(self.position, name)

    def of_kind(self, kind: EventKind) -> EventTable:
        found: EventTable = self.events[self.events["kind"] == kind]
        return found

    @cached_property
    def gradient_events(self) -> EventTable:
        return self.of_kind(EventKind.GRADIENT)

    @cached_property
    def gradient(self) -> Numbers:
        """Statistics of each GRADIENT event, in order."""
        return self.table("gradient", len(self.gradient_events))

    @cached_property
    def gradient_rows(self) -> npt.NDArray[np.int64]:
        """The value that each GRADIENT event is about, by row."""
        offsets = np.array(self.structure.value_offsets, np.int64)
        rows: npt.NDArray[np.int64] = offsets[self.gradient_events["node"]] + self.gradient_events["index"]
        return rows

    @cached_property
    def arrived(self) -> npt.NDArray[np.bool_]:
        """Whether a gradient tensor arrived at each value, in any backward pass."""
        found = np.zeros(self.structure.value_count, np.bool_)
        found[self.gradient_rows[self.gradient_events["state"] == STATE_TENSOR]] = True
        return found

    @cached_property
    def arrived_at(self) -> frozenset[int]:
        """Nodes of which some value got a gradient tensor, in any backward pass."""
        events = self.gradient_events
        return frozenset(events["node"][events["state"] == STATE_TENSOR].tolist())

    @cached_property
    def gradient_l2(self) -> Numbers:
        """L2 norm of the gradient of each value, the largest of all passes; NaN where none was measured."""
        found = np.full(self.structure.value_count, np.nan)
        np.fmax.at(found, self.gradient_rows, self.gradient[:, COLUMN["l2"]])
        return found

    @cached_property
    def size(self) -> Numbers:
        """Root mean square of each value's elements."""
        found: Numbers = self.output[:, COLUMN["l2"]] / np.sqrt(self.lineage.numel)
        return found

    @cached_property
    def change(self) -> Numbers:
        """Statistics of the optimizer's change of each node's parameter, one row a node; NaN where it changed none.

        An optimizer that runs its closure several times a step changes a parameter as often, at the end perhaps by
        nothing: then the largest change counts.
        """
        found = np.full((len(self.structure.nodes), len(STATS)), np.nan)
        nodes = self.of_kind(EventKind.UPDATE)["node"]
        changes = self.table("update", len(nodes))
        if len(np.unique(nodes)) < len(nodes):
            order = np.argsort(changes[:, COLUMN["l2"]], kind="stable")
            nodes, changes = nodes[order], changes[order]
        found[nodes] = changes
        return found

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Nodes that backward passes began at."""
        begun = self.of_kind(EventKind.PASS_BEGIN)["node"]
        known = {int(node) for node in begun if node >= 0}
        return tuple(sorted(known or {n.id for n in self.structure.nodes if any(o.role == "loss" for o in n.outputs)}))

    @cached_property
    def updated(self) -> frozenset[int]:
        """Parameter nodes that the optimizer changed."""
        return frozenset(int(node) for node in self.of_kind(EventKind.UPDATE)["node"])

    @cached_property
    def moved(self) -> bool:
        """Whether the optimizer's change of some parameter was not zero."""
        return bool((self.table("update", 0)[:, COLUMN["l2"]] > 0).any())

    @property
    def trained(self) -> bool:
        """Whether a backward pass ran to its end: without one nothing can be said about gradients."""
        return self.info.passes > 0 and self.info.error is None and bool(self.roots)

    def finding(
        self, rule: str, severity: str, node: Node | None, cause: str, remedy: str, **evidence: Evidence
    ) -> Finding:
        """A finding at a node of this step, or at none."""
        place, module = (None, None) if node is None else (node.id, node.module)
        return Finding(rule, severity, self.position, place, module, evidence, cause, remedy)


class CheckContext(Sharing):
    """The last `window` recorded steps of a run.

    Attributes:
        steps: in order; steps of the same structure share a lineage.
        infos: one line about each recorded step of the whole run.
    """

    def __init__(self, data: RunData, layer_types: LayerTypes, window: int = WINDOW) -> None:
        super().__init__()
        self._data = data
        self.infos = data.steps()
        self._lineages: dict[str, Lineage] = {}
        self.steps: list[StepFacts] = []
        self._layer_types = layer_types
        for position in range(max(len(self.infos) - window, 0), len(self.infos)):
            self.steps.append(self._facts(position))

    def _facts(self, position: int) -> StepFacts:
        info = self.infos[position]
        if info.structure not in self._lineages:
            self._lineages[info.structure] = Lineage(self._data.structure(info.structure), self._layer_types)
        return StepFacts(self._data, position, info, self._lineages[info.structure])

    @property
    def beginning(self) -> StepFacts | None:
        """The first step that the program took, where it was recorded and a backward pass in it ran to its end."""
        return self.first if self.first is not None and self.first.info.index == 0 and self.first.trained else None

    @cached_property
    def first(self) -> StepFacts | None:
        """The first recorded step of the run, which may lie before the window; None of a run without steps."""
        if not self.steps:
            return None
        return self.steps[0] if self.steps[0].position == 0 else self._facts(0)

    @cached_property
    def since_finite(self) -> list[StepFacts]:
        """The steps, preceded, where the loss of the first one is not finite, by the two in which that began.

        One NaN makes every parameter NaN, so what is seen of it later says nothing of its origin. The two are the
        first step of that stretch, which may lie far back, and the last one with a finite loss, whose gradients may
        have been spoiled already.
        """
        start = self.steps[0].position if self.steps else 0
        while start > 0 and _is_spoiled(self.infos[start]) and _is_spoiled(self.infos[start - 1]):
            start -= 1
        if not self.steps or not _is_spoiled(self.infos[start]):
            return self.steps
        known = self.steps[0].position
        return [*(self._facts(p) for p in (start - 1, start) if 0 <= p < known), *self.steps]

    @cached_property
    def trained(self) -> list[StepFacts]:
        """The steps with a backward pass that ran to its end."""
        return [step for step in self.steps if step.trained]

    def by_structure(self) -> Iterator[list[StepFacts]]:
        """Steps with a backward pass, those of one structure and the same roots together."""
        groups: dict[tuple[int, tuple[int, ...]], list[StepFacts]] = {}
        for step in self.trained:
            groups.setdefault((id(step.lineage), step.roots), []).append(step)
        yield from groups.values()


def _is_spoiled(info: StepInfo) -> bool:
    return info.loss is not None and not math.isfinite(info.loss)
