"""Input tensors written on the command line: `--input 1x3x224x224` or `--input 1x16:int64`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from graphviz_nn.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    import torch

INTEGER_LIMIT: Final = 100
"""Integer inputs are drawn from 0 to this, exclusive, unless the input says another limit."""

SEED: Final = 0

_FLOATS: Final = ("float16", "bfloat16", "float32", "float64")
_COMPLEX: Final = ("complex64", "complex128")
_INTEGERS: Final = ("uint8", "int8", "int16", "int32", "int64")
DTYPES: Final = (*_FLOATS, *_COMPLEX, *_INTEGERS, "bool")

HELP: Final = (
    "Random input of this shape, in the order of forward's parameters: 1x3x224x224, 1x16:int64 (0 to 99), "
    "1x16:int64:1000 (0 to 999). Floats are standard normal; always the same numbers. Repeatable."
)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Shape and dtype of an input; integers are drawn from 0 to `limit`, exclusive."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    limit: int = INTEGER_LIMIT

    def __str__(self) -> str:
        return f"{'×'.join(map(str, self.shape))} {self.dtype}"


class InputParameter(click.ParamType[InputSpec]):
    """`SHAPE[:DTYPE[:LIMIT]]`, sizes joined by x."""

    name = "SHAPE[:DTYPE[:LIMIT]]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> InputSpec:
        if isinstance(value, InputSpec):
            return value
        sizes, _, rest = str(value).partition(":")
        dtype, _, limit = rest.partition(":")
        if not re.fullmatch(r"\d+([x×]\d+)*", sizes):
            self.fail(f"{sizes!r} is no shape. Write sizes joined by x: 1x3x224x224.", param, ctx)
        dtype = dtype.removeprefix("torch.") or "float32"
        if dtype not in DTYPES:
            self.fail(f"{dtype!r} is no dtype of an input.{did_you_mean(dtype, DTYPES)}", param, ctx)
        if limit and not (limit.isdecimal() and int(limit) > 0 and dtype in _INTEGERS):
            self.fail(f"{value!r}: only integers take a limit, and it is a number from 1: 1x16:int64:1000.", param, ctx)
        shape = tuple(int(size) for size in re.split("[x×]", sizes))
        return InputSpec(shape, dtype, int(limit) if limit else INTEGER_LIMIT)


def make_inputs(specs: tuple[InputSpec, ...]) -> tuple[torch.Tensor, ...]:
    """Returns random tensors of the given shapes and dtypes on the CPU; the same ones for the same specs.

    Raises:
        OptionError: there is no memory for one of them.
    """
    import torch

    generator = torch.Generator().manual_seed(SEED)

    def make(spec: InputSpec) -> torch.Tensor:
        dtype: torch.dtype = getattr(torch, spec.dtype)
        if spec.dtype in _INTEGERS:
            limit = min(spec.limit, torch.iinfo(dtype).max + 1)
            return torch.randint(0, limit, spec.shape, generator=generator).to(dtype)
        if spec.dtype == "bool":
            return torch.randint(0, 2, spec.shape, generator=generator).bool()
        return torch.randn(spec.shape, generator=generator, dtype=dtype)

    made = []
    for spec in specs:
        try:
            made.append(make(spec))
        except (RuntimeError, TypeError, MemoryError) as error:  # sizes beyond the memory, or beyond 64 bits
            raise OptionError(
                f"--input {spec} cannot be made: it does not fit into memory. Give a smaller shape."
            ) from error
    return tuple(made)
