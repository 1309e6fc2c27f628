"""Finding the operator that a recorded call names. A name from a file reaches operators of torch and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, Final

_TABLES: Final = {
    "torch": ("_VariableFunctions",),
    "torch.nn.functional": ("_VariableFunctions", "_nn"),
    "torch._C._nn": ("_nn",),
}
"""By the namespace of a name, the tables of compiled operators in `torch._C` where it may be found."""
_READS_FILES: Final = frozenset({"from_file", "save", "load"})
_LIBRARIES: Final = frozenset({"aten", "prims"})
_PROPERTIES: Final = frozenset({"data", "real", "imag", "T", "mT", "H", "mH", "requires_grad"})


@cache
def find_operator(name: str) -> Callable[..., Any] | None:
    """Returns the operator of that importable name ("torch.nn.functional.conv2d", "torch.Tensor.add_"), or None.

    Only operators on tensors are found: what torch lets a subclass override, its compiled tables of operators, its
    properties that make tensors, `torch.nn.init`, and the libraries `torch.ops.aten` and `torch.ops.prims`. Nothing
    is imported for a name, and none leads to `torch.load`, to the file system or to code of a user's.
    """
    import torch

    if name == "torch.autograd.grad":
        return torch.autograd.grad
    found = _overridable().get(name)
    if found is not None:
        return found
    namespace, _, last = name.rpartition(".")
    if last in _READS_FILES:
        return None
    if name.startswith("torch.ops."):
        return _library_operator(name)
    if name.startswith("torch.Tensor."):
        return _tensor_method(name.removeprefix("torch.Tensor."))
    if namespace in ("torch.nn.functional", "torch.nn.init") and (found := _python_function(namespace, last)):
        return found
    for table in _TABLES.get(namespace, ()):
        found = getattr(getattr(torch._C, table), last, None)
        if found is not None and not last.startswith("__"):
            return found  # type: ignore[no-any-return]
    return None


def _python_function(namespace: str, name: str) -> Callable[..., Any] | None:
    """A public function that is written in that module, not one that it imports."""
    found = _at(f"{namespace}.{name}")
    is_own = isinstance(found, FunctionType) and found.__module__ == namespace and not name.startswith("_")
    return found if is_own else None


@cache
def _overridable() -> dict[str, Callable[..., Any]]:
    from torch.overrides import get_overridable_functions, resolve_name

    found: dict[str, Callable[..., Any]] = {}
    for functions in get_overridable_functions().values():
        for function in functions:
            name = resolve_name(function)
            # A compiled operator may go by the name of the Python function around it, which takes other arguments.
            if name is not None and (name not in found or _at(name) is function):
                found[name] = function
    return found


def _at(name: str) -> Any:
    """What stands at one of torch's own names."""
    import torch

    found: Any = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found


def _library_operator(name: str) -> Callable[..., Any] | None:
    """An operator packet ("torch.ops.aten.add") or one overload of it ("torch.ops.aten.add.Tensor")."""
    import torch

    library, _, rest = name.removeprefix("torch.ops.").partition(".")
    packet, _, overload = rest.partition(".")
    if library not in _LIBRARIES or packet in _READS_FILES or packet.startswith("__"):
        return None
    found = getattr(getattr(torch.ops, library), packet, None)
    if not isinstance(found, torch._ops.OpOverloadPacket):
        return None
    if not overload:
        return found
    return getattr(found, overload) if overload in found.overloads() else None  # type: ignore[no-untyped-call]


def _tensor_method(name: str) -> Callable[..., Any] | None:
    """A method ("new_zeros"), or the getter or setter of a property ("T.__get__")."""
    import torch

    attribute, _, access = name.partition(".")
    if access:
        known = attribute in _PROPERTIES and access in ("__get__", "__set__")
        return getattr(getattr(torch.Tensor, attribute), access) if known else None
    found = getattr(torch.Tensor, attribute, None)
    return found if callable(found) and not attribute.startswith("_") else None
