"""Programs with `autograd.Function`s of their own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from tests.support.program import Collection, Step, leaf

program = Collection()


class Cube(Function):
    """x³, differentiable any number of times."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x * x * gradient


class SineAndCosine(Function):
    """Two outputs and a non-differentiable third, in the form with `setup_context`."""

    @staticmethod
    def forward(x: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
        return torch.sin(x * scale), torch.cos(x * scale), x > 0

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, ctx.scale = inputs
        ctx.mark_non_differentiable(output[2])
        ctx.save_for_backward(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, sine: Tensor, cosine: Tensor, sign: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        scale = ctx.scale
        return scale * (sine * torch.cos(x * scale) - cosine * torch.sin(x * scale)), None


class AddOne(Function):
    """Adds one in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x.add_(1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class StraightThrough(Function):
    """Rounds; passes no gradient to its second argument."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor) -> Tensor:
        return (x + bias).round()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class PassOn(Function):
    """Gives its inputs back as they are; the gradients are halved."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
        return inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        return tuple(gradient / 2 for gradient in gradients)


@program()
def custom_function() -> Step:
    x, bias = leaf(4), leaf(4)

    def step(x: Tensor, bias: Tensor) -> Tensor:
        sine, _, positive = SineAndCosine.apply(x, 2.0)
        loss = (Cube.apply(x) * sine).sum() + StraightThrough.apply(x * 3, bias).sum() + (x * positive).sum()
        loss.backward()
        return loss

    return Step(step, (x, bias), state=(x, bias))


@program()
def custom_function_in_place() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        y = x * 2
        z = AddOne.apply(y)
        loss = (z * y).sum() + z.exp().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def custom_function_that_gives_back_its_inputs() -> Step:
    x, w = leaf(4), leaf(4)
    seen: list[Tensor] = []

    def step(x: Tensor, w: Tensor) -> Tensor:
        y, z = PassOn.apply(x * 2, w)
        y.register_hook(lambda gradient: seen.append(gradient.clone()))
        loss = (y * z).sum()
        loss.backward()
        return loss + seen[0].sum()

    return Step(step, (x, w), state=(x, w))


@program()
def custom_function_differentiated_twice() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        y = Cube.apply(x).sum()
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        loss = slope.square().sum() + y
        loss.backward()
        return loss

    return Step(step, (x,), state=x)
