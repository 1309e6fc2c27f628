"""What a call writes in place: which tensors it may write to, and how a write shows."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from graphviz_nn.recording.classify import RUNNING_STATISTICS, SILENT

_UNSCALES: Final = torch._amp_foreach_non_finite_check_and_unscale_
"""What a `GradScaler` calls: it writes the gradients and the flag, all but the last argument, and counts no write."""


def targets(function: Any, kind: int, tensors: list[Tensor]) -> list[Tensor]:
    """Returns the tensors that a call may write to, as narrowly as its name tells."""
    if kind == SILENT:
        return tensors[1:]
    name = getattr(function, "__name__", "")
    return tensors[:1] if name.endswith("_") and "foreach" not in name else tensors


def counters(function: Any, tensors: list[Tensor]) -> list[int]:
    """Returns the version counters before a call; -1 for what it writes without counting.

    An inference tensor has none: -1 for the call's target, the first, else 0.
    """
    if function is _UNSCALES:
        return [-1] * (len(tensors) - 1) + [0]
    found = []
    for position, tensor in enumerate(tensors):
        try:
            found.append(tensor._version)
        except RuntimeError:
            found.append(-1 if position == 0 else 0)
    return found


def running_statistics(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> list[Tensor]:
    """Returns the running statistics that a call of a normalization updates without counting a new version."""
    positions, names, flag_position, flag = RUNNING_STATISTICS[function]
    keywords = kwargs or {}
    if not (args[flag_position] if len(args) > flag_position else keywords.get(flag)):
        return []
    found = [args[p] if len(args) > p else keywords.get(n) for p, n in zip(positions, names, strict=True)]
    return [x for x in found if x is not None]
