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


_DOCUMENTED = {torch.tensor: ("data",), torch.as_tensor: ("data",)}
"""Names that the documentation gives, where the operator's schema has others."""
_TYPED = {
    torch.dtype: "dtype",
    torch.device: "device",
    torch.layout: "layout",
    torch.memory_format: "memory_format",
}
"""Arguments whose type says what they are, whichever overload took them: `x.to(torch.float64)`."""


def parameter_names(function: Any, template: tuple[Any, ...] = ()) -> tuple[str, ...]:
    """Returns the names of the function's parameters in order, `self` as "input"; () where they are not known.

    A builtin has several overloads; the one that takes the given arguments is meant.
    """
    return _names(function, tuple(isinstance(item, Slot) for item in template))


@cache
def _names(function: Any, slots: tuple[bool, ...]) -> tuple[str, ...]:
    if function in _DOCUMENTED:
        return _DOCUMENTED[function]
    if isinstance(function, type) and issubclass(function, torch.autograd.Function):
        return _custom_names(function)
    if isinstance(function, torch._ops.OpOverload):
        return _schema_names(function._schema)
    if not isinstance(function, FunctionType):
        for schema in _schemas(function):
            if _takes(schema, slots):
                return _schema_names(schema)
    return _python_names(_overrides().get(function, function))


def _schemas(function: Any) -> list[Any]:
    """The operator's schemas: for builtins the only place where the names of their arguments are right."""
    name = str(getattr(function, "__name__", ""))
    if name.startswith("__"):
        return []
    found: list[Any] = torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    return found


def _takes(schema: Any, slots: tuple[bool, ...]) -> bool:
    """Whether positional arguments, told apart as tensors and others, fit; a last list takes all that follow.

    A list of tensors counts as other: that tells the packed overload of `torch.lstm` from the one for whole batches.
    """
    positional = [argument for argument in schema.arguments if not argument.kwarg_only]
    if len(slots) > len(positional):
        return bool(positional) and "List[int]" in str(positional[-1].type) and not any(slots[len(positional) - 1 :])
    return all(
        str(argument.type) in ("Tensor", "Optional[Tensor]") if slot else str(argument.type) != "Tensor"
        for slot, argument in zip(slots, positional, strict=False)
    )


def _schema_names(schema: Any) -> tuple[str, ...]:
    names = [argument.name for argument in schema.arguments if not argument.kwarg_only]
    return tuple("input" if name == "self" else name for name in names)


def _python_names(function: Any) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ("input",) if isinstance(function, _BUILTINS) else ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in positional]
    names += [f"*{p.name}" for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
    return tuple("input" if name in ("self", "a") and index == 0 else name for index, name in enumerate(names))


_BUILTINS = (type(torch.relu), type(torch.Tensor.add), type(torch.Tensor.shape.__get__))  # type: ignore[attr-defined]


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
    names = parameter_names(function, template or ())
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
    if (
        extra > 0
        and names
        and not names[-1].startswith("*")
        and not any(isinstance(item, Slot) for item in items[len(names) - 1 :])
    ):
        last = len(names) - 1
        yield from zip(names[:last], items[:last], written[:last], strict=True)
        yield names[last], items[last:], written[last:]
        return
    for index, (item, literal) in enumerate(zip(items, written, strict=True)):
        yield _TYPED.get(type(item)) or _positional_name(names, index), item, literal


def _positional_name(names: tuple[str, ...], index: int) -> str:
    rest = names[-1][1:] if names and names[-1].startswith("*") else None
    if rest is not None and index >= len(names) - 1:
        return f"{rest}[{index - len(names) + 1}]"
    return names[index] if index < len(names) else f"argument_{index}"


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
