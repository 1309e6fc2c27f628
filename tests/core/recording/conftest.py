"""Every test of the recorder starts from one random state, and answers for what it leaves behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.utils.checkpoint
from torch import nn


def _replaceable() -> list[Any]:
    """Everything of torch that a recording replaces while it runs."""
    return [
        vars(nn.Module)["__call__"],
        vars(torch.autograd.Function)["apply"],
        torch.autograd._engine_run_backward,
        torch.autograd._make_grads,
        torch.utils.checkpoint._checkpoint_without_reentrant_generator,
        nn.functional.has_torch_function_unary,
        nn.functional.has_torch_function_variadic,
        torch._tensor.has_torch_function_unary,
        torch.overrides.has_torch_function,
    ]


@pytest.fixture(autouse=True)
def _torch_is_left_as_it_was() -> Iterator[None]:
    """Fails a test after which torch is still patched, a mode is still on, or the garbage collector is off."""
    torch.manual_seed(0)
    before = _replaceable()
    yield
    assert all(now is then for now, then in zip(_replaceable(), before, strict=True)), "torch is still patched"
    assert torch._C._len_torch_function_stack() == 0, "a function mode is still on"
    assert gc.isenabled(), "the garbage collector is still off"
