"""What `--loss` may be: the sum or the mean of the outputs, or a function of the user's."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphviz_nn.cli.target import FORM, resolve
from graphviz_nn.cli.tracebacks import brief
from graphviz_nn.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    import torch

Loss = Callable[[Any], Any]


def find_loss(text: str) -> Loss:
    """Returns "sum" or "mean" (over every element of every floating-point output), or the function that it names.

    Raises:
        TargetError: the function does not import.
        OptionError: it is neither of these.
    """
    known: dict[str, Loss] = {"sum": _sum, "mean": _mean}
    if text in known:
        return known[text]
    if ":" not in text:
        raise OptionError(f"There is no loss {text!r}. Give sum, mean, or {FORM}.{did_you_mean(text, known)}")
    found = resolve(text)
    if not callable(found):
        raise OptionError(f"The loss {text!r} is no function of the model's output.")

    @functools.wraps(found)
    def loss(output: Any) -> Any:
        try:
            return found(output)
        except Exception as error:
            raise OptionError(f"The loss {text!r} fails on the model's output: {brief(error)}") from error

    return loss


def _sum(output: Any) -> torch.Tensor:
    return _add([tensor.sum() for tensor in _floating(output)])


def _mean(output: Any) -> torch.Tensor:
    tensors = list(_floating(output))
    return _add([tensor.sum() for tensor in tensors]) / sum(tensor.numel() for tensor in tensors)


def _add(scalars: list[torch.Tensor]) -> torch.Tensor:
    """Returns their sum. Raises `OptionError` where there is none: a model without floating-point output."""
    if not scalars:
        raise OptionError("The model's output holds no floating-point tensor to make a loss of. Use --no-backward.")
    total = scalars[0]
    for scalar in scalars[1:]:
        total = total + scalar
    return total


def _floating(output: Any) -> Iterator[torch.Tensor]:
    """Every floating-point tensor in nested tuples, lists, dicts and dataclasses, in order."""
    import torch

    if isinstance(output, torch.Tensor):
        if output.is_floating_point():
            yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _floating(value)
    elif isinstance(output, (tuple, list)):
        for value in output:
            yield from _floating(value)
    elif dataclasses.is_dataclass(output):
        for each in dataclasses.fields(output):
            yield from _floating(getattr(output, each.name))
