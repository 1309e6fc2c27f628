"""What a test program is: a small training step that can be built fresh from a seed as often as a test likes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

SEED: Final = 20_240_607

FORWARD_ONLY: Final = "forward only"
"""No backward pass: no gradient may be recorded."""
REENTRANT: Final = "reentrant"
"""Holds a reentrant checkpoint: its inside runs without autograd first, and again in the backward pass."""
UNSEEN: Final = "unseen"
"""Part of the work is out of the recorder's sight and must show as `opaque` nodes."""
TRAITS: Final = frozenset({FORWARD_ONLY, REENTRANT, UNSEEN})


@dataclass(frozen=True)
class Step:
    """A program ready to run: `run(*inputs, **keywords)`, and everything that the run may change.

    `state` holds modules, optimizers and tensors, in any nesting of lists, tuples and dicts.
    """

    run: Callable[..., Any]
    inputs: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    state: Any = ()

    def __call__(self) -> Any:
        return self.run(*self.inputs, **self.keywords)


@dataclass(frozen=True)
class Program:
    """A named way to build a `Step`, with its traits (see this module's constants)."""

    name: str
    build: Callable[[], Step]
    traits: frozenset[str] = frozenset()

    def fresh(self) -> Step:
        """Returns the step built anew from the same seed; random state afterwards is the same each time."""
        seed_everything()
        return self.build()


class Collection(list[Program]):
    """The programs of one file. Used as a decorator, it adds a function that builds a step."""

    def __call__(self, *traits: str) -> Callable[[Callable[[], Step]], Callable[[], Step]]:
        unknown = set(traits) - TRAITS
        if unknown:
            raise ValueError(f"unknown traits: {sorted(unknown)}")

        def add(build: Callable[[], Step]) -> Callable[[], Step]:
            self.append(Program(build.__name__, build, frozenset(traits)))
            return build

        return add


def seed_everything() -> None:
    """Seeds the generators of torch, numpy and Python."""
    torch.manual_seed(SEED)
    np.random.seed(SEED % 2**32)
    random.seed(SEED)


def leaf(*shape: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Returns a random leaf tensor that requires a gradient."""
    return torch.randn(*shape, dtype=dtype, requires_grad=True)
