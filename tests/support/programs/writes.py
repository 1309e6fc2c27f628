"""Programs that write in place: views and their bases, `out=`, `.data`, `copy_`, running averages."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn

from tests.support.program import Collection, Step, leaf

program = Collection()


@program()
def in_place() -> Step:
    x = leaf(4, 4)

    def step(x: Tensor) -> Tensor:
        y = x.exp()
        y = y.clone().add_(1).mul_(x)
        y += x
        y *= 2
        y -= y.mean()
        y /= 3
        y.clamp_(-5, 5).neg_()
        z = F.relu(y + 0, inplace=True) * 1.5
        z.masked_fill_(z > 2, 0.3).addcmul_(x, x, value=0.1).sub_(z.detach(), alpha=0.5)
        torch.sigmoid_(z)
        loss = z.sum() + y.square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def base_read_after_write_through_view() -> Step:
    x = leaf(4, 4)

    def step(x: Tensor) -> Tensor:
        base = x * 2
        base[1].mul_(3)
        base.view(-1)[5:9].add_(x[0])
        base.t()[2].copy_(x[:, 1])
        loss = (base * base).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def older_alias_read_after_write() -> Step:
    x = leaf(4, 4)

    def step(x: Tensor) -> Tensor:
        base = x * 2
        row, column = base[0], base[:, 0]
        flat = base.view(-1)
        base.mul_(x.sin())
        row.add_(column)
        loss = (row * 2).sum() + column.exp().sum() + flat[3:7].prod() + base.sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def views_of_views() -> Step:
    x = leaf(2, 3, 4)

    def step(x: Tensor) -> Tensor:
        y = x + 1
        inner = y[0].transpose(0, 1)[1:3]
        left = y.flatten(0, 1)[:, :2]
        inner.mul_(2)
        left.add_(inner.sum())
        inner[0].zero_()
        y[1] = left[:3].sum(1, keepdim=True)
        loss = (inner**2).sum() + left.sin().sum() + y.sum() + y[1].square().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def detached_alias_written() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        y = x * 3
        silent = y.detach()
        with torch.no_grad():
            silent.add_(1)
        z = y.sum() + silent.sum()
        buffer = torch.zeros(4)
        buffer.data.add_(y.data)
        loss = z * buffer.sum() + (x * buffer).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def out_arguments() -> Step:
    x = leaf(3, 4)

    def step(x: Tensor) -> Tensor:
        values, indices = torch.empty(3), torch.empty(3, dtype=torch.long)
        product = torch.empty(3, 3)
        with torch.no_grad():
            torch.max(x, 1, out=(values, indices))
            torch.mm(x, x.t(), out=product)
            torch.add(product, 1, out=product[:, :])
            total = torch.sum(x, 0, out=torch.empty(4))
        loss = ((product @ x) * total).sum() + (x.gather(1, indices[:, None])[:, 0] * values).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def data_writes() -> Step:
    model = nn.Linear(3, 2)
    x = torch.randn(4, 3)

    def step(x: Tensor) -> Tensor:
        model.weight.data = model.weight.data * 0.5
        model.bias.data.fill_(0.25)
        model.weight.data[0].clamp_(-0.1, 0.1)
        loss = model(x).square().sum()
        loss.backward()
        model.weight.data -= 0.1 * model.weight.grad
        return loss

    return Step(step, (x,), state=model)


@program()
def copies_into_buffers() -> Step:
    x = leaf(3, 4)

    def step(x: Tensor) -> Tensor:
        canvas = torch.zeros(5, 6)
        canvas[1:4, 1:5].copy_(x * 2)
        canvas[0].copy_(canvas[1])
        whole = torch.empty(5, 6, dtype=torch.float64).copy_(canvas)
        window = whole.unfold(0, 2, 2).unfold(1, 3, 3)
        loss = window.prod(-1).sum().float() + canvas.fill_diagonal_(0.5).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def running_average_of_weights() -> Step:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x = torch.randn(5, 4)

    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), average(x).detach())
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.mul_(0.9).add_(fast, alpha=0.1)
            for slow, fast in zip(average.buffers(), model.buffers(), strict=True):
                slow.copy_(fast)
        return loss

    return Step(step, (x,), state=(model, average, optimizer))


@program()
def parameters_written_under_no_grad() -> Step:
    model = nn.Linear(3, 3)
    x = torch.randn(2, 3)

    def step(x: Tensor) -> Tensor:
        first = model(x).sum()
        first.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.sub_(0.1 * parameter.grad)
                parameter.grad = None
            model.weight[0, 0] = 1.0
            model.weight.t()[1].zero_()
        second = model(x).square().sum()
        second.backward()
        return second

    return Step(step, (x,), state=model)


@program()
def storage_shared_across_dtypes() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        bits = x.detach().clone().view(torch.int32)
        bits &= 0x7FFFFFFF
        magnitude = bits.view(torch.float32)
        pair = torch.zeros(2, dtype=torch.complex64)
        torch.view_as_real(pair).copy_(x.view(2, 2))
        loss = (x * magnitude).sum() + pair.abs().sum() + pair.imag.sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def requires_grad_in_mid_forward() -> Step:
    w = leaf(4)

    def step(w: Tensor) -> Tensor:
        probe = torch.ones(4) * 2
        probe.requires_grad_()
        late = w.detach().exp()
        early = late * 2
        late.requires_grad = True
        loss = (probe * w).sum() + (late * early).sum() + late.sin().sum()
        loss.backward()
        return loss + probe.grad.sum() + late.grad.sum()

    return Step(step, (w,), state=w)


@program()
def view_of_a_leaf_made_under_no_grad() -> Step:
    w = leaf(4)

    def step(w: Tensor) -> Tensor:
        with torch.no_grad():
            view = w.view(2, 2)
        loss = (view * w.view(2, 2)).sum() + w.exp().sum()
        loss.backward()
        return loss if view.grad is None else loss + view.grad.sum()

    return Step(step, (w,), state=w)
