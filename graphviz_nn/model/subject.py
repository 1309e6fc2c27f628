"""What a view is asked to show: a step of a run, or one value of a node in it, or that value's gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.modules import Module
from graphviz_nn.model.nodes import Node, Output, ValueRef
from graphviz_nn.model.slices import Described, Index, describe, read_part
from graphviz_nn.model.stats import STATS, Stats
from graphviz_nn.model.steps import RunData, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorKey

_MOST_PASSES: Final = 4
"""Backward passes of a step in which a gradient is looked for."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Numbers are read when they are asked for, without torch; a part of a tensor costs no more than that part.

    Attributes:
        data: the run. position: of the step in `data.steps()`.
        node_id: the node, or None where a view is about the whole step.
        index: which of its outputs. of: "value" or "gradient" of it.
    """

    data: RunData
    position: int
    node_id: int | None = None
    index: int = 0
    of: str = "value"

    @property
    def info(self) -> StepInfo:
        return self.data.steps()[self.position]

    @property
    def structure(self) -> Structure:
        return self.data.structure(self.info.structure)

    @property
    def node(self) -> Node | None:
        return None if self.node_id is None else self.structure.nodes[self.node_id]

    @property
    def output(self) -> Output | None:
        """Shape and dtype of the value; None where the node has no such output."""
        node = self.node
        return node.outputs[self.index] if node is not None and self.index < len(node.outputs) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value in the program, () where there is none."""
        return self.output.shape if self.output is not None else ()

    @property
    def module(self) -> Module | None:
        """The module whose `forward` made the call, or which owns the parameter; None outside any."""
        node = self.node
        return None if node is None or node.module is None else self.structure.modules_by_path.get(node.module)

    @property
    def described(self) -> Described | None:
        """Shape and dtype of the tensor as it was kept, or None where it was not."""
        key = self._key
        return None if key is None else describe(self.data, self.position, key)

    def gradient(self) -> Subject:
        """The gradient of the same value."""
        return replace(self, of="gradient")

    def value(self) -> Subject:
        """The value itself."""
        return replace(self, of="value")

    def other(self, ref: ValueRef) -> Subject:
        """Another value of the step."""
        return replace(self, node_id=ref.node, index=ref.index, of="value")

    def argument(self, *names: str) -> Subject | None:
        """The value that the call read as the first of these arguments that it has ("weight"), or None."""
        reads = {read.argument: read for read in self.node.inputs} if self.node is not None else {}
        found = next((reads[name] for name in names if name in reads), None)
        return None if found is None else self.other(ValueRef(found.node, found.output))

    def inputs(self) -> Iterator[Subject]:
        """The values that the call read, in order."""
        for read in self.node.inputs if self.node is not None else ():
            yield self.other(ValueRef(read.node, read.output))

    def read(self, *index: Index) -> npt.NDArray[Any]:
        """Returns `tensor[index]`, as `graphviz_nn.model.slices.read_part` does; read-only.

        Raises:
            NotRecorded: the tensor was not kept; says how to keep it.
            IndexError: the index lies outside the tensor.
        """
        key = self._key
        found = None if key is None else self._read(key, index)
        if found is None:
            raise NotRecorded(self._remedy())
        return found

    def thumbnail(self) -> npt.NDArray[Any] | None:
        """Returns the first sample's first channels, strided down: [channels, height, width] in float32, or None."""
        kind = "thumbnail" if self.of == "value" else "gradient_thumbnail"
        key = self._first_kept(kind)
        return None if key is None else self._read(key, ())

    @property
    def has_thumbnail(self) -> bool:
        return self._first_kept("thumbnail" if self.of == "value" else "gradient_thumbnail") is not None

    def stats(self) -> Stats | None:
        """Statistics of the value, None where they were not taken; for a gradient see `graphviz_nn.model.series`."""
        table = self.data.stats(self.position, "output")
        if table is None or self.node_id is None or self.of != "value" or self.output is None:
            return None
        row = table[self.structure.value_row(ValueRef(self.node_id, self.index))]
        return None if np.isnan(row[STATS.index("l2")]) else Stats(*map(float, row))

    # Inside

    @property
    def _key(self) -> TensorKey | None:
        if self.of == "value":
            return self._first_kept("value")
        return self._first_kept("gradient")

    def _first_kept(self, kind: str) -> TensorKey | None:
        """The key of the tensor, out of the first backward pass that brought one."""
        if self.node_id is None:
            return None
        passes = range(_MOST_PASSES if "gradient" in kind else 1)
        keys = (TensorKey(kind, self.node_id, self.index, number) for number in passes)
        return next((key for key in keys if describe(self.data, self.position, key) is not None), None)

    def _read(self, key: TensorKey, index: tuple[Index, ...]) -> npt.NDArray[Any] | None:
        try:
            return read_part(self.data, self.position, key, *index)
        except TypeError as error:
            raise NotRecorded(f"{self._name} cannot be shown: {error}.") from error

    @property
    def _name(self) -> str:
        what = "The value" if self.of == "value" else "The gradient"
        return what if self.node is None else f"{what} of {self.node.name!r}"

    def _remedy(self) -> str:
        node = self.node
        if self.of == "gradient" and (missing := self._why_no_gradient()):
            return missing
        module = (node.module if node is not None else None) or ""
        chosen = f", or keep={module!r} for this module alone" if module else ""
        return f"{self._name} was not kept in this step: record with keep='all'{chosen}."

    def _why_no_gradient(self) -> str:
        """What is known of a gradient that does not exist, "" where it arrived as a tensor."""
        node, output = self.node, self.output
        if node is None or output is None:
            return ""
        if not output.requires_grad:
            return f"{self._name} does not exist: the value does not require one."
        events = self.data.events(self.position)
        here = (events["kind"] == EventKind.GRADIENT) & (events["node"] == node.id) & (events["index"] == self.index)
        if not here.any():
            return f"No gradient arrived at {node.name!r} in this step."
        none = bool((events["state"][here] == STATE_NONE).all())
        return f"Autograd said None for the gradient of {node.name!r}." if none else ""
