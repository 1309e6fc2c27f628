"""Which tensors a recording keeps, and the copies of them.

A kept tensor is a copy made at once, so nothing that the program does later changes it. Sources are copied with their
memory layout, because a replayed call must see the strides that the program's call saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.model.tensors import TensorData
from graphviz_nn.recording.thumbnails import ALL, NONE, PICTURES

DEFAULT_MEMORY_LIMIT: Final = 4 * 2**30
"""Bytes of kept tensors in one step, unless told otherwise."""

Which = bool | str | None
Keep = str | Iterable[str] | Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """What is kept.

    Attributes:
        stats: statistics of every value and gradient.
        tensors: every tensor, or those for which `selects(module path, op)` is true.
        selects: None where all are meant.
        memory_limit: bytes in one step.
        thumbnails: which values have small copies, see `graphviz_nn.recording.thumbnails`.
        saved: what autograd saves for the backward pass, see `graphviz_nn.recording.saved`.
    """

    stats: bool
    tensors: bool
    selects: Callable[[str, str], bool] | None
    memory_limit: int
    thumbnails: str
    label: str
    saved: bool = False

    @classmethod
    def parse(cls, keep: Keep, *, memory_limit: int | None = None, thumbnails: Which = None) -> KeepPolicy:
        """Reads the `keep` and `thumbnails` arguments of `trace` and `record`.

        "none": structure, order and which gradients arrived. "stats": and their numbers. "all": and the tensors.
        Otherwise glob patterns of module paths ("layer3.*") or "op:NAME" for operators, or a predicate
        `(module path, op) -> bool`: statistics of everything and the tensors selected.

        Raises:
            OptionError: a single word that is none of these.
        """
        pictures = _which(thumbnails)
        limit = DEFAULT_MEMORY_LIMIT if memory_limit is None else memory_limit
        if callable(keep):
            return cls(True, True, keep, limit, pictures, "selected")
        if keep in ("none", "stats", "all"):
            unwanted = keep == "none" or (keep == "all" and thumbnails is None)
            return cls(keep != "none", keep == "all", None, limit, NONE if unwanted else pictures, str(keep))
        patterns = (keep,) if isinstance(keep, str) else tuple(keep)
        for pattern in patterns:
            if not isinstance(pattern, str) or did_you_mean(pattern, ("none", "stats", "all")):
                hint = did_you_mean(str(pattern), ("none", "stats", "all"))
                raise OptionError(
                    f"keep={pattern!r} is not known: use 'none', 'stats', 'all', or patterns of module paths such as "
                    f"'layer3.*'.{hint}"
                )
        return cls(True, True, _matches_any(patterns), limit, pictures, "selected")


def _which(thumbnails: Which) -> str:
    if thumbnails is None or thumbnails is True:
        return PICTURES
    if thumbnails is False:
        return NONE
    if thumbnails not in (PICTURES, ALL):
        known = (PICTURES, ALL)
        raise OptionError(
            f"thumbnails={thumbnails!r} is not known: use True or 'pictures' for feature maps and attention weights, "
            f"'all' for everything with four dimensions, or False.{did_you_mean(str(thumbnails), known)}"
        )
    return thumbnails


def _matches_any(patterns: tuple[str, ...]) -> Callable[[str, str], bool]:
    operators = [p.removeprefix("op:") for p in patterns if p.startswith("op:")]
    modules = [p for p in patterns if not p.startswith("op:")]

    def selects(module: str, op: str) -> bool:
        return any(fnmatchcase(module, p) for p in modules) or any(fnmatchcase(op, p) for p in operators)

    return selects


def copy(tensor: Tensor) -> Tensor | None:
    """Returns a copy of the tensor's numbers that shares nothing with it, or None where it has none to copy."""
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__ or tensor.is_meta or tensor.is_nested:
        return None
    with torch.no_grad():
        plain = tensor.detach()
        if plain.layout != torch.strided:
            return plain.to_dense()
        if plain.is_quantized:
            return plain.dequantize()
        return plain.clone().resolve_conj().resolve_neg()


def copy_with_layout(tensor: Tensor) -> Tensor | None:
    """Returns a copy with the same strides, also where elements overlap (an expanded tensor) or leave gaps."""
    made = copy(tensor)
    if made is None or made.stride() == tensor.stride() or tensor.layout != torch.strided:
        return made
    with torch.no_grad():
        plain = tensor.detach()
        span = 1 + sum((n - 1) * s for n, s in zip(plain.shape, plain.stride(), strict=True)) if plain.numel() else 0
        flat = plain.as_strided((span,), (1,)).clone()
        return flat.as_strided(plain.shape, plain.stride(), 0)


def to_data(tensor: Tensor) -> TensorData:
    """Returns the tensor's bytes; one that is not contiguous keeps its strides. Waits for its device."""
    plain = tensor.detach().cpu()
    dtype = str(plain.dtype).removeprefix("torch.")
    shape = tuple(plain.shape)
    if plain.is_contiguous():  # whatever strides its dimensions of size 1 claim to have
        return TensorData(dtype, shape, _bytes(plain.as_strided((plain.numel(),), (1,))))
    span = 1 + sum((n - 1) * s for n, s in zip(plain.shape, plain.stride(), strict=True))
    return TensorData(dtype, shape, _bytes(plain.as_strided((span,), (1,))), tuple(plain.stride()))


def _bytes(flat: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if not flat.numel():
        return np.empty(0, np.uint8)
    return flat.view(torch.uint8).numpy()


def to_tensor(data: TensorData) -> Tensor:
    """Returns a torch tensor on the CPU with the data's numbers (a copy)."""
    dtype = getattr(torch, data.dtype)
    if not data.data.size:
        return torch.empty(data.shape, dtype=dtype)
    flat = torch.from_numpy(np.array(data.data)).view(dtype)
    if data.strides is None:
        return flat.reshape(data.shape)
    return flat.as_strided(data.shape, data.strides)
