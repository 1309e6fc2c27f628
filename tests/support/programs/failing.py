"""Programs that raise: in the forward pass, in the backward pass, in hooks, in the optimizer, in a recomputation."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils.checkpoint import checkpoint

from tests.support.program import Collection, Step, leaf

program = Collection()


class Trouble(Exception):
    """An exception of the program's own, with more than a text in it."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code


class FailingBackward(Function):
    """Raises when it is differentiated."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> NoReturn:
        raise Trouble(3, "in backward")


def refuse(gradient: Tensor) -> NoReturn:
    raise Trouble(4, f"in a hook of {tuple(gradient.shape)}")


@program()
def operator_in_forward() -> Step:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(5, 2))
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        return model(x).sum()

    return Step(step, (x,), state=model)


@program()
def module_in_forward() -> Step:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x.min() < 0:
                raise Trouble(1, "negative input")
            return x

    model = nn.Sequential(nn.Linear(4, 4), Picky())
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        return model(x).sum()

    return Step(step, (x,), state=model)


@program()
def custom_function_in_backward() -> Step:
    model = nn.Linear(4, 4)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        loss = FailingBackward.apply(model(x)).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def tensor_changed_before_backward() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        y = x.exp()
        z = y.sum()
        y.add_(1)
        z.backward()
        return z

    return Step(step, (x,), state=x)


@program()
def graph_used_twice() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        loss = x.exp().sum()
        loss.backward()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def tensor_hook() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        y = x.exp()
        y.register_hook(refuse)
        loss = (y * 2).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def parameter_hook() -> Step:
    model = nn.Linear(4, 2)
    model.weight.register_hook(refuse)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        loss = model(x).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def module_hook() -> Step:
    def complain(module: nn.Module, args: Any, output: Any) -> NoReturn:
        raise Trouble(5, type(module).__name__)

    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    model[1].register_forward_hook(complain)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        return model(x).sum()

    return Step(step, (x,), state=model)


@program()
def optimizer_step() -> Step:
    class Failing(torch.optim.SGD):
        def step(self, closure: Any = None) -> NoReturn:
            super().step(closure)
            raise Trouble(6, "after the update")

    model = nn.Linear(4, 2)
    optimizer = Failing(model.parameters(), lr=0.1)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
        return loss

    return Step(step, (x,), state=(model, optimizer))


@program()
def recomputation() -> Step:
    model = nn.Linear(4, 4)
    x = leaf(3, 4)
    calls: list[int] = []

    def block(y: Tensor) -> Tensor:
        calls.append(len(calls))
        hidden = model(y)
        if len(calls) > 1:
            raise Trouble(7, "when computed again")
        return hidden.tanh().exp()

    def step(x: Tensor) -> Tensor:
        loss = checkpoint(block, x * 2, use_reentrant=False).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=(model, x))


@program()
def reentrant_recomputation() -> Step:
    model = nn.Linear(4, 4)
    x = leaf(3, 4)
    calls: list[int] = []

    def block(y: Tensor) -> Tensor:
        calls.append(len(calls))
        hidden = model(y)
        if len(calls) > 1:
            raise Trouble(8, "when computed again")
        return hidden.tanh()

    def step(x: Tensor) -> Tensor:
        loss = checkpoint(block, x * 2, use_reentrant=True).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=(model, x))


@program()
def inside_a_transform() -> Step:
    x = leaf(4, 3)

    def row(r: Tensor) -> Tensor:
        return r.sum() if r.sum() > 0 else r.mean()

    def step(x: Tensor) -> Tensor:
        return torch.vmap(row)(x * 2).sum()

    return Step(step, (x,), state=x)


@program()
def keyboard_interrupt() -> Step:
    model = nn.Linear(4, 2)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        model(x).relu()
        raise KeyboardInterrupt

    return Step(step, (x,), state=model)
