"""The program's parameters, which of them are trained, and the optimizers that train them."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Any
from weakref import ref

from torch import Tensor
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from graphviz_nn.model.modules import Parameter
from graphviz_nn.model.steps import OptimizerInfo
from graphviz_nn.recording.known import KnownTensors
from graphviz_nn.recording.module_table import plain_setting
from graphviz_nn.recording.modules import ModuleNames, Root
from graphviz_nn.recording.tape import Tape

Place = tuple[int, int]
"""Number of an optimizer, and of a group in it."""


class Training:
    """What is trained, and by which optimizers, in the step that is being recorded.

    It is looked at when an optimizer is about to step: the record of the step is often made later, when a scheduler has
    changed the learning rate, or the program its model. Where no optimizer steps, those of the last step count.

    Attributes:
        optimizers: those that stepped, in that order, as they stood then.
    """

    def __init__(self, names: ModuleNames, known: KnownTensors) -> None:
        self._names = names
        self._known = known
        self._stepped: list[ref[Any]] = []
        self._noted = False
        self._state: list[Any] = []
        self._parameters: tuple[Parameter, ...] = ()
        self.optimizers: tuple[OptimizerInfo, ...] = ()

    def begin_step(self) -> None:
        """A step begins."""
        self._noted = False

    def optimizer_begins(self, optimizer: Any, tape: Tape) -> None:
        """An optimizer is about to step."""
        if not self._noted:
            self._noted = True
            self._stepped, self.optimizers = [], ()
        if not any(seen() is optimizer for seen in self._stepped):
            self._stepped.append(ref(optimizer))
            groups = tuple(_settings(group) for group in optimizer.param_groups)
            self.optimizers += (OptimizerInfo(type(optimizer).__name__, groups),)
        self._describe(tape)

    def parameters(self, tape: Tape) -> tuple[Parameter, ...]:
        """Returns the parameters of the roots that the step called, those that no call read included.

        In the order of their modules; the very same object as for the last step where nothing has changed.
        """
        if not self._noted:
            self._describe(tape)
        return self._parameters

    def _describe(self, tape: Tape) -> None:
        owned = self._known.parameters(_roots(tape))
        places = self._places()
        tensors = [tensor for tensor, _ in owned]
        keys = list(map(id, tensors))
        state = [self._names.counts, keys, [tensor.requires_grad for tensor in tensors], list(map(places.get, keys))]
        if state != self._state:
            self._state = state
            made = tuple(self._parameter(tensor, owners, places) for tensor, owners in owned)
            self._parameters = self._parameters if made == self._parameters else made

    def _places(self) -> dict[int, Place]:
        """Where each parameter is, by `id`."""
        found: dict[int, Place] = {}
        for number, seen in enumerate(self._stepped):
            for group, settings in enumerate(getattr(seen(), "param_groups", ())):
                for parameter in settings["params"]:
                    found.setdefault(id(parameter), (number, group))
        return found

    def _parameter(self, tensor: Tensor, owners: tuple[tuple[Root, str], ...], places: dict[int, Place]) -> Parameter:
        number, group = places.get(id(tensor), (None, None))
        return Parameter(
            names=tuple(dict.fromkeys(self._names.path(root, name) for root, name in owners)),
            shape=() if isinstance(tensor, UninitializedTensorMixin) else tuple(tensor.shape),
            dtype=str(tensor.dtype).removeprefix("torch."),
            requires_grad=tensor.requires_grad,
            optimizer=number,
            group=group,
        )


def _roots(tape: Tape) -> frozenset[Root]:
    """Returns the roots of the modules that were called."""
    return frozenset(map(attrgetter("root"), set(map(itemgetter(0), tape.module_calls))))


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in group.items():
        # A learning rate may be a tensor; one on another device is not waited for.
        readable = isinstance(value, Tensor) and value.device.type == "cpu" and value.numel() == 1
        plain = plain_setting(value.item() if readable else value)
        if plain is not None and name != "params":
            found[name] = plain
    return found
