"""Names for the tensors that a program reads but no call of it made: parameters, buffers, arguments, gradients."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MethodType
from typing import Any, Final
from weakref import WeakKeyDictionary, ref

from torch import Tensor, nn

from graphviz_nn.recording.distributed import shard_of
from graphviz_nn.recording.modules import ModuleEntry, ModuleNames, Root

Owned = tuple[tuple[Root, str], ...]
"""Every name of a parameter or buffer inside its root. What they read like in full is known only after the step."""
Naming = tuple[str, Owned]
"""The name of a source or "", and for parameters and buffers all their names."""
Description = tuple[str | None, Naming]
"""Kind of source (None: not known), and what it is called."""

_NAMELESS: Final[Naming] = ("", ())


class KnownTensors:
    """Looks up what a tensor is by who owns it.

    The owners' parameters are read once, and again when a parameter turns up that is not among them.
    """

    def __init__(self, modules: ModuleNames) -> None:
        self._modules = modules
        self._owned: dict[int, tuple[ref[Tensor], Description]] = {}
        self._of_roots: tuple[frozenset[Root], list[tuple[ref[Tensor], Owned]]] = (frozenset(), [])
        self._arguments: dict[int, tuple[ref[Tensor], str]] = {}
        self._gradients: dict[int, tuple[ref[Tensor], int]] = {}
        self._positional: WeakKeyDictionary[Any, dict[int, list[str]]] = WeakKeyDictionary()
        self._read: tuple[int, int] = (0, 0)
        self._read_in_step = False

    def begin_step(self) -> None:
        """Forgets the arguments and gradients of the last step."""
        self._arguments.clear()
        self._gradients.clear()
        self._read_in_step = False

    def describe(self, tensor: Tensor, reader: ModuleEntry | None = None) -> Description:
        """Returns what a tensor is that no recorded call made, read inside module `reader`."""
        if self._read is not self._modules.counts:
            self._read_owners()
        owned = self._owned.get(id(tensor))
        if owned is not None and owned[0]() is tensor:
            return owned[1]
        argument = self._arguments.get(id(tensor))
        if argument is not None and argument[0]() is tensor:
            return "input", (argument[1], ())
        gradient = self._gradients.get(id(tensor))
        if gradient is not None and gradient[0]() is tensor:
            return "constant", ("gradient", ())
        if self._may_be_owned(tensor, None if reader is None else reader.module()):
            self._read_owners()
            owned = self._owned.get(id(tensor))
            if owned is not None and owned[0]() is tensor:
                return owned[1]
        if isinstance(tensor, nn.Parameter):
            return "parameter", _NAMELESS
        return None, _NAMELESS

    def is_named(self, tensor: Tensor) -> bool:
        """Whether the tensor is a parameter, buffer, argument or gradient that we know."""
        return self.describe(tensor)[0] is not None

    def parameters(self, roots: frozenset[Root]) -> list[tuple[Tensor, Owned]]:
        """Returns every parameter of those roots known so far, with all its names."""
        if self._read is not self._modules.counts:
            self._read_owners()
        if self._of_roots[0] != roots:  # steps in a row mostly have the same
            self._of_roots = (
                roots,
                [
                    (reference, owners)
                    for reference, (kind, (_, owners)) in self._owned.values()
                    if kind == "parameter" and any(root in roots for root, _ in owners)
                ],
            )
        return [(tensor, owners) for reference, owners in self._of_roots[1] if (tensor := reference()) is not None]

    def add_arguments(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Notes the tensors that a root module is called with, under the names of its `forward`'s parameters."""
        labels = self._labels(module.forward, len(args)) if args else []
        for label, argument in (*zip(labels, args, strict=False), *kwargs.items()):
            for name, tensor in named_tensors(argument, label):
                self._arguments.setdefault(id(tensor), (ref(tensor), name))

    def _labels(self, forward: Callable[..., Any], count: int) -> list[str]:
        """Names for positional arguments. They are looked up once: to inspect a signature takes as long as 20 calls."""
        if not isinstance(forward, MethodType):
            return list(_parameter_labels(forward, count))
        labels = self._positional.setdefault(forward.__func__, {})
        if count not in labels:
            labels[count] = list(_parameter_labels(forward, count))
        return labels[count]

    def add_gradient(self, gradient: Tensor, value: int) -> None:
        """Notes that a tensor is the `.grad` of the parameter with that value."""
        self._gradients[id(gradient)] = (ref(gradient), value)

    def sharded_parameters(self) -> list[Tensor]:
        """Returns the parameters that are DTensors now: FSDP registers them again when a backward pass ends."""
        self._read_owners()
        found = (reference() for reference, (kind, _) in self._owned.values() if kind == "parameter")
        return [parameter for parameter in found if parameter is not None and shard_of(parameter) is not None]

    def _may_be_owned(self, tensor: Tensor, reader: nn.Module | None) -> bool:
        """Whether a tensor that was not found may have been registered since the owners were read.

        In a step they are read a second time only where that is sure to find it, and for DTensors: FSDP registers the
        whole parameters while it computes with them, and their shards again before the update.
        """
        if reader is not None and any(
            own is tensor for own in (*reader._parameters.values(), *reader._buffers.values())
        ):
            return True
        return isinstance(tensor, nn.Parameter) and (not self._read_in_step or shard_of(tensor) is not None)

    def _read_owners(self) -> None:
        """Reads the parameters and buffers of every root; one with several names (tied) has them all."""
        self._read_in_step = True
        self._read = self._modules.counts
        self._of_roots = (frozenset(), [])
        found: dict[int, tuple[Tensor, str, list[tuple[Root, str]]]] = {}
        for module, root, prefix in self._modules.owners():
            owned = (("parameter", module.named_parameters), ("buffer", module.named_buffers))
            for kind, tensors in owned:
                for name, tensor in tensors(prefix, remove_duplicate=False):
                    found.setdefault(id(tensor), (tensor, kind, []))[2].append((root, name))
        self._owned = {
            key: (ref(tensor), (kind, ("", tuple(dict.fromkeys(names)))))
            for key, (tensor, kind, names) in found.items()
        }


def _parameter_labels(forward: Callable[..., Any], count: int) -> Iterator[str]:
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for index in range(count):
        if index < len(parameters) and parameters[index].kind is not inspect.Parameter.VAR_POSITIONAL:
            yield parameters[index].name
        else:
            yield f"input_{index + 1}" if count > 1 else "input"


def named_tensors(value: Any, name: str, depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors in nested containers and dataclasses with the path to each: "batch.mask", "x[1]"."""
    if isinstance(value, Tensor):
        yield name, value
    elif depth > 8:
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from named_tensors(item, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, (tuple, list)):
        fields = getattr(value, "_fields", None)
        for index, item in enumerate(value):
            label = f"{name}.{fields[index]}" if fields else f"{name}[{index}]"
            yield from named_tensors(item, label, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from named_tensors(getattr(value, field.name, None), f"{name}.{field.name}", depth + 1)
