"""The modules of a step as a tree, and what is known of each of them at the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.structure import Structure
from graphviz_nn.session.order import StepOrder
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

Numbers = npt.NDArray[np.float64]

_HELD = ("gradient", "parameter_gradient")


@dataclass(slots=True, eq=False)
class ModuleRow:
    """A module.

    Attributes:
        number: its place among the rows. name: its path without that of the row above.
        calls: how often the step called it. parameters: elements, with those of the modules inside, tied ones once.
        row: its place among its siblings.
    """

    number: int
    path: str
    name: str
    type: str
    calls: int
    parameters: int = 0
    parent: ModuleRow | None = None
    row: int = 0
    children: list[ModuleRow] = field(default_factory=list)

    def upwards(self) -> Iterator[ModuleRow]:
        """Yields the row, the one that it stands in, and so on."""
        at: ModuleRow | None = self
        while at is not None:
            yield at
            at = at.parent


class ModuleTree:
    """Modules as a tree by their paths.

    Attributes:
        by_path: every row. roots: those that stand in no other.
    """

    def __init__(self, rows: Iterable[ModuleRow]) -> None:
        """Places the rows; the ones above come before those inside."""
        self.by_path: dict[str, ModuleRow] = {}
        self.roots: list[ModuleRow] = []
        for row in rows:
            self._place(row)

    def __iter__(self) -> Iterator[ModuleRow]:
        return iter(self.by_path.values())

    def __len__(self) -> int:
        return len(self.by_path)

    def at_or_around(self, path: str) -> ModuleRow | None:
        """Returns the row at a path, or the nearest above it, or None."""
        while path not in self.by_path:
            if not path:
                return None
            path = path.rpartition(".")[0]
        return self.by_path[path]

    def matching(self, text: str) -> ModuleTree:
        """Returns the modules whose path or class holds `text`, and those around them; all for an empty text."""
        needle = text.strip().casefold()
        if not needle:
            return self
        kept: set[str] = set()
        for row in self:
            if needle in row.path.casefold() or needle in row.type.casefold():
                kept.update(above.path for above in row.upwards())
        return ModuleTree(replace(row, parent=None, children=[]) for row in self if row.path in kept)

    def _place(self, row: ModuleRow) -> None:
        above = self.at_or_around(row.path.rpartition(".")[0]) if row.path else None
        if above is not None:
            row.parent = above
            row.name = row.path[len(above.path) + 1 :] if above.path else row.path
        siblings = self.roots if above is None else above.children
        row.row = len(siblings)
        siblings.append(row)
        self.by_path[row.path] = row


class ParameterHolders:
    """Which modules hold which parameters, themselves or further inside.

    Attributes:
        nodes: ids of the parameters that the step read, ascending.
    """

    def __init__(self, structure: Structure, tree: ModuleTree) -> None:
        """Adds the parameters' elements to the rows."""
        parameters = [node for node in structure.nodes if node.kind == "parameter"]
        pairs: list[tuple[int, int]] = []
        for place, node in enumerate(parameters):
            owners = [tree.at_or_around(name.rpartition(".")[0]) for name in node.names]
            for row in {above.number: above for owner in owners if owner for above in owner.upwards()}.values():
                row.parameters += prod(node.outputs[0].shape)
                pairs.append((place, row.number))
        self.nodes = np.array([node.id for node in parameters], np.intp)
        self._parameter, self._row = np.array(pairs, np.intp).reshape(-1, 2).T
        self._rows = len(tree)

    def norms(self, by_parameter: Numbers) -> Numbers:
        """Returns by row number the L2 norm over all its parameters together; NaN where none has a number.

        Args:
            by_parameter: the norm of each of `nodes`; NaN where there is none.
        """
        values = by_parameter[self._parameter]
        known = ~np.isnan(values)
        held = np.bincount(self._row[known], minlength=self._rows)
        total = np.sqrt(np.bincount(self._row[known], values[known] ** 2, self._rows))
        return np.where(held > 0, total, np.nan)


class Modules:
    """The modules of a structure and what they hold. Takes a while for thousands of them: leave it to a worker.

    Attributes:
        structure: that they are of. tree: the modules. holders: their parameters.
    """

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.tree = _tree(structure)
        self.holders = ParameterHolders(structure, self.tree)


