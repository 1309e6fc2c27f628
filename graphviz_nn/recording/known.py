"""Names for the tensors that a program reads but no call of it made: parameters, buffers, arguments, gradients."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import ref

from torch import Tensor, nn

from graphviz_nn.recording.modules import ModuleNames, Root

Description = tuple[str | None, str, tuple[str, ...]]
"""Kind of source (None: not known), its name or "", and for parameters and buffers all their names."""


class KnownTensors:
    """Looks up what a tensor is by who owns it."""

    def __init__(self, modules: ModuleNames) -> None:
        self._modules = modules
        self._owned: dict[int, tuple[ref[Tensor], str, list[tuple[Root, str]]]] = {}
        self._arguments: dict[int, tuple[ref[Tensor], str]] = {}
        self._gradients: dict[int, tuple[ref[Tensor], int]] = {}
        self._scanned: set[Root] = set()

    def begin_step(self) -> None:
        """Forgets the arguments of the last step; parameters stay until one is not found where it was."""
        self._arguments.clear()
        self._gradients.clear()
        self._scanned.clear()

    def describe(self, tensor: Tensor) -> Description:
        """Returns the kind, name and names of a tensor that no recorded call made."""
        owned = self._lookup(tensor)
        if owned is not None:
            kind, places = owned
            names = tuple(self._modules.parameter_path(root, name) for root, name in places)
            return kind, names[0], names
        argument = self._arguments.get(id(tensor))
        if argument is not None and argument[0]() is tensor:
            return "input", argument[1], ()
        gradient = self._gradients.get(id(tensor))
        if gradient is not None and gradient[0]() is tensor:
            return "constant", "gradient", ()
        if isinstance(tensor, nn.Parameter):
            return "parameter", "", ()
        return None, "", ()

    def parameter_names(self, tensor: Tensor) -> tuple[str, ...]:
        """Returns every dotted name of a parameter or buffer, or () where no known root owns it."""
        owned = self._lookup(tensor)
        return tuple(self._modules.parameter_path(root, name) for root, name in owned[1]) if owned else ()

    def is_named(self, tensor: Tensor) -> bool:
        """Whether the tensor is a parameter, buffer, argument or gradient that we know."""
        return self.describe(tensor)[0] is not None

    def add_arguments(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Notes the tensors that a root module is called with, under the names of its `forward`'s parameters."""
        labels = list(_parameter_labels(module, len(args))) if args else []
        for label, argument in (*zip(labels, args, strict=False), *kwargs.items()):
            for name, tensor in named_tensors(argument, label):
                self._arguments.setdefault(id(tensor), (ref(tensor), name))

    def add_gradient(self, gradient: Tensor, value: int) -> None:
        """Notes that a tensor is the `.grad` of the parameter with that value."""
        self._gradients[id(gradient)] = (ref(gradient), value)

    def _lookup(self, tensor: Tensor) -> tuple[str, list[tuple[Root, str]]] | None:
        entry = self._owned.get(id(tensor))
        if entry is None or entry[0]() is not tensor:
            if not self._scan():
                return None
            entry = self._owned.get(id(tensor))
            if entry is None or entry[0]() is not tensor:
                return None
        return entry[1], entry[2]

    def _scan(self) -> bool:
        """Reads the parameters and buffers of every root not yet read in this step. Returns whether there was one."""
        new = [root for root in self._modules.roots if root not in self._scanned]
        for root in new:
            self._scanned.add(root)
            module = root.module()
            if module is not None:
                self._add_owned(root, "parameter", module.named_parameters(remove_duplicate=False))
                self._add_owned(root, "buffer", module.named_buffers(remove_duplicate=False))
        return bool(new)

    def _add_owned(self, root: Root, kind: str, tensors: Iterator[tuple[str, Tensor]]) -> None:
        for name, tensor in tensors:
            entry = self._owned.get(id(tensor))
            if entry is None or entry[0]() is not tensor:
                entry = self._owned[id(tensor)] = (ref(tensor), kind, [])
            if (root, name) not in entry[2]:
                entry[2].append((root, name))


def _parameter_labels(module: nn.Module, count: int) -> Iterator[str]:
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
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
