"""Numbers that only some checks need of some tensors: what they are, and how a step's are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.nodes import ValueRef

OF: Final = ("output", "gradient", "input", "inputs", "parameter", "parameter_gradient")
"""What a metric is taken of, given the calls that it applies to: the values that they return; the gradients of those;
values that they read as certain arguments, one by one or together; the parameters that they read; this pass's gradients
of those parameters."""

MOST_ELEMENTS: Final = 4096


@dataclass(frozen=True, slots=True)
class Metric:
    """A few numbers of a tensor beyond its statistics, registered through `register_metrics`.

    It is taken only while a rule that names it (`Check.metrics`) is on, or where `record(metrics=…)` asks for it.

    Attributes:
        name: unique, in snake case: "active_share".
        of: one of `OF`.
        compute: takes the detached tensor (a `torch.Tensor`; for "inputs" the call's arguments by name: detached
            tensors, and what else was given by keyword) and returns its numbers: one-dimensional, floating, on the
            tensor's own device, at most `most` elements; an empty tensor where it has nothing to say of this one. It is
            called with gradients, autocast and recording off. It must not write to the tensor, draw random numbers or,
            on an accelerator, wait for the device. Where it raises or breaks these rules it is logged once and off for
            the rest of the recording.
        operators: `Node.op` of the calls that it applies to; "relu" also means "relu_".
        categories: or the categories of their operators. Without both it applies to every call.
        arguments: for "input" and "inputs", the arguments that are meant, as edges name them: "target". "inputs" needs
            all of them to be there.
        columns: what each number is, where there is always the same number of them; () for one a unit or channel.
        most: most elements of a result.
    """

    name: str
    of: str
    compute: Callable[[Any], Any]
    operators: frozenset[str] = frozenset()
    categories: frozenset[Category] = frozenset()
    arguments: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    most: int = MOST_ELEMENTS


class MetricRow(NamedTuple):
    """The numbers of one tensor: the value, the backward pass (0 outside passes), float32 numbers."""

    value: ValueRef
    number: int
    numbers: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MetricTable:
    """What one metric found in a step, in the order in which the tensors came.

    Attributes:
        of, columns: those of the metric.
        nodes, outputs, passes: int32, one a row: the value, and the backward pass of a gradient (0 outside passes). For
            "input" and "parameter" the value is the one that was read, so its node is a parameter's own; for "inputs"
            the first that the call returned.
        lengths: int32, how many numbers each row has.
        numbers: float32, the rows one after the other.
    """

    of: str
    columns: tuple[str, ...]
    nodes: npt.NDArray[np.int32]
    outputs: npt.NDArray[np.int32]
    passes: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[MetricRow]:
        for k in range(len(self)):
            yield MetricRow(ValueRef(int(self.nodes[k]), int(self.outputs[k])), int(self.passes[k]), self._row(k))

    def row(self, node: int, output: int = 0, number: int = 0) -> npt.NDArray[np.float32] | None:
        """Returns the numbers of a value, the last where it was looked at several times; None: it was not."""
        place = self._places.get((node, output, number))
        return None if place is None else self._row(place)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in (self.nodes, self.outputs, self.passes, self.lengths, self.numbers))

    def _row(self, place: int) -> npt.NDArray[np.float32]:
        return self.numbers[self._offsets[place] : self._offsets[place + 1]]

    @cached_property
    def _offsets(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])

    @cached_property
    def _places(self) -> dict[tuple[int, int, int], int]:
        keys = zip(self.nodes.tolist(), self.outputs.tolist(), self.passes.tolist(), strict=True)
        return {key: place for place, key in enumerate(keys)}
