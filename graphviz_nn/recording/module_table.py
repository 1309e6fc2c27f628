"""The modules of a step as records."""

from __future__ import annotations

from typing import Any

from torch import nn

from graphviz_nn.model.literals import clean, fits
from graphviz_nn.model.modules import Module
from graphviz_nn.recording.modules import ModuleNames
from graphviz_nn.recording.tape import Tape


def describe_modules(tape: Tape, names: ModuleNames) -> tuple[Module, ...]:
    """Returns the modules of every root that the step called, and those that were called without being registered."""
    found: dict[str, Module] = {}
    called = {id(entry.root): entry.root for entry, *_ in tape.module_calls}
    for root in called.values():
        module = root.module()
        if module is None:
            continue
        for name, child in module.named_modules():
            _add_module(found, names.path(root, name), child)
    for entry, *_ in tape.module_calls:
        module = entry.module()
        if module is not None:
            _add_module(found, names.path(entry.root, entry.path), module)
    return tuple(found.values())


def _add_module(found: dict[str, Module], path: str, module: nn.Module) -> None:
    if path in found:
        return
    own = [name for name, parameter in module._parameters.items() if parameter is not None]
    found[path] = Module(
        path=path,
        type=type(module).__name__,
        bases=base_names(type(module)),
        attributes=describe_attributes(module),
        parameters=tuple(clean(f"{path}.{name}" if path else name) for name in own),
        training=module.training,
    )


def describe_attributes(module: nn.Module) -> dict[str, Any]:
    """Returns the module's own public attributes that are plain numbers, booleans, strings or tuples of those."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name in ("training", "call_super_init", "dump_patches"):
            continue
        plain = plain_setting(value)
        if plain is not None:
            found[clean(name)] = plain
    return found


def plain_setting(value: Any) -> Any:
    """Returns a number, boolean, string or short tuple of those as a JSON value, and None for anything else."""
    if type(value) in (float, bool):
        return value
    if type(value) is int:
        return value if fits(value) else str(value)
    if type(value) is str and len(value) <= 200:
        return clean(value)
    if isinstance(value, (tuple, list)) and len(value) <= 16:
        items = [plain_setting(item) for item in value]
        plain = all(item is not None or given is None for item, given in zip(items, value, strict=True))
        return items if plain else None
    return None


def base_names(kind: type) -> tuple[str, ...]:
    """Returns importable names of the class and its bases up to `nn.Module`, most derived first."""
    return tuple(f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__ if issubclass(base, nn.Module))