def _tree(structure: Structure) -> ModuleTree:
    """Returns the modules of a structure, in the order in which it lists them."""
    calls = Counter(call.path for call in structure.module_calls)
    modules = sorted(structure.modules, key=lambda module: module.path.count(".") + bool(module.path))
    return ModuleTree(
        ModuleRow(number, module.path, module.path, module.type, calls[module.path])
        for number, module in enumerate(modules)
    )


class ParameterGradients:
    """The norms of the gradients that a step's parameters hold, as they stand at any cursor.

    A parameter holds this pass's contribution once it has arrived, and its accumulated `.grad` once that is there.
    """

    def __init__(self, nodes: npt.NDArray[np.intp], order: StepOrder, numbers: StepNumbers) -> None:
        """`nodes`: the parameters, ascending."""
        self._count = len(nodes)
        seqs, norms = zip(*(_norms_of(table, numbers) for table in _HELD), strict=True)
        every = np.concatenate(seqs)
        place = np.minimum(np.searchsorted(nodes, order.node[every]), max(len(nodes) - 1, 0))
        held = nodes[place] == order.node[every] if len(nodes) else np.zeros(len(every), np.bool_)
        by_time = np.argsort(every[held], kind="stable")
        self._seqs = every[held][by_time]
        self._places = place[held][by_time]
        self._norms = np.concatenate(norms)[held][by_time]

    def at(self, seq: int) -> Numbers:
        """Returns the norm of each parameter's gradient when the event `seq` has happened; NaN before it has one."""
        found = np.full(self._count, np.nan)
        happened = int(np.searchsorted(self._seqs, seq, side="right"))
        found[self._places[:happened]] = self._norms[:happened]
        return found


class ModuleOverview:
    """The modules of one step, and the gradients that they hold at a cursor.

    Attributes:
        tree: the modules.
    """

    def __init__(self, modules: Modules, numbers: StepNumbers) -> None:
        self.tree = modules.tree
        self._holders = modules.holders
        self._gradients = ParameterGradients(modules.holders.nodes, numbers.step.order, numbers)

    def norms_at(self, seq: int) -> Numbers:
        """Returns by row number the L2 norm of the gradients that its parameters hold at a cursor, or NaN."""
        return self._holders.norms(self._gradients.at(seq))


def _norms_of(table: str, numbers: StepNumbers) -> tuple[npt.NDArray[np.intp], Numbers]:
    """The events that a table of gradients stands for, and the L2 norm that each brought."""
    seqs, rows = numbers.seqs(table), numbers.table(table)
    return seqs, np.full(len(seqs), np.nan) if rows is None else rows[:, STATS.index("l2")].astype(np.float64)


def worst_findings(findings: Sequence[Finding], tree: ModuleTree) -> Mapping[str, Finding]:
    """Returns by path the most severe finding at each module or inside it."""
    found: dict[str, Finding] = {}
    for finding in findings:
        row = None if finding.module is None else tree.by_path.get(finding.module)
        for above in row.upwards() if row is not None else ():
            known = found.get(above.path)
            if known is None or SEVERITIES.index(finding.severity) > SEVERITIES.index(known.severity):
                found[above.path] = finding
    return found


def call_keys(structure: Structure, path: str) -> list[str]:
    """Returns the keys under which the session expands the calls of a module."""
    return [f"m{number}" for number, call in enumerate(structure.module_calls) if call.path == path]


def keys_inside(structure: Structure, path: str) -> list[str]:
    """Returns the keys of the calls of a module and of all modules inside it."""
    inner = f"{path}." if path else ""
    calls = enumerate(structure.module_calls)
    return [f"m{number}" for number, call in calls if call.path == path or call.path.startswith(inner)]


def first_node(order: StepOrder, path: str) -> int | None:
    """Returns the first node that ran inside a call of a module, or None where none did."""
    for seq in np.flatnonzero(order.kind == EventKind.MODULE_ENTER):
        if order.structure.module_calls[order.module_call[seq]].path == path:
            end = int(order.spans.beyond[seq])
            inside = order.node[seq:end]
            inside = inside[inside >= 0]
            return int(inside[0]) if len(inside) else None
    return None
