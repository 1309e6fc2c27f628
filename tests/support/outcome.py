"""Everything that a run of a program leaves behind, as bits that can be compared."""

from __future__ import annotations

import dataclasses
import gc
import random
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from tests.support.program import Step

USER_CODE: Final = str(Path(__file__).parent / "programs")
"""Frames in these files belong to the program; all others are its surroundings."""

_PATCHABLE: Final = (
    nn.Module,
    Tensor,
    torch.optim.Optimizer,
    torch.autograd.Function,
    torch.autograd,
    torch.autograd.function,
    torch.autograd.graph,
    torch.utils.checkpoint,
    torch.utils.checkpoint.CheckpointFunction,
    torch.nn.functional,
    torch.nn.modules.module,
)


@dataclass(frozen=True)
class Outcome:
    """What a run gave back or raised, and the state that it left: path → bits."""

    facts: Mapping[str, Any]

    def differences(self, other: Outcome) -> list[str]:
        """Returns the paths at which the two outcomes are not bitwise the same."""
        paths = self.facts.keys() | other.facts.keys()
        return sorted(path for path in paths if self.facts.get(path, "absent") != other.facts.get(path, "absent"))


def bits(tensor: Tensor) -> tuple[Any, ...]:
    """Returns dtype, shape and elements of a tensor; equal for equal bits, so NaN equals itself and 0 is not -0."""
    tensor = tensor.detach()
    if tensor.layout != torch.strided:
        parts = (tensor._indices(), tensor._values())
        return ("sparse", tuple(tensor.shape), tensor.is_coalesced(), *(bits(part) for part in parts))
    plain = tensor.as_subclass(Tensor).resolve_conj().resolve_neg().cpu()
    flat = plain.flatten().clone(memory_format=torch.contiguous_format)  # a clone of one element has stride 1 at last
    return str(tensor.dtype), tuple(tensor.shape), flat.view(torch.uint8).numpy().tobytes()


def observe(step: Step, surround: Callable[[Callable[[], Any]], None] | None = None) -> Outcome:
    """Runs the step and returns its outcome.

    `surround` is given the program as a callable and must call it once; without it the program is simply called.
    An exception of the program's becomes part of the outcome.
    """
    results: list[Any] = []

    def run() -> Any:
        results.append(step())
        return results[-1]

    facts: dict[str, Any] = {}
    before = machinery()
    try:
        (surround or _call)(run)
    except (Exception, KeyboardInterrupt) as error:
        facts["error"] = (type(error), repr(error.args), user_traceback(error))
    facts |= {f"result{path}": value for path, value in _walk(results)}
    facts |= {f"state{path}": value for path, value in _walk(step.state)}
    facts |= {f"inputs{path}": value for path, value in _walk((step.inputs, step.keywords))}
    facts |= random_state()
    after = machinery()
    facts |= {f"machinery.{name}": "patched" for name in before if after.get(name) is not before[name]}
    facts |= {f"machinery.{name}": "added" for name in after.keys() - before.keys()}
    return Outcome(facts)


def _call(run: Callable[[], Any]) -> None:
    run()


def random_state() -> dict[str, Any]:
    """Returns the state of the generators of torch, numpy and Python."""
    name, keys, *rest = np.random.get_state()
    return {
        "random.torch": torch.get_rng_state().numpy().tobytes(),
        "random.numpy": (name, np.asarray(keys).tobytes(), *rest),
        "random.python": random.getstate(),
    }


def machinery() -> dict[str, Any]:
    """Returns what a recorder might patch, switch or push, by name."""
    found: dict[str, Any] = {}
    for owner in _PATCHABLE:
        name = owner.__name__
        found |= {
            f"{name}.{key}": value
            for key, value in vars(owner).items()
            if callable(value) or isinstance(value, (classmethod, staticmethod, property, types.GetSetDescriptorType))
        }
    found["function modes"] = len(torch.overrides._get_current_function_mode_stack())
    found["dispatch modes"] = len(_get_current_dispatch_mode_stack())
    found["garbage collection"] = gc.isenabled()
    found["gradients enabled"] = torch.is_grad_enabled()
    found["global module hooks"] = sum(len(hooks) for hooks in _global_hooks())
    return found


def _global_hooks() -> Iterator[Mapping[Any, Any]]:
    for name, value in vars(torch.nn.modules.module).items():
        if name.startswith("_global_") and isinstance(value, dict):
            yield value


def user_traceback(error: BaseException) -> tuple[str, ...]:
    """Returns the frames of the program itself as a traceback shows them."""
    frames = traceback.extract_tb(error.__traceback__)
    return tuple(f"{f.name}:{f.lineno} {f.line}" for f in frames if f.filename.startswith(USER_CODE))


def _walk(thing: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every number, flag and count of hooks in modules, optimizers, tensors and containers."""
    if isinstance(thing, Tensor):
        yield from _walk_tensor(thing, path)
    elif isinstance(thing, nn.Module):
        yield from _walk_module(thing, path)
    elif isinstance(thing, torch.optim.Optimizer):
        yield from _walk(thing.state_dict(), f"{path}.state_dict")
        yield from _count_hooks(thing, path)
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _walk(value, f"{path}.{key}")
    elif isinstance(thing, (list, tuple)):
        for index, value in enumerate(thing):
            yield from _walk(value, f"{path}[{index}]")
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        for field in dataclasses.fields(thing):
            yield from _walk(getattr(thing, field.name), f"{path}.{field.name}")
    else:
        yield path, repr(thing)


def _walk_tensor(tensor: Tensor, path: str) -> Iterator[tuple[str, Any]]:
    yield path, bits(tensor)
    yield f"{path}.type", type(tensor)
    yield f"{path}.attributes", sorted(vars(tensor))
    if tensor.is_leaf:
        yield f"{path}.requires_grad", tensor.requires_grad
        yield f"{path}.hooks", [len(hooks or ()) for hooks in _tensor_hooks(tensor)]
        if tensor.grad is not None:
            yield f"{path}.grad", bits(tensor.grad)


def _tensor_hooks(tensor: Tensor) -> tuple[Any, Any]:
    return tensor._backward_hooks, tensor._post_accumulate_grad_hooks


def _walk_module(module: nn.Module, path: str) -> Iterator[tuple[str, Any]]:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        yield from _walk_tensor(tensor, f"{path}.{name}")
    for name, child in module.named_modules():
        yield f"{path}.{name}.training", child.training
        yield f"{path}.{name}.attributes", sorted(vars(child))
        yield from _count_hooks(child, f"{path}.{name}")


def _count_hooks(owner: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, value in vars(owner).items():
        if "hooks" in name and isinstance(value, dict):
            yield f"{path}.{name}", len(value)
