"""A recorded run, read from memory or from a file. Nothing here needs torch until a tensor is asked for."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from graphviz_nn.errors import NotRecorded, SelectorError, UsageError, did_you_mean
from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.nodes import Node, ValueRef
from graphviz_nn.model.stats import Stats
from graphviz_nn.model.steps import EventTable, RunData, RunMeta, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.model.wording import plural

if TYPE_CHECKING:
    import networkx as nx
    from torch import Tensor

    from graphviz_nn.model.findings import Finding

NodeLike = int | str | Node


def load(path: str | PathLike[str], rank: int | str | None = None) -> Run:
    """Opens a run file, or of a folder with a file a rank one of them. Reading it never runs code.

    Args:
        rank: which rank of a run of several processes, 0 by default, or "all" for the statistics of all ranks together
            (see `graphviz_nn.store.merge.MergedRun`).

    Raises:
        RunFileError: missing, foreign, newer or damaged; the message says which and what to do.
        OptionError: a rank is asked for and `path` is one run file.
        NotRecorded: with rank="all" there is no step that all ranks recorded with the same calls.
    """
    from graphviz_nn.store.folder import open_data

    return Run(open_data(path, rank))


class StepView:
    """One recorded step of a run."""

    def __init__(self, run: Run, position: int, info: StepInfo) -> None:
        self._run = run
        self.position = position
        self.info = info

    @property
    def index(self) -> int:
        """Number of the training step, from 0."""
        return self.info.index

    @property
    def loss(self) -> float | None:
        """Value of the last loss, or None without a backward pass over a scalar."""
        return self.info.loss

    @property
    def duration(self) -> float:
        """Seconds, recording included."""
        return self.info.duration

    @property
    def structure(self) -> Structure:
        return self._run.data.structure(self.info.structure)

    @property
    def events(self) -> EventTable:
        """The events in order: a numpy structured array, see `graphviz_nn.model.events`."""
        return self._run.data.events(self.position)

    @cached_property
    def graph(self) -> nx.MultiDiGraph:
        """The graph of this step; its attributes are in `docs/graph.md`."""
        return self._run._graph(self.info.structure)


class _Steps(Sequence[StepView]):
    """The steps of a run as they were when it was made; a slice is a list."""

    def __init__(self, run: Run, infos: Sequence[StepInfo]) -> None:
        self._run = run
        self._infos = infos
        self._positions = range(len(infos))

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> StepView: ...

    @overload
    def __getitem__(self, index: slice) -> list[StepView]: ...

    def __getitem__(self, index: int | slice) -> StepView | list[StepView]:
        positions = self._positions[index]
        if isinstance(positions, int):
            return StepView(self._run, positions, self._infos[positions])
        return [StepView(self._run, position, self._infos[position]) for position in positions]

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'step')}>"


class Run:
    """A recorded run: steps, graphs, numbers, tensors.

    Attributes:
        data: what the run is read from.
    """

    def __init__(self, data: RunData, functions: Mapping[int, Any] | None = None) -> None:
        self.data = data
        self._functions = functions
        self._graphs: dict[str, Any] = {}

    @property
    def meta(self) -> RunMeta:
        return self.data.meta

    @property
    def steps(self) -> Sequence[StepView]:
        """The recorded steps, in order. Each is made when it is asked for."""
        return _Steps(self, self.data.steps())

    @property
    def graph(self) -> nx.MultiDiGraph:
        """The graph of the last step."""
        return self._step(-1).graph

    def structure(self, step: int = -1) -> Structure:
        """The structure of a step, by position (negative from the end)."""
        return self._step(step).structure

    def node(self, node: NodeLike, step: int = -1) -> Node:
        """Returns a node by id or by name.

        Raises:
            SelectorError: there is none; the message names the nearest.
        """
        structure = self.structure(step)
        if isinstance(node, Node):
            return node
        if isinstance(node, str):
            found = structure.by_name.get(node)
            if found is None:
                raise SelectorError(f"No node is named {node!r}.{did_you_mean(node, structure.by_name)}")
            return found
        index = operator.index(node)
        if not 0 <= index < len(structure.nodes):
            raise SelectorError(f"There is no node {index}: the step has nodes 0 to {len(structure.nodes) - 1}.")
        return structure.nodes[index]

    # ---- numbers and tensors

    def value(self, node: NodeLike, index: int = 0, step: int = -1) -> Tensor:
        """Returns a value as the program computed it, on the CPU.

        Raises:
            NotRecorded: the tensor was not kept; the message says how to keep it.
        """
        found = self.node(node, step)
        self._check_index(found, index)
        return self._tensor("value", found, index, 0, step)

    def gradient(self, node: NodeLike, index: int = 0, step: int = -1, number: int = 0) -> Tensor | None:
        """Returns the gradient that autograd delivered for a value in backward pass `number`, before user hooks.

        For a parameter it is the contribution of that pass; `accumulated` gives its `.grad`.

        Returns:
            A tensor on the CPU, or None where autograd said None.

        Raises:
            NotRecorded: it never arrived, or it arrived and was not kept; the message says which.
        """
        found = self.node(node, step)
        self._check_index(found, index)
        view = self._step(step)
        key = TensorKey("gradient", found.id, index, number)
        if self.data.tensor(view.position, key) is not None:
            return self._tensor("gradient", found, index, number, step)
        state = self._gradient_state(view.events, found.id, index, number)
        if state is None:
            raise NotRecorded(f"No gradient arrived at {found.name!r} in backward pass {number}.")
        if state == STATE_NONE:
            return None
        raise NotRecorded(self._remedy(f"The gradient of {found.name!r} arrived, but its tensor"))

    def accumulated(self, parameter: NodeLike, step: int = -1, number: int = 0) -> Tensor:
        """Returns a parameter's accumulated `.grad` after backward pass `number`.

        Raises:
            NotRecorded: it was not kept, or the pass left none.
        """
        return self._tensor("parameter_gradient", self.node(parameter, step), 0, number, step)

    def updated(self, parameter: NodeLike, step: int = -1) -> Tensor:
        """Returns a parameter as the optimizer left it.

        Raises:
            NotRecorded: it was not kept, or no optimizer changed it.
        """
        found = self.node(parameter, step)
        last = (found.id, 0)
        nodes = self.structure(step).nodes
        for node in nodes:
            if node.phase == "optimizer":
                for position, (read, output) in enumerate(zip(node.inputs, node.outputs, strict=False)):
                    if (read.node, read.output) == last and output.version == "mutated":
                        last = (node.id, position)
        if last[0] == found.id:
            raise NotRecorded(f"No optimizer changed {found.name!r} in this step.")
        return self._tensor("value", nodes[last[0]], last[1], 0, step)

    def stats(self, node: NodeLike, of: str = "output", index: int = 0, step: int = -1, number: int = 0) -> Stats:
        """Returns the statistics of a value ("output"), of its gradient ("gradient") in backward pass `number`, of a
        parameter's accumulated gradient ("parameter_gradient"), or of its change by the optimizer ("update").

        Raises:
            NotRecorded: nothing was measured there.
        """
        found = self.node(node, step)
        view = self._step(step)
        table = self.data.stats(view.position, of)
        if of == "output":
            self._check_index(found, index)
            row: int | None = view.structure.value_row(ValueRef(found.id, index))
        else:
            row = _event_row(view.events, of, found.id, index, number)
            if row is None:
                raise NotRecorded(_never(of, found.name, number))
        if table is None or row is None or table[row][6] != table[row][6]:
            raise NotRecorded(self._remedy(f"The {of} of {found.name!r}", "stats"))
        return Stats(*(float(x) for x in table[row]))

    def findings(
        self, rules: Iterable[str] | None = None, thresholds: Mapping[str, float] | None = None
    ) -> list[Finding]:
        """Returns what the checks find in the last recorded steps, the most severe first.

        Args:
            rules: names of rules or families ("gradients"); all by default.
            thresholds: by "rule.threshold", in place of the rule's own.

        Raises:
            OptionError: an unknown rule or threshold; the message names the nearest.
        """
        from graphviz_nn.analysis.check import findings

        return findings(self.data, rules, thresholds)

    def replay(self, overrides: Mapping[Any, Tensor] | None = None, step: int = -1) -> Mapping[ValueRef, Tensor]:
        """Runs the recorded graph again, call by call: "what if this value were …".

        Args:
            overrides: by `(node, index)`, node id or node name, the tensor to use instead of a value.

        Returns:
            Every value by `(node, index)`.

        Raises:
            ReplayMismatch: a value differs from the recorded one, and nothing that it depends on was overridden.
            ReplayError: a call cannot be run again.
            NotRecorded: the step was recorded without its tensors.
        """
        from graphviz_nn.graph.replay import replay

        view = self._step(step)
        last = view.position == len(self.data.steps()) - 1
        return replay(
            view.structure,
            lambda key: self.data.tensor(view.position, key),
            dict(self._overrides(overrides or {}, step)),
            functions=self._functions if last else None,
        )

    # ---- files

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes the run to a run file, in place of what is there. Returns its path.

        Raises:
            RunFileError: it cannot be written; a file that was there stays as it was.
        """
        from graphviz_nn.store.save import save

        save(self.data, path)
        return Path(path)

    def export(self, path: str | PathLike[str], *, step: int = -1, format: str | None = None, **options: Any) -> Path:
        """Writes a picture or another format, chosen by the suffix of `path`.

        Args:
            options: fields of `PictureOptions`: depth, expand, color_by, direction, theme, show_all.

        Raises:
            OptionError: an unknown format or option value.
            UsageError: the path cannot be written; a file that was there stays as it was.
        """
        from graphviz_nn.export import export

        known = PictureOptions.__dataclass_fields__
        for name in options:
            if name not in known:
                raise UsageError(f"export has no option {name!r}.{did_you_mean(name, known)}")
        position = self._step(step).position
        return export(self.data, path, step=position, format=format, options=PictureOptions(**options))

    def close(self) -> None:
        """Closes the file, if the run is read from one."""
        self.data.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = self.data.path or "memory"
        return f"<Run of {plural(len(self.data.steps()), 'step')} in {where}>"

    # ---- inside

    def _step(self, step: int) -> StepView:
        infos = self.data.steps()
        if not infos:
            raise NotRecorded("The run has no recorded step yet.")
        try:
            position = range(len(infos))[step]
        except IndexError:
            raise SelectorError(
                f"There is no step {step}: the run has {plural(len(infos), 'recorded step')}."
            ) from None
        return StepView(self, position, infos[position])

    def _graph(self, digest: str) -> Any:
        if digest not in self._graphs:
            from graphviz_nn.graph.build import build_graph

            self._graphs[digest] = build_graph(self.data.structure(digest))
        return self._graphs[digest]

    def _tensor(self, kind: str, node: Node, index: int, number: int, step: int) -> Tensor:
        from graphviz_nn.recording.keeping import to_tensor

        data = self.data.tensor(self._step(step).position, TensorKey(kind, node.id, index, number))
        if data is None:
            what = {"value": "The value", "parameter_gradient": "The accumulated gradient"}
            raise NotRecorded(self._remedy(f"{what.get(kind, 'The gradient')} of {node.name!r}"))
        return to_tensor(data)

    def _remedy(self, what: str, keep: str = "all") -> str:
        return f"{what} was not kept: this run was recorded with keep={self.meta.keep!r}; record with keep={keep!r}."

    def _check_index(self, node: Node, index: int) -> None:
        if not 0 <= index < len(node.outputs):
            raise SelectorError(f"{node.name!r} has {len(node.outputs)} outputs: there is no output {index}.")

    def _gradient_state(self, events: EventTable, node: int, index: int, number: int) -> int | None:
        rows = events[(events["kind"] == EventKind.GRADIENT) & (events["node"] == node) & (events["index"] == index)]
        rows = rows[rows["pass"] == number]
        return int(rows["state"][-1]) if len(rows) else None

    def _overrides(self, overrides: Mapping[Any, Tensor], step: int) -> Iterator[tuple[ValueRef, Tensor]]:
        for key, tensor in overrides.items():
            node, index = key if isinstance(key, tuple) else (key, 0)
            found = self.node(node, step)
            self._check_index(found, index)
            yield ValueRef(found.id, index), tensor


_EVENT_OF = {
    "gradient": EventKind.GRADIENT,
    "parameter_gradient": EventKind.PARAMETER_GRADIENT,
    "update": EventKind.UPDATE,
}


def _never(table: str, name: str, number: int) -> str:
    if table == "update":
        return f"No optimizer changed {name!r} in this step."
    return f"No gradient arrived at {name!r} in backward pass {number}."


def _event_row(events: EventTable, table: str, node: int, index: int, number: int) -> int | None:
    """Row of a table that follows the events: the last event of its kind at that value in that pass."""
    kind = _EVENT_OF.get(table)
    if kind is None:
        raise UsageError(f"There are no statistics of {table!r}.{did_you_mean(table, ('output', *_EVENT_OF))}")
    of_kind = events[events["kind"] == kind]
    here = (of_kind["node"] == node) & (of_kind["index"] == index)
    if kind != EventKind.UPDATE:
        here &= of_kind["pass"] == number
    rows = here.nonzero()[0]
    return int(rows[-1]) if len(rows) else None
