"""Takes the metrics that rules ask for while a step is recorded, and no others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.model.metrics import Metric, MetricTable
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.plugin.layer_types import LayerTypes, plain_names
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.recording.classify import operator_name
from graphviz_nn.recording.device_statistics import to_host
from graphviz_nn.recording.signatures import name_arguments

AUTO: Final = "auto"

_log = logging.getLogger("graphviz_nn")
_unrecorded = torch._C.DisableTorchFunction
_without_autocast = torch._C._DisableAutocast


def choose_metrics(wanted: str | Iterable[str]) -> tuple[Metric, ...]:
    """Returns the metrics with the given names; "auto" stands for those that the registered checks name.

    Raises:
        OptionError: there is no such metric; names the nearest.
    """
    known = plugins().metrics
    if wanted == AUTO:
        names = dict.fromkeys(name for check in plugins().checks for name in check.metrics)
        for name in names.keys() - known.keys():
            _log.warning("no plugin registers the metric %r, which a check reads%s", name, did_you_mean(name, known))
        return tuple(known[name] for name in names if name in known)
    names = dict.fromkeys((wanted,) if isinstance(wanted, str) else wanted)
    for name in names:
        if name not in known:
            raise OptionError(f"There is no metric {name!r}.{did_you_mean(name, known)}")
    return tuple(known[name] for name in names)


class Metrics:
    """The metrics of a recording: which of them a call needs, and which are off because they failed.

    Attributes:
        notes: what is to be said of those that failed.
    """

    def __init__(self, metrics: Iterable[Metric] = ()) -> None:
        self._on = tuple(metrics)
        self._types: LayerTypes | None = None
        self._tried: set[str] = set()
        self._of_function: dict[Any, dict[str, tuple[Metric, ...]]] = {}
        self.notes: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._on)

    def of_call(self, function: Any) -> dict[str, tuple[Metric, ...]]:
        """Returns the metrics that apply to a call of the function, by what they are taken of; {} for most calls."""
        try:
            return self._of_function[function]
        except KeyError:
            found: dict[str, tuple[Metric, ...]] = {}
            for metric in self._on:
                if self._applies(metric, operator_name(function)):
                    found[metric.of] = (*found.get(metric.of, ()), metric)
            self._of_function[function] = found
            return found

    def _applies(self, metric: Metric, op: str) -> bool:
        if not metric.operators and not metric.categories:
            return True
        if not metric.operators.isdisjoint(plain_names(op)):
            return True
        if not metric.categories:
            return False
        if self._types is None:
            self._types = plugins().layer_types
        kind = self._types.for_op(op)
        return kind is not None and kind.category in metric.categories

    def compute(
        self, metric: Metric, tensors: dict[str, Tensor], others: dict[str, Any] | None = None
    ) -> Tensor | None:
        """Returns the metric's numbers, float32, sharing nothing with the tensors; None: it has none.

        It is given the one tensor, or where `others` are the arguments that are no tensors, all of them by name. A
        metric that raises, or returns what it must not, is said once and off from then on.
        """
        if not all(_is_measurable(each) for each in tensors.values()):
            return None
        try:
            with torch.no_grad(), _unrecorded(), _without_autocast():
                plain = {name: tensor.detach() for name, tensor in tensors.items()}
                first = next(iter(plain.values()))
                given = first if others is None else {**others, **plain}
                if metric.name in self._tried:
                    numbers = metric.compute(given)
                else:
                    self._tried.add(metric.name)
                    numbers = _without_randomness(metric.compute, given)
                return _checked(numbers, metric, first)
        except Exception as error:
            self._switch_off(metric, f"{type(error).__name__}: {error}")
            return None

    def _switch_off(self, metric: Metric, why: str) -> None:
        note = f"The metric {metric.name!r} is off for the rest of the recording: {why}"
        _log.warning("%s", note)
        self.notes.append(note)
        self._on = tuple(other for other in self._on if other is not metric)
        self._of_function = {}


def _is_measurable(tensor: Tensor) -> bool:
    """Whether metrics may read the tensor as any other: not one without numbers, sparse, nested or of another class."""
    plain = type(tensor).__torch_dispatch__ is Tensor.__torch_dispatch__
    return plain and tensor.layout is torch.strided and not (tensor.is_meta or tensor.is_nested)


def _without_randomness(compute: Callable[[Any], Any], given: Any) -> Any:
    """Calls `compute`. The program's random numbers stay what they are even where it draws some, which is an error."""
    before = torch.get_rng_state()
    numbers = compute(given)
    if not torch.equal(before, torch.get_rng_state()):
        torch.set_rng_state(before)
        raise ValueError("it draws random numbers, which would change the program's own")
    return numbers


def _checked(numbers: Any, metric: Metric, tensor: Tensor) -> Tensor | None:
    if not isinstance(numbers, Tensor) or numbers.dim() != 1 or numbers.is_complex():
        shape = f" of shape {tuple(numbers.shape)}" if isinstance(numbers, Tensor) else ""
        raise TypeError(f"it returned a {type(numbers).__name__}{shape}; it must return a one-dimensional tensor")
    if numbers.device != tensor.device:
        raise TypeError(f"it returned a tensor on {numbers.device} for one on {tensor.device}")
    count = numbers.numel()
    if count > metric.most:
        raise ValueError(f"it returned {count} numbers; at most {metric.most} are kept")
    if count and metric.columns and count != len(metric.columns):
        raise ValueError(f"it returned {count} numbers for its {len(metric.columns)} columns")
    return numbers.to(torch.float32, copy=True) if count else None


