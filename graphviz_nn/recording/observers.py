"""Who is told of values, gradients and calls while a step is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphviz_nn.recording.aten import hidden
from graphviz_nn.recording.calls import CallObserver, CallRecorder
from graphviz_nn.recording.classify import operator_name
from graphviz_nn.recording.gradient_hooks import arrival, carry_shared_hook, gradient_hooks
from graphviz_nn.recording.identity import Identity, Observer
from graphviz_nn.recording.keeping import KeepPolicy
from graphviz_nn.recording.metrics import Metrics, StepMetrics
from graphviz_nn.recording.modules import ModuleNames
from graphviz_nn.recording.observe import Observations
from graphviz_nn.recording.passes import Passes
from graphviz_nn.recording.randomness import draws_random_numbers
from graphviz_nn.recording.saved import SavedTensors
from graphviz_nn.recording.thumbnails import Thumbnails


class Observers:
    """The parts of a step that look at tensors, as far as they are wanted; without any of them none is told.

    Attributes:
        observations: statistics and kept tensors, or None.
        metrics: the metrics of the step, or None.
    """

    def __init__(
        self, mode: CallRecorder, identity: Identity, names: ModuleNames, policy: KeepPolicy, metrics: Metrics
    ) -> None:
        self.observations: Observations | None = None
        if policy.stats or policy.tensors or policy.thumbnails:
            self.observations = Observations(identity.tape, policy, self._context)
        self.metrics = StepMetrics(metrics) if metrics else None
        self._mode = mode
        self._identity = identity
        self._names = names
        self._policy = policy
        self._function: Any = None

    def connect(self, passes: Passes) -> None:
        """Begins to tell them."""
        identity, mode, policy = self._identity, self._mode, self._policy
        observations, metrics = self.observations, self.metrics
        on_value: list[Observer] = []
        on_gradient: list[Observer] = []
        on_leaf_gradient: list[Observer] = []
        on_call: list[CallObserver] = []
        if observations is not None:
            on_value.append(observations.value_observer())
            on_gradient.append(observations.gradient)
            on_leaf_gradient.append(observations.leaf_gradient)
            identity.observe_found = observations.value
            identity.observe_source = observations.source
            mode.before_write = observations.before_write
            if policy.selects is not None:
                on_call.append(self._note_function)
        if observations is not None and policy.thumbnails:
            thumbnails = Thumbnails(policy.thumbnails, observations.tensors)
            on_value.append(thumbnails.output)
            on_gradient.append(thumbnails.gradient)
            on_leaf_gradient.append(thumbnails.gradient)
            on_call.append(thumbnails.call)
        if metrics is not None:
            on_value.append(metrics.output)
            on_gradient.append(metrics.gradient)
            on_leaf_gradient.append(metrics.gradient)
            on_call.append(metrics.call)
        if policy.saved:
            on_value.append(SavedTensors(identity.tape).value)
        mode.note_call = each([*on_call, self._note_autocast] if policy.tensors and policy.selects is None else on_call)
        mode.before_call = each([*on_call, self._before_call] if policy.tensors and policy.selects is None else on_call)
        identity.observe = each(on_value)
        if mode.aten is not None:
            self._hide()
        order = identity.tape.order.append
        observe = self._guarded(on_gradient)
        identity.make_hook = gradient_hooks(arrival(order, observe))
        identity.carrier = carry_shared_hook(identity.tape, observe)
        identity.make_leaf_hook = passes.leaf_hooks(arrival(order, self._guarded(on_leaf_gradient)))

    def _hide(self) -> None:
        """Keeps what the observers compute out of the lists of ATen operators."""
        identity, mode = self._identity, self._mode
        identity.observe, identity.observe_found = hidden(identity.observe), hidden(identity.observe_found)
        identity.observe_source, mode.before_write = hidden(identity.observe_source), hidden(mode.before_write)
        mode.note_call, mode.before_call = hidden(mode.note_call), hidden(mode.before_call)

    def _guarded(self, observers: list[Observer]) -> Observer | None:
        observe = each(observers)
        if observe is not None and self._mode.aten is not None:
            observe = hidden(observe)
        return None if observe is None else self._guard(observe)

    def _guard(self, observe: Observer) -> Observer:
        """An error of ours inside a hook must not reach the engine; a hook that fires after the step does nothing."""
        mode = self._mode

        def guarded(value: int, gradient: Tensor) -> None:
            # A gradient that arrives inside a torch.func transform is a wrapper without numbers of its own.
            if not mode.closed and not torch._C._functorch.is_functorch_wrapped_tensor(gradient):
                try:
                    observe(value, gradient)
                except Exception as error:
                    mode.fail(error)

        return guarded

    def _before_call(self, function: Any, *arguments: Any) -> None:
        """Notes what a replay must set up again: the random state, and autocast where it is on."""
        assert self.observations is not None
        if draws_random_numbers(function):
            self.observations.random_state(len(self._identity.tape.ops))
        self._note_autocast(function, *arguments)

    def _note_autocast(self, *call: Any) -> None:
        del call
        op = len(self._identity.tape.ops)
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                self._identity.tape.autocasts[op] = {
                    "device": device,
                    "dtype": str(torch.get_autocast_dtype(device)).removeprefix("torch."),
                    "cache": torch.is_autocast_cache_enabled(),
                }

    def _note_function(self, function: Any, *arguments: Any) -> None:
        del arguments
        self._function = function

    def on_pass(self, number: int) -> None:
        """A backward pass begins, or ends and leaves the one around it: its number, or -1."""
        if self.observations is not None:
            self.observations.current_pass = number
        if self.metrics is not None:
            self.metrics.current_pass = number

    def _context(self) -> tuple[str, str]:
        entry = self._mode.state[0]
        path = self._names.path(entry.root, entry.path) if entry is not None else ""
        return path, "" if self._function is None else operator_name(self._function)

    def start_copy(self) -> None:
        """The step is over: begins to bring its numbers to the host, without waiting for them."""
        if self.observations is not None and self.observations.statistics is not None:
            self.observations.statistics.start_copy()
        if self.metrics is not None:
            self.metrics.start_copy()


def each(observers: Sequence[Callable[..., None]]) -> Callable[..., None] | None:
    """Returns one observer that tells all of them, or None where there is none."""
    if len(observers) < 2:
        return observers[0] if observers else None

    def observe(*told: Any) -> None:
        for observer in observers:
            observer(*told)

    return observe
