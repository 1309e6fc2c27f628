"""Programs about autograd itself: checkpoints, several passes, higher derivatives, hooks, autocast."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from tests.support.program import REENTRANT, Collection, Step, leaf

program = Collection()


@program()
def gradient_penalty() -> Step:
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.01)
    real, fake = torch.randn(4, 3), torch.randn(4, 3)

    def step(real: Tensor, fake: Tensor) -> Tensor:
        optimizer.zero_grad()
        mix = torch.rand(4, 1)
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).square().mean()
        loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
        loss.backward()
        optimizer.step()
        return loss

    return Step(step, (real, fake), state=(critic, optimizer))


@program()
def third_derivative() -> Step:
    x = leaf(3)

    def step(x: Tensor) -> Tensor:
        y = (x.sin() * x.exp()).sum()
        for _ in range(2):
            (slope,) = torch.autograd.grad(y, x, create_graph=True)
            y = (slope * x).sum()
        y.backward()
        return y

    return Step(step, (x,), state=x)


@program()
def hessian_vector_product() -> Step:
    model = nn.Linear(3, 3)
    x = torch.randn(2, 3)

    def step(x: Tensor) -> tuple[Tensor, ...]:
        loss = model(x).sigmoid().square().sum()
        parameters = tuple(model.parameters())
        slopes = torch.autograd.grad(loss, parameters, create_graph=True)
        along = sum((slope * torch.ones_like(slope)).sum() for slope in slopes)
        return torch.autograd.grad(along, parameters)

    return Step(step, (x,), state=model)


@program()
def several_losses_over_one_graph() -> Step:
    trunk, left, right = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 3)
    x = torch.randn(2, 4)

    def step(x: Tensor) -> Tensor:
        features = trunk(x).tanh()
        first, second = left(features).square().sum(), right(features).exp().mean()
        first.backward(retain_graph=True)
        second.backward(retain_graph=True)
        (first * 0.5 + second).backward()
        return first + second

    return Step(step, (x,), state=(trunk, left, right))


@program()
def several_roots_of_one_pass() -> Step:
    x = leaf(3)

    def step(x: Tensor) -> Tensor:
        y = x.exp()
        vector, scalar = y * 2, (y * x).sum()
        torch.autograd.backward([vector, scalar], [torch.tensor([1.0, 0.5, -1.0]), None])
        return scalar

    return Step(step, (x,), state=x)


@program()
def backward_to_given_inputs() -> Step:
    x, w = leaf(3), leaf(3)

    def step(x: Tensor, w: Tensor) -> Tensor:
        y = x * w
        loss = (y.exp() + x).sum()
        loss.backward(inputs=[w], retain_graph=True)
        (at_y,) = torch.autograd.grad(loss, [y])
        return loss + at_y.sum()

    return Step(step, (x, w), state=(x, w))


@program()
def checkpoint_without_reentry() -> Step:
    model = nn.ModuleList(nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Dropout(0.3), nn.Linear(8, 4)) for _ in range(3))
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        y = x
        for block in model:
            y = checkpoint(block, y, use_reentrant=False) + y
        loss = y.square().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def checkpoint_nested_with_shared_module() -> Step:
    shared = nn.Linear(4, 4)
    x = leaf(2, 4)

    def inner(y: Tensor) -> Tensor:
        return shared(y).tanh() * 2

    def outer(y: Tensor) -> Tensor:
        return checkpoint(inner, y.sin(), use_reentrant=False) + shared(y)

    def step(x: Tensor) -> Tensor:
        loss = checkpoint(outer, shared(x), use_reentrant=False).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=(shared, x))


@program(REENTRANT)
def checkpoint_with_reentry() -> Step:
    model = nn.ModuleList(nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Dropout(0.3), nn.Linear(8, 4)) for _ in range(2))
    x = leaf(3, 4)

    def step(x: Tensor) -> Tensor:
        y = x * 2
        for block in model:
            y = checkpoint(block, y, use_reentrant=True)
        loss = y.square().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=(model, x))


@program(REENTRANT)
def checkpoint_sequential_with_reentry() -> Step:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.ReLU(), shared, nn.Tanh(), nn.Linear(4, 4))
    x = leaf(2, 4)

    def step(x: Tensor) -> Tensor:
        loss = checkpoint_sequential(model, 2, x.exp(), use_reentrant=True).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=(model, x))


@program()
def autocast() -> Step:
    model = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    x = torch.randn(4, 6)

    def step(x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = model(x)
            z = y @ model[3].weight
        with torch.autocast("cpu", enabled=False):
            loss = F.cross_entropy(y.float(), torch.tensor([0, 1, 2, 1])) + z.float().square().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def tensor_hooks_that_change_gradients() -> Step:
    x, w = leaf(4), leaf(4)

    def step(x: Tensor, w: Tensor) -> Tensor:
        y = x.sin()
        y.register_hook(lambda gradient: gradient * 2)
        z = y * w
        handle = z.register_hook(lambda gradient: gradient + 1)
        doomed = z.register_hook(lambda gradient: gradient * 100)
        doomed.remove()
        w.register_hook(lambda gradient: gradient.clamp(max=0.1))
        loss = (z * z + y).sum()
        loss.backward()
        handle.remove()
        return loss

    return Step(step, (x, w), state=(x, w))


@program()
def retained_and_accumulated_gradients() -> Step:
    x, w = leaf(4), leaf(4)
    w.grad = torch.ones(4)
    totals: list[Tensor] = []
    w.register_post_accumulate_grad_hook(lambda leaf: totals.append(leaf.grad.clone()))

    def step(x: Tensor, w: Tensor) -> Tensor:
        y = x.exp() * w
        y.retain_grad()
        y.mul_(2)
        loss = (y * w).sum()
        loss.backward()
        return loss + y.grad.sum() + totals[-1].sum()

    return Step(step, (x, w), state=(x, w, totals))


@program()
def saved_tensor_hooks() -> Step:
    x, w = leaf(4, 4), leaf(4, 4)

    def step(x: Tensor, w: Tensor) -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
            y = (x @ w).exp()
        with torch.autograd.graph.save_on_cpu():
            loss = (y * x).sum()
        loss.backward()
        return loss

    return Step(step, (x, w), state=(x, w))


@program()
def gradient_edited_between_passes() -> Step:
    model = nn.Linear(4, 2)
    x = torch.randn(3, 4)

    def step(x: Tensor) -> Tensor:
        loss = model(x).square().sum()
        loss.backward(create_graph=False)
        model.weight.grad *= 0.5
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        model.bias.grad = None
        second = model(x * 2).abs().sum()
        second.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.05)
        return loss + second

    return Step(step, (x,), state=model)