class _Column:
    """What one metric found in a step."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.rows: list[tuple[int, int]] = []
        self.found: list[Tensor] = []
        self.numbers: Tensor | None = None

    def gather(self) -> None:
        """Puts all numbers side by side and begins to copy them to the host."""
        if self.numbers is None and self.found:
            device = self.found[0].device
            self.numbers = to_host(torch.cat([part.to(device) for part in self.found]))


class StepMetrics:
    """The metrics of one step. Its methods are called where something happens in the program.

    Attributes:
        current_pass: number of the backward pass that is running, or -1.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.current_pass = -1
        self._metrics = metrics
        self._columns: dict[str, _Column] = {}
        self._of_outputs: tuple[Metric, ...] = ()
        self._of_gradients: tuple[Metric, ...] = ()
        self._of_inputs: list[tuple[Metric, Tensor]] = []
        self._gradients: dict[int, tuple[Metric, ...]] = {}
        self._read: set[tuple[str, int]] = set()

    def call(
        self,
        function: Any,
        values: list[int],
        tensors: list[Tensor],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
    ) -> None:
        """A call of the function is about to run on these tensors."""
        wanted = self._metrics.of_call(function)
        self._of_outputs = wanted.get("output", ())
        self._of_gradients = wanted.get("gradient", ())
        self._of_inputs = []
        if not wanted:
            return
        if "input" in wanted or "inputs" in wanted:
            labels, others, _ = name_arguments(function, arguments, keywords)
            for metric in wanted.get("input", ()):
                for label, value, tensor in zip(labels, values, tensors, strict=True):
                    if label in metric.arguments:
                        self._read_once(metric, value, tensor)
            for metric in wanted.get("inputs", ()):
                self._read_together(metric, dict(zip(labels, tensors, strict=True)), others)
        if "parameter" in wanted or "parameter_gradient" in wanted:
            for value, tensor in zip(values, tensors, strict=True):
                if isinstance(tensor, Parameter):
                    if "parameter_gradient" in wanted:
                        self._gradients[value] = wanted["parameter_gradient"]
                    for metric in wanted.get("parameter", ()):
                        self._read_once(metric, value, tensor)

    def output(self, value: int, tensor: Tensor) -> None:
        """The call that is running made a value."""
        for metric in self._of_outputs:
            self._add(metric, value, 0, tensor)
        for metric, numbers in self._of_inputs:
            self._keep(metric, value, 0, numbers)
        self._of_inputs = []
        if self._of_gradients:
            self._gradients[value] = self._of_gradients

    def gradient(self, value: int, gradient: Tensor) -> None:
        """The gradient of a value arrived, in any thread."""
        for metric in self._gradients.get(value, ()):
            self._add(metric, value, max(self.current_pass, 0), gradient)

    def start_copy(self) -> None:
        """The step is over: begins to bring its numbers to the host, without waiting for them."""
        with torch.no_grad(), _unrecorded():
            for column in self._columns.values():
                column.gather()

    def tables(self, place: Callable[[int], ValueRef]) -> dict[str, MetricTable]:
        """Returns the tables by the metrics' names, after `start_copy`. Waits for the device."""
        if self._columns and torch.cuda.is_available():
            torch.cuda.synchronize()
        return {name: _table(column, place) for name, column in self._columns.items() if column.numbers is not None}

    def _read_once(self, metric: Metric, value: int, tensor: Tensor) -> None:
        if (metric.name, value) not in self._read:
            self._read.add((metric.name, value))
            self._add(metric, value, 0, tensor)

    def _read_together(self, metric: Metric, tensors: dict[str, Tensor], others: dict[str, Any]) -> None:
        """Computes before the call, which may write to what it reads; what it returns is not known yet."""
        if metric.arguments <= tensors.keys():
            numbers = self._metrics.compute(metric, tensors, others)
            if numbers is not None:
                self._of_inputs.append((metric, numbers))

    def _add(self, metric: Metric, value: int, number: int, tensor: Tensor) -> None:
        numbers = self._metrics.compute(metric, {"": tensor})
        if numbers is not None:
            self._keep(metric, value, number, numbers)

    def _keep(self, metric: Metric, value: int, number: int, numbers: Tensor) -> None:
        column = self._columns.get(metric.name)
        if column is None:
            column = self._columns[metric.name] = _Column(metric)
        column.rows.append((value, number))
        column.found.append(numbers)


def _table(column: _Column, place: Callable[[int], ValueRef]) -> MetricTable:
    assert column.numbers is not None
    refs = [(*place(value), number) for value, number in column.rows]
    nodes, outputs, passes = np.array(refs, np.int32).T.copy()
    lengths = np.array([part.numel() for part in column.found], np.int32)
    metric = column.metric
    return MetricTable(metric.of, metric.columns, nodes, outputs, passes, lengths, column.numbers.numpy())
