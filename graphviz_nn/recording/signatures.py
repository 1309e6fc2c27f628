"""Names for the arguments of a call: "input", "weight", "tensors[2]"."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch.overrides import get_testing_overrides

from graphviz_nn.model import literals
from graphviz_nn.recording.arguments import write_down
from graphviz_nn.recording.tape import Slot


@cache
def _overrides() -> dict[Any, Any]:
    """Signatures of every overridable function, which torch keeps for its own tests; builtins have no others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(get_testing_overrides())


@cache
def parameter_names(function: Any) -> tuple[str, ...]:
    """Returns the names of the function's parameters in order, `self` as "input"; () where they are not known."""
    if isinstance(function, type) and issubclass(function, torch.autograd.Function):
        return _custom_names(function)
    if function is torch.instance_norm:  # torch lists the parameters of the function in torch.nn.functional
        return _INSTANCE_NORM
    described = _overrides().get(function)
    if described is None:
        described = _out_of_place(function)
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        overload = function if isinstance(function, torch._ops.OpOverload) else None
        return tuple(a.name for a in overload._schema.arguments) if overload is not None else ()
    try:
        parameters = inspect.signature(described).parameters.values()
    except (TypeError, ValueError):
        return ("input",) if isinstance(function, _BUILTINS) else ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in positional]
    return tuple("input" if name in ("self", "a") and index == 0 else name for index, name in enumerate(names))


_BUILTINS = (type(torch.relu), type(torch.Tensor.add), type(torch.Tensor.shape.__get__))  # type: ignore[attr-defined]


_INSTANCE_NORM = (
    "input", "weight", "bias", "running_mean", "running_var", "use_input_stats", "momentum", "eps", "cudnn_enabled",
)  # fmt: skip


def _out_of_place(function: Any) -> Any:
    """Returns what has the signature of an in-place builtin that torch does not list: `relu_` is like `relu`."""
    name = str(getattr(function, "__name__", ""))
    if isinstance(function, FunctionType) or not name.endswith("_") or name.endswith("__"):
        return function
    for home in (torch, torch.Tensor, torch.nn.functional):
        plain = getattr(home, name[:-1], None)
        if plain is not None and plain in _overrides():
            return _overrides()[plain]
    return function


def _custom_names(function: type[torch.autograd.Function]) -> tuple[str, ...]:
    try:
        names = list(inspect.signature(function.forward).parameters)
    except (TypeError, ValueError):
        return ()
    separate_context = function.setup_context is not torch.autograd.Function.setup_context
    return tuple(names if separate_context else names[1:])


def name_arguments(
    function: Any, template: tuple[Any, ...] | None, keywords: dict[str, Any] | None
) -> tuple[list[str], dict[str, Any], list[Any]]:
    """Names what a call was given.

    Returns:
        The label of each tensor in order of its slot; the other arguments by name, as JSON values (None left out);
        and the literal `[args, kwargs]` of `graphviz_nn.model.literals`.
    """
    names = parameter_names(function)
    counter = [0]
    args = [write_down(item, counter) for item in template or ()]
    kwargs = {name: write_down(item, counter) for name, item in (keywords or {}).items()}
    named = [*_positional(names, list(template or ()), args), *_paired(keywords or {}, kwargs)]
    labels = [label for name, item, _ in named for label in _slots(item, name)]
    attributes = {
        name: literals.describe(literal) for name, item, literal in named if item is not None and not _only_slots(item)
    }
    return labels, attributes, [args, kwargs]


def _positional(names: tuple[str, ...], items: list[Any], written: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Pairs positional arguments with names. What is left over, as in `x.view(2, 3)`, belongs to the last name."""
    extra = len(items) - len(names)
    if extra > 0 and len(names) > 1 and not any(isinstance(item, Slot) for item in items[len(names) - 1 :]):
        last = len(names) - 1
        yield from zip(names[:last], items[:last], written[:last], strict=True)
        yield names[last], items[last:], written[last:]
        return
    for index, (item, literal) in enumerate(zip(items, written, strict=True)):
        yield (names[index] if index < len(names) else f"argument_{index}"), item, literal


def _paired(keywords: dict[str, Any], written: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name, item in keywords.items():
        yield name, item, written[name]


def _slots(item: Any, name: str) -> Iterator[str]:
    if isinstance(item, Slot):
        yield name
    elif isinstance(item, dict):
        for key, part in item.items():
            yield from _slots(part, f"{name}.{key}")
    elif isinstance(item, slice):
        for key in ("start", "stop", "step"):
            yield from _slots(getattr(item, key), f"{name}.{key}")
    elif isinstance(item, (list, tuple)):
        for index, part in enumerate(item):
            yield from _slots(part, f"{name}[{index}]")


def _only_slots(item: Any) -> bool:
    if isinstance(item, dict):
        return all(_only_slots(part) for part in item.values())
    if isinstance(item, (list, tuple)) and item and not isinstance(item, torch.Size):
        return all(_only_slots(part) for part in item)
    return isinstance(item, Slot)
