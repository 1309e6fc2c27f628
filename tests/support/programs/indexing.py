"""Programs that pick, reorder and scatter: indexing, assignment, gather, selections, odd strides."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.support.program import Collection, Step, leaf

program = Collection()


@program()
def indexing() -> Step:
    x = leaf(5, 6, 3)

    def step(x: Tensor) -> Tensor:
        picked = x[1:4, ::2, None, ..., -1] + x[[0, 2, 4]][:, :3, 1].unsqueeze(1).expand(3, 3, 3).mean(1)[:, None, :].mT
        masked = x[x > 0.2].sum() + x[x.abs().argmax() // 18].mean()
        taken = (
            x.index_select(1, torch.tensor([0, 0, 5])).narrow(2, 0, 2).take_along_dim(torch.zeros(5, 1, 2).long(), 1)
        )
        loss = picked.mul(2).sum() + masked + taken.sum() + x.select(0, 1).diagonal().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def index_assignment() -> Step:
    x, y = leaf(4, 5), leaf(5)

    def step(x: Tensor, y: Tensor) -> Tensor:
        z = x * 2
        z[0] = y
        z[1:3, ::2] = y[:3].exp()
        z[z < -1] = 0.5
        z[[3, 3], [0, 1]] += y[0]
        z[:, -1].mul_(y.sum())
        loss = (z**2).sum()
        loss.backward()
        return loss

    return Step(step, (x, y), state=(x, y))


@program()
def several_outputs() -> Step:
    x = leaf(6, 4)

    def step(x: Tensor) -> Tensor:
        a, b, c = x.split([1, 2, 3])
        first, second = x.chunk(2, dim=1)
        rows = torch.unbind(x)
        top = torch.topk(x, 2, dim=0)
        best, _ = x.max(dim=1)
        ordered, _ = torch.sort(x, dim=0)
        loss = a.sum() + (b.exp().sum() * c.mean()) + (first * second).sum() + rows[0] @ rows[5]
        loss = loss + (top.values * ordered[:2]).sum() + best.var() + torch.var_mean(x)[0] + x.min(0)[0].sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def unused_outputs() -> Step:
    x = leaf(6, 4)

    def step(x: Tensor) -> Tensor:
        y = x * 1.5
        a, _, _ = torch.split(y, 2)
        _, vectors = torch.linalg.eigh(y[:4] @ y[:4].t() + torch.diag(torch.arange(1.0, 5.0)))
        dead = y.cos()
        loss = a.sum() + vectors.pow(2)[0].dot(torch.arange(4.0))
        loss.backward()
        return loss + dead.detach().sum() * 0

    return Step(step, (x,), state=x)


@program()
def scatter_gather() -> Step:
    x, y = leaf(4, 5), leaf(3, 5)
    index = torch.randint(0, 4, (3, 5))

    def step(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
        z = x.scatter(0, index, y).scatter_add(0, index, y * 2).scatter_reduce(0, index, y, "amax")
        z = z + torch.zeros(4, 5).index_add(0, index[:, 0], y).index_copy(0, torch.tensor([1]), y[:1])
        z.scatter_add_(1, index.new_zeros(4, 1), x[:, :1])
        loss = (z.gather(0, index) * y).sum() + torch.masked_select(z, z > 0).sum()
        loss.backward()
        return loss

    return Step(step, (x, y, index), state=(x, y))


@program()
def selections_and_scans() -> Step:
    x = leaf(5, 4)

    def step(x: Tensor) -> Tensor:
        y = torch.where(x > 0, x, x.exp() - 1) + torch.where(x.isfinite(), x * 2, 0.0)
        y = y.cumsum(0) + x.cumprod(1) + x.logcumsumexp(0) + torch.cummax(x, 0).values
        y = y.masked_fill(y < -2, 0.1).tril() + x.roll(1, 0).flip(1).clamp(-1, 1) + torch.median(x, 0).values
        loss = y.kthvalue(2, dim=0).values.sum() + torch.diff(y, dim=0).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def broadcasting_with_odd_strides() -> Step:
    x = leaf(1, 4, 1)

    def step(x: Tensor) -> Tensor:
        y = x.expand(3, 4, 5).transpose(0, 1)
        z = torch.as_strided(x.repeat(1, 1, 6).contiguous(), (4, 1, 3), (6, 17, 2)) * y[:, :1, :3]
        loss = (y.contiguous().view(-1).square().sum() + z.sum() + x.squeeze().outer(torch.ones(2)).sum()) * x.mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)
