"""Programs that bring machinery of their own: TorchScript, torch.func, subclasses, modes, threads, C++ tensors."""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tests.support.program import UNSEEN, Collection, Step, leaf

program = Collection()


def scripted(function: Callable[..., Any]) -> Any:
    """Returns the function compiled by TorchScript, without the warning that it is old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(function)


def swish(x: Tensor, beta: float) -> Tensor:
    """An activation for TorchScript to compile."""
    return x * torch.sigmoid(x * beta)


@program(UNSEEN)
def scripted_activation() -> Step:
    activation = scripted(swish)
    for _ in range(3):  # TorchScript optimises after some calls; from then on every run computes the same bits
        activation(torch.ones(3, 4, requires_grad=True), 1.5).sum().backward()
    before, after = nn.Linear(4, 4), nn.Linear(4, 2)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        loss = after(activation(before(x), 1.5)).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=(before, after))


@program(UNSEEN)
def work_in_another_thread() -> Step:
    model = nn.Linear(4, 4)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        hidden = model(x)
        found: list[Tensor] = []
        thread = threading.Thread(target=lambda: found.append(hidden.exp() + model.weight.sum()))
        thread.start()
        thread.join()
        loss = found[0].square().mean() + hidden.sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program(UNSEEN)
def tensor_made_in_cpp() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            hidden = torch.sinh(x) * 2
        loss = hidden.square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def numpy_and_python_randomness() -> Step:
    model = nn.Linear(4, 2)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        noise = torch.from_numpy(np.random.standard_normal((3, 4))).float()
        scale = random.random()
        shuffled = torch.as_tensor(np.asarray(x)[np.random.permutation(3)])
        loss = (model(x + noise * scale) - model(shuffled)).square().mean()
        loss.backward()
        return loss + float(loss.detach().numpy()) + len(loss.shape)

    return Step(step, (x,), state=model)


@program(UNSEEN)
def functional_transforms() -> Step:
    model = nn.Linear(3, 1)
    x = torch.randn(4, 3)

    def step(x: Tensor) -> Tensor:
        parameters = {name: value.detach() for name, value in model.named_parameters()}

        def loss_of(parameters: dict[str, Tensor], row: Tensor) -> Tensor:
            return torch.func.functional_call(model, parameters, (row,)).square().sum()

        per_sample = torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0))(parameters, x)
        importance = torch.cat([g.flatten(1) for g in per_sample.values()], 1).norm(dim=1)
        loss = (model(x)[:, 0] * importance).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def functional_call() -> Step:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.randn(4, 3)

    def step(x: Tensor) -> Tensor:
        moved = {name: value * 0.9 for name, value in model.named_parameters()}
        loss = (torch.func.functional_call(model, moved, (x,)) - model(x)).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program(UNSEEN)
def vectorised_map() -> Step:
    x, w = leaf(5, 3), leaf(3)

    def step(x: Tensor, w: Tensor) -> Tensor:
        similar = torch.vmap(lambda row: torch.dot(row, w).tanh() * row)
        loss = similar(x * 2).square().sum()
        loss.backward()
        return loss

    return Step(step, (x, w), state=(x, w))


class Metered(Tensor):
    """A tensor with a unit that goes along with every operation."""

    unit: str = ""

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs or {})
        units = [x.unit for x in args if isinstance(x, Metered)]
        if isinstance(result, Metered) and units:
            result.unit = units[0]
        return result


@program(UNSEEN)  # `as_subclass` does not tell modes
def tensor_subclass() -> Step:
    x, w = leaf(3), leaf(3)

    def step(x: Tensor, w: Tensor) -> Tensor:
        metres = (x * 2).as_subclass(Metered)
        metres.unit = "m"
        moved = (metres + w).sinh()
        moved = moved * 3
        moved += 1
        assert moved.unit == "m"
        loss = moved.as_subclass(Tensor).square().sum()
        loss.backward()
        return loss

    return Step(step, (x, w), state=(x, w))


class Doubling(TorchFunctionMode):
    """A user's own mode: every sine is doubled, and calls are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.calls += 1
        result = func(*args, **(kwargs or {}))
        return result * 2 if func in (torch.sin, Tensor.sin) else result


@program()
def user_function_mode() -> Step:
    x = leaf(3)

    def step(x: Tensor) -> Tensor:
        with Doubling() as mode:
            loss = (x.sin() + torch.sin(x) * x).sum()
        loss.backward()
        return loss * mode.calls

    return Step(step, (x,), state=x)


@program()
def default_device_and_dtype() -> Step:
    x = leaf(3)

    def step(x: Tensor) -> Tensor:
        with torch.device("cpu"):
            table = torch.ones(3, 3) + torch.rand(3)
        torch.set_default_dtype(torch.float64)
        try:
            wide = torch.ones(3) * 0.1
        finally:
            torch.set_default_dtype(torch.float32)
        loss = (table @ x).square().sum() + (wide * x).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def generator_of_its_own() -> Step:
    x = leaf(4, 4)
    generator = torch.Generator().manual_seed(7)

    def step(x: Tensor) -> Tensor:
        mask = torch.bernoulli(torch.full((4, 4), 0.5), generator=generator)
        noise = torch.empty(4, 4).uniform_(generator=generator) + torch.randn(4, 4, generator=generator)
        with torch.random.fork_rng():
            torch.manual_seed(3)
            loss = (torch.nn.functional.dropout(x, 0.4) * mask + noise * x).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=(x, generator.get_state()))


@program()
def exception_caught_by_the_program() -> Step:
    x = leaf(3, 4)

    def step(x: Tensor) -> Tensor:
        y = x * 2
        try:
            y = y @ x
        except RuntimeError:
            y = y @ x.t()
        try:
            y.backward()
        except RuntimeError:
            loss = y.square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def nested_calls_of_torch_in_python() -> Step:
    x, y = leaf(4, 3), leaf(4, 3)

    def step(x: Tensor, y: Tensor) -> Tensor:
        stacked = torch.stack(list(torch.broadcast_tensors(x, y.mean(0))))
        mesh = torch.meshgrid(x[:, 0], y[0], indexing="ij")
        product = torch.cartesian_prod(x[0], y[0]).prod(1) if x.numel() else x
        rows = torch.atleast_2d(x[0]) + torch.block_diag(x[:1], y[:1])[:1, :3]
        loss = stacked.norm() + (mesh[0] * mesh[1]).sum() + product.sum() + rows.std() + torch.cdist(x, y).mean()
        loss.backward()
        return loss

    return Step(step, (x, y), state=(x, y))
